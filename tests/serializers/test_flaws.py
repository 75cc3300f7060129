"""What is wrong with a message, and where: its bounds, to the element."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.serializers.flaws import find_flaw
from wamplite.serializers.payload import LEVELS, MAX_LENGTH, MAX_TOTAL, TOO_DEEP, TOO_LONG, TOO_MANY

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
