"""The streams that are watched, without a stream: any key will do."""

from __future__ import annotations

from typing import Any

from wamplite.router.leftovers import Leftovers

ONE: Any = "one"
TWO: Any = "two"


def test_a_stream_is_new_once_and_watched_until_it_is_removed() -> None:
    leftovers = Leftovers()
    assert leftovers.add(ONE, 1.0) and leftovers.add(TWO, 2.0)
    assert not leftovers.add(ONE, 3.0)
    assert leftovers.has_new and leftovers.take_new() == [ONE, TWO]
    assert not leftovers.has_new and leftovers.take_new() == []
    assert leftovers.all() == [(ONE, 1.0), (TWO, 2.0)]  # when it was added, not asked again
    leftovers.remove(ONE)
    leftovers.remove(ONE)
    assert ONE not in leftovers and TWO in leftovers and len(leftovers) == 1
    assert leftovers.add(ONE, 4.0) and leftovers.take_new() == [ONE]


def test_what_the_kernel_took_is_noted() -> None:
    leftovers = Leftovers()
    leftovers.add(ONE, 1.0)
    leftovers.took(ONE, 5.0)
    assert leftovers.all() == [(ONE, 5.0)]
