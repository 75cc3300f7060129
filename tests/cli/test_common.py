"""Values, options and output that the client verbs share."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from wamplite.cli import common, connection


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21.5", 21.5),
        ("true", True),
        ("null", None),
        ('{"a":[1]}', {"a": [1]}),
        ('"21.5"', "21.5"),
        ("garden", "garden"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("", ""),
        ("{", "{"),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_a_word_is_json_where_it_parses_as_json(text: str, value: Any) -> None:
    assert common.value(text) == value


@pytest.mark.parametrize(
    ("text", "pair"),
    [("unit=C", ("unit", "C")), ("n=1", ("n", 1)), ("a=b=c", ("a", "b=c")), ("a=", ("a", ""))],
)
def test_a_keyword_argument_is_split_at_the_first_equals_sign(
    text: str, pair: tuple[str, Any]
) -> None:
    assert common.pair(text) == pair


@pytest.mark.parametrize("text", ["unit", "=C", ""])
def test_a_keyword_argument_needs_key_and_equals_sign(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected KEY=VALUE"):
        common.pair(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf"])
def test_a_timeout_is_above_zero_and_finite(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected seconds above 0"):
        common.seconds(text)


def test_output_is_compact_json_in_plain_letters() -> None:
    assert common.to_json({"t": [21.5, "°C", None]}) == '{"t":[21.5,"°C",null]}'


def test_bytes_are_written_as_in_wamps_json_binding() -> None:
    assert common.to_json(b"\x10\xff") == '"\\u0000EP8="'


def test_output_holds_no_control_characters() -> None:
    assert common.to_json("\x1b[31m\x9b1m\x7f\u2028") == '"\\u001b[31m\\u009b1m\\u007f\\u2028"'


def test_options_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPLITE_URL", "rs://pi:9")
    monkeypatch.setenv("WAMPLITE_REALM", "home")
    monkeypatch.setenv("WAMPLITE_TIMEOUT", "2.5")
    parser = argparse.ArgumentParser()
    connection.add_connection(parser)
    options = parser.parse_args(["--realm", "attic"])
    assert (options.url, options.realm, options.timeout) == ("rs://pi:9", "attic", 2.5)


def test_headers_and_a_proxy_are_handed_on() -> None:
    parser = argparse.ArgumentParser()
    connection.add_connection(parser)
    words = ["--header", "Cookie: a=b:c", "--header", "X:1", "--proxy", "http://pi:3128"]
    given = connection.connection(parser.parse_args(words))
    assert given["headers"] == {"Cookie": "a=b:c", "X": "1"}
    assert given["proxy"] == "http://pi:3128"
    given = connection.connection(parser.parse_args([]))
    assert not {"headers", "proxy"} & set(given)
    with pytest.raises(argparse.ArgumentTypeError, match="expected NAME: VALUE, not 'Cookie'"):
        common.header("Cookie")


@pytest.mark.parametrize(
    ("text", "size"), [("65536", 65536), ("64K", 65536), ("16m", 2**24), ("1G", 2**30)]
)
def test_a_size_may_have_a_unit(text: str, size: int) -> None:
    assert common.size(text) == size


@pytest.mark.parametrize("text", ["0", "0K", "-1", "1.5M", "16MB", "M", "", "١", "9" * 30])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a size as 65536, 64K or 16M"):
        common.size(text)
