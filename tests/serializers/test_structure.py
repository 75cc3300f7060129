"""Bounds on what a message may nest and hold, narrower than those of the gate: to the element."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.unfit import Uncarriable
from wamplite.serializers.structure import Structure

NARROW = Structure(depth=3, elements=4, total=10)
DEEP, LONG, MANY = "at most 3 containers", "at most 4 elements", "at most 10 elements in all"


@pytest.mark.parametrize(
    ("args", "more", "text"),
    [
        ([[[[]]]], [[[[[]]]]], DEEP),
        ([{"a": [{}]}], [{"a": [{"b": {}}]}], DEEP),
        ([1, 2, 3, 4], [1, 2, 3, 4, 5], LONG),
        ([{"a": 1, "b": 2, "c": 3, "d": 4}], [[{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}]], LONG),
        ([[1, 2, 3, 4], [1, 2, 3, 4]], [[1, 2, 3, 4], [1, 2, 3, 4], []], MANY),
    ],
)
def test_what_is_at_a_bound_passes_and_what_is_beyond_does_not(
    args: Any, more: Any, text: str
) -> None:
    NARROW.check([16, 7, {}, "com.example.t", args])
    with pytest.raises(Uncarriable, match=text):
        NARROW.check([16, 7, {}, "com.example.t", more])


def test_kwargs_are_counted_with_args() -> None:
    NARROW.check([16, 7, {}, "com.example.t", [1, 2, 3], {"a": [1, 2], "b": 2, "c": 3, "d": 4}])
    with pytest.raises(Uncarriable, match=MANY):
        NARROW.check(
            [16, 7, {}, "com.example.t", [1, 2, 3, 4], {"a": [1, 2, 3], "b": 2, "c": 3, "d": 4}]
        )


def test_options_are_no_payload() -> None:
    NARROW.check([16, 7, dict.fromkeys("abcdefghijkl", [[[[[]]]]]), "com.example.t"])


def test_a_payload_may_begin_right_behind_the_options() -> None:
    NARROW.check([50, 7, {}, [1, 2, 3, 4]])
    with pytest.raises(Uncarriable, match=LONG):
        NARROW.check([50, 7, {}, [1, 2, 3, 4, 5]])


@pytest.mark.parametrize("array", [[1, "realm1"], "no message", [5, [[[[[[]]]]]]], []])
def test_what_has_no_options_has_no_payload(array: Any) -> None:
    NARROW.check(array)
