"""What is wrong with a message, and where: its bounds, to the element."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.serializers.flaws import MOST_KEYS, Flaw, find_flaw, head
from wamplite.serializers.payload import (
    KEY,
    LEVELS,
    MAX_LENGTH,
    MAX_TOTAL,
    SURROGATE,
    TOO_DEEP,
    TOO_LONG,
    TOO_MANY,
)

HEAD = [16, 7, {}, "com.example.t"]


def deep(levels: int) -> Any:
    """Return so many lists, one within the other."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("most", "more", "flaw"),
    [
        ([0] * MAX_LENGTH, [0] * (MAX_LENGTH + 1), ([4], TOO_LONG)),
        (deep(LEVELS - 1), deep(LEVELS), ([4] + [0] * (LEVELS - 1), TOO_DEEP)),
        (
            [[0] * 50_000, [0] * (MAX_TOTAL - 50_002)],
            [[0] * 50_000, [0] * (MAX_TOTAL - 50_001)],
            ([], TOO_MANY),
        ),
    ],
    ids=["long", "deep", "many"],
)
def test_as_much_as_may_be_has_no_flaw(most: Any, more: Any, flaw: Any) -> None:
    assert find_flaw([*HEAD, most]) is None
    assert find_flaw([*HEAD, more]) == flaw


@pytest.mark.parametrize(
    ("key", "why"), [(5, KEY + "int"), ("\ud800", SURROGATE), (Flaw("damaged", ""), "damaged")]
)
def test_a_key_may_be_the_flaw(key: Any, why: str) -> None:
    assert find_flaw([*HEAD, [{"a": 1, key: 2}]]) == ([4, 0], why)


def test_options_are_told_without_their_flaws_unless_they_are_very_many() -> None:
    options = {str(number): number for number in range(MOST_KEYS)}
    assert head(options) == options
    assert head({**options, "one": "more"}) == {}
    assert head({"a": 1, "b": float("nan"), "c": [2]}) == {"a": 1, "c": [2]}


@pytest.mark.parametrize(
    ("element", "told"), [(Flaw("damaged", {}), {}), ([1], []), ("com.example.t", "com.example.t")]
)
def test_what_lists_hold_is_not_told_and_a_flaw_by_what_is_of_its_kind(
    element: Any, told: Any
) -> None:
    assert head(element) == told
