"""`wamplite sub -F`: lines made of an event's values."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from wamplite.cli.formats import LineFormat


def line(text: str, *args: Any, **kwargs: Any) -> str:
    return LineFormat(text)(
        {"topic": "com.example.t", "args": list(args), "kwargs": kwargs, "details": {"x": 1}}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{topic}: {0} {unit}", "com.example.t: 21.55 C"),
        ("{0:.1f}", "21.6"),
        (
            "{args} {kwargs} {details}",
            '[21.55,"a b"] {"unit":"C","large":9007199254740992} {"x":1}',
        ),
        ("{1}|{2}|{missing}|", "a b|||"),
        ("{1:.1f}", "a b"),
        ("{0!r:>6}", " 21.55"),
        ("{{}}", "{}"),
        ("{0:99999999999}", "21.55"),
        ("{1:{2}}|", "a b|"),
        ("{large:c}", "9007199254740992"),
    ],
)
def test_a_format_is_filled(text: str, expected: str) -> None:
    assert line(text, 21.55, "a b", unit="C", large=2**53) == expected


def test_a_keyword_argument_does_not_hide_the_topic() -> None:
    assert line("{topic}", topic="other") == "com.example.t"


@pytest.mark.parametrize("text", ["{", "}", "{0!x}", "{} {0}", "{0.real}", "{0[0]}"])
def test_a_broken_format_is_refused_before_anything_happens(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        LineFormat(text)


def test_a_field_that_cannot_be_is_refused_with_those_that_can() -> None:
    fields = "{topic}, {args}, {kwargs}, {details}, {0}, {KEY}"
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        LineFormat("{topic} {0:{a.b}}")
    assert str(refused.value).endswith(f": there is no {{a.b}}, fields are {fields}")


def test_no_event_chooses_a_width_that_fills_the_memory() -> None:
    assert line("{0:{1}}", "a", 10**12) == "a"


def test_a_format_without_a_field_of_the_event_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = LineFormat("{type} {2}")
    event = {"topic": "t", "args": [1], "kwargs": {"unit": "C"}, "details": {}}
    assert [filled(event), filled(event)] == [" ", " "]
    told = "this event has no field of -F '{type} {2}'; it has {0}, {unit}, {topic}"
    assert capsys.readouterr().err == f"wamplite: {told}\n"


@pytest.mark.parametrize("text", ["tick", "{topic}", "{0} {none}", "{args}"])
def test_a_format_that_an_event_fills_is_not_complained_of(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line(text, 1)
    assert capsys.readouterr().err == ""
