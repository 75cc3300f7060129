"""SASLprep: the examples of RFC 4013, each table that it forbids, and both directions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wamplite.auth.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),  # RFC 4013, section 3
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("", ""),
        ("a\u00a0b", "a b"),
        ("a\u200bb", "a b"),  # a space by table C.1.2, though B.1 would drop it
        ("\u1806x\ufe0f", "x"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),  # RFC 3454, section 6
        ("pässword", "pässword"),
        ("pa\u0308ssword", "pässword"),
    ],
)
def test_a_text_is_mapped_and_normalized(text: str, prepared: str) -> None:
    assert saslprep(text) == saslprep(text, stored=True) == prepared


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\u0007", "character 1 is a control character"),
        ("ab\u0080", "character 3 is a control character"),
        ("\ue000", "private use"),
        ("\ufdd0", "no character"),
        ("\ud800", "a surrogate"),
        ("\ufffd", "no plain text"),
        ("\u2ff0", "tells of a layout"),
        ("\u200e", "changes how others are shown"),
        ("\U000e0041", "a tag"),
        ("\u1680", "an unusual space"),
        ("\u0627\u0031", "begins and ends so"),
        ("1\u0627", "begins and ends so"),
        ("\u0627a\u0628", "is so whole"),
    ],
)
def test_what_is_forbidden_is_named_and_where_it_stands(text: str, why: str) -> None:
    if text == "\u1680":
        assert saslprep(text) == " "  # mapped before anything is forbidden
        return
    with pytest.raises(ValueError, match=why):
        saslprep(text)


@pytest.mark.parametrize("text", ["\u0221", "\N{KEY}"])
def test_what_unicode_has_taken_up_since_may_be_asked_for_and_is_not_kept(text: str) -> None:
    assert saslprep(text) == text
    with pytest.raises(ValueError, match="character 1 is not in Unicode 3.2"):
        saslprep(text, stored=True)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_what_is_prepared_stays_as_it_is(text: str) -> None:
    try:
        prepared = saslprep(text, stored=True)
    except ValueError as error:
        assert str(error)
    else:
        assert saslprep(prepared, stored=True) == saslprep(text) == prepared
