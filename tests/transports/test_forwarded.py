"""X-Forwarded-For and Forwarded: what proxies say, and what is only made to look so."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.core.errors import ProtocolError
from wamplite.transports.forwarded import Forwarding, address_of


@pytest.mark.parametrize(
    ("said", "chain"),
    [
        ("203.0.113.7", ["203.0.113.7"]),
        ("a, 203.0.113.7 ,10.0.0.1", ["a", "203.0.113.7", "10.0.0.1"]),
        ("", [""]),
    ],
)
def test_x_forwarded_for_is_a_list(said: str, chain: list[str]) -> None:
    assert Forwarding([said], []).chains() == [chain]
    assert Forwarding(["x", said], []).chains() == [["x", *chain]]


@pytest.mark.parametrize(
    ("said", "chain"),
    [
        ("for=203.0.113.7", ["203.0.113.7"]),
        ('For="[2001:db8::7]:4711"', ["[2001:db8::7]:4711"]),
        ("for=[2001:db8::7]:4711", ["[2001:db8::7]:4711"]),  # not as RFC 7239 has it, but sent
        ("for=a;proto=http;by=b, proto=https ; FOR=c", ["a", "c"]),
        ("for=_hidden, for=unknown", ["_hidden", "unknown"]),
        ("proto=http", [""]),
        ("", [""]),
        ("for=a,", ["a", ""]),
        (",,", ["", "", ""]),
        ('host="x, for=6.6.6.6, y";for=a', ["a"]),  # a text of somebody else's
        ('host="x;for=6.6.6.6;y";for=a', ["a"]),
        (r'host="x\";for=6.6.6.6;\"";for=a', ["a"]),
    ],
)
def test_forwarded_is_read_as_its_grammar_has_it(said: str, chain: list[str]) -> None:
    assert Forwarding([], [said]).chains() == [chain]


@pytest.mark.parametrize(
    "said", ['for="203.0.113.7', "for", "for=", "for = a", "for=a b", 'for="a"b', "for=a;;x=ä", "="]
)
def test_what_cannot_be_read_is_refused(said: str) -> None:
    with pytest.raises(ProtocolError, match="cannot be read"):
        Forwarding([], [said]).chains()


def test_nothing_is_said_by_no_header() -> None:
    assert Forwarding([], []).chains() == []


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:80", "203.0.113.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:80", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", None),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("7", None),
        ("203.0.113", None),
        ("203.0.113.07", None),
        ("203.0.113.7:x", None),
        ("[203.0.113.7", None),
        ("203.0.113.7 ", None),
        ("\u0661.2.3.4", None),
        ("9" * 10000, None),
    ],
)
def test_a_word_has_an_address_or_none(word: str, address: str | None) -> None:
    assert address_of(word) == address


@given(st.text('for=;," \\\t1.:[]_x', max_size=200))
def test_any_text_is_read_or_refused(said: str) -> None:
    try:
        chains = Forwarding([said], [said]).chains()
    except ProtocolError:
        chains = [said.split(",")]
    for chain in chains:
        for word in chain:
            address_of(word)


@pytest.mark.parametrize("said", ["for=" + '"' * 8000, " " * 4000 + ";" + " " * 4000, "," * 8000])
def test_eight_kilobytes_take_no_time(said: str) -> None:
    begun = time.process_time()
    with suppress(ProtocolError):
        Forwarding([said], [said]).chains()
    assert time.process_time() - begun < 0.5
