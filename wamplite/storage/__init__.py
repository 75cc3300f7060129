"""What the router keeps in files: SQLite, written by threads that nobody waits for.

A feature keeps its events in several places, each with bounds and perhaps a file of its own; here
is how others take their place while it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

__all__ = ["opened", "taken_over"]


class EventPlace(Protocol):
    """Where some events are kept; `store`: its open file, or None."""

    file: str
    store: Any

    def open(self, host: Any) -> object: ...

    def close(self) -> None: ...

    def take_over(self, other: Any) -> None: ...


Places = TypeVar("Places", bound=EventPlace)


def opened(places: list[Places], there: Collection[str], host: Any) -> list[Places]:
    """Open the files that are not there yet, all or none; UsageError where one cannot be."""
    with ExitStack() as back:
        for place in places:
            if place.file not in there:
                place.open(host)
                back.callback(place.close)
        back.pop_all()
    return places


def taken_over(before: Iterable[Places], now: Iterable[Places]) -> list[Places]:
    """Have those of now what those before them had in the same file; return the others of before.

    Those alone that have an open file.
    """
    there = {place.file: place for place in before if place.store is not None}
    for place in now:
        if place.store is None and place.file in there:
            place.take_over(there.pop(place.file))
    return list(there.values())
