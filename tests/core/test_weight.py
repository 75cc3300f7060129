"""Weight: about how many bytes a payload takes, and that no more is counted than is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from wamplite.core.weight import EACH, weigh

MUCH = 10**9


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        (None, EACH),
        (7, EACH),
        ("", EACH),
        ("four", EACH + 4),
        (b"four", EACH + 4),
        ([], EACH),
        ([1, 2], EACH + 2 * EACH + 2 * EACH),  # each has its place in the list, and itself
        ((1,), EACH + EACH + EACH),
        ({"key": 1}, EACH + EACH + 3 + EACH),
        ([["a"], {"b": ["c"]}], 11 * EACH + 3),
    ],
)
def test_every_element_counts_and_so_does_each_byte_of_text(value: Any, bytes_: int) -> None:
    assert weigh(value, MUCH) == bytes_


@pytest.mark.parametrize("value", ["x" * 100, ["x"] * 100, {str(number): 1 for number in range(9)}])
def test_what_weighs_more_than_asked_is_more_than_that(value: Any) -> None:
    assert weigh(value, 50) > 50
    exact = weigh(value, MUCH)
    assert weigh(value, exact) == exact
    assert weigh(value, exact - 1) > exact - 1


class Guarded(list[Any]):
    """A list whose elements must not be looked at."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("it was looked into")


class GuardedDict(dict[str, Any]):
    """A dict whose values must not be looked at."""

    def values(self) -> Any:
        raise AssertionError("it was looked into")


@pytest.mark.parametrize("value", [Guarded([1] * 100), GuardedDict(dict.fromkeys("abcdefgh"))])
def test_nothing_is_looked_into_that_is_too_heavy_by_its_length(value: Any) -> None:
    assert weigh(value, 100) > 100
    with pytest.raises(AssertionError, match="it was looked into"):
        weigh(value, MUCH)


def test_counting_stops_beyond_the_most() -> None:
    assert weigh([Guarded([1]), "x" * 100], 100) > 100
