"""URIs: loose, patterns, reserved."""

from __future__ import annotations

import re

import pytest

from wamplite.core import uris

GOOD = ["a", "com.example.add2", "COM.Example.Add-2", "wamp.error.x", "ä.ö.ü", "a/b.c:d", "x" * 255]
BAD = ["", ".", ".a", "a.", "a..b", "a b", "a\tb", "a\n", "\na", "a.b\n", "a#b", "#", "a.\u00a0b"]
BAD += ["a.\u2003", "x" * 256, "ä" * 128]


@pytest.mark.parametrize("uri", GOOD)
def test_a_loose_uri_is_valid(uri: str) -> None:
    assert uris.is_valid(uri)
    assert uris.is_valid_pattern(uri)


@pytest.mark.parametrize("uri", BAD)
def test_a_uri_with_an_empty_component_a_space_or_a_hash_is_not_valid(uri: str) -> None:
    assert not uris.is_valid(uri)


@pytest.mark.parametrize("uri", [*BAD, "\ud800", None])
def test_what_is_wrong_with_a_uri_is_told_in_words(uri: object) -> None:
    assert uris.flaw(uri)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (5, "it must be text, not int"),
        ("", "a URI has 1 to 255 bytes"),
        ("x" * 256, "a URI has 1 to 255 bytes"),
        ("#" * 255, "it may hold no #; for all topics that begin so there is match prefix"),
        ("com.#", "it may hold no #; for all topics that begin so there is match prefix"),
        ("com.a b", "it may hold no spaces"),
        ("com.", "a dot at an end, or two in a row, are for patterns: match prefix or wildcard"),
        ("com..a", "a dot at an end, or two in a row, are for patterns: match prefix or wildcard"),
        ("ä" * 128, "it is not UTF-8 of at most 255 bytes"),
    ],
)
def test_a_flaw_says_what_would_do_instead(uri: object, words: str) -> None:
    assert uris.flaw(uri) == words


@pytest.mark.parametrize("uri", ["\udcff", "com.example.\ud800", "\udc00.a"])
def test_a_lone_surrogate_is_in_no_uri(uri: str) -> None:
    assert not uris.is_valid(uri)
    assert not uris.is_valid_pattern(uri)


@pytest.mark.parametrize("uri", ["", ".", "..", "a.", ".a", "a..b", "com.example."])
def test_a_pattern_may_have_empty_components(uri: str) -> None:
    assert uris.is_valid_pattern(uri)


@pytest.mark.parametrize("uri", ["a b", "a.\n", "..#", "." * 256])
def test_a_pattern_has_neither_space_nor_hash(uri: str) -> None:
    assert not uris.is_valid_pattern(uri)


def test_a_length_is_counted_in_octets() -> None:
    assert uris.is_valid("ä" * 127)
    assert uris.is_valid("ä" * 127 + "x")
    assert not uris.is_valid("ä" + "x" * 254)  # as many characters as there may be bytes
    assert not uris.is_valid("ä" * 128)


def test_what_has_wamp_as_its_first_component_is_reserved() -> None:
    assert uris.is_reserved("wamp.session.count")
    assert uris.is_reserved("wamp")
    assert not uris.is_reserved("wamplite.error.limit_reached")


def test_every_predefined_uri_is_strict() -> None:
    named = {key: value for key, value in vars(uris).items() if key.isupper()}
    predefined = [value for value in named.values() if isinstance(value, str) and "." in value]
    strict = re.compile(r"wamp(lite)?(\.[0-9a-z_]+)+")  # RFC "URIs", the strict rule
    assert len(predefined) > 30
    assert all(map(strict.fullmatch, predefined))


@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
@pytest.mark.parametrize("uri", ["a.b", "a..b", "a.", "", "a b"])
def test_the_match_says_whether_it_must_be_a_uri_or_a_pattern(uri: str, match: str) -> None:
    rule = uris.is_valid if match == "exact" else uris.is_valid_pattern
    assert uris.is_valid_for(match, uri) is rule(uri)
