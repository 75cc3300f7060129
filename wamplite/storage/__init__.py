"""What the router keeps in files: SQLite, written by threads that nobody waits for.

A feature keeps its events in several places, each with bounds and perhaps a file of its own; here
is how others take their place while it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from .events import StoredEvents

__all__ = ["opened", "stored_events", "taken_over"]


class EventPlace(Protocol):
    """Where some events are kept; `store`: its open file, or None.

    file: its name, in which "{realm}" stands for the realm. everything: all events, as the file has
    them.
    """

    file: str
    store: Any

    def everything(self) -> list[Any]: ...

    def open(self, host: Any) -> object: ...

    def close(self) -> None: ...

    def take_over(self, other: Any) -> None: ...


Places = TypeVar("Places", bound=EventPlace)


def stored_events(place: EventPlace, host: Any) -> StoredEvents:
    """Open the file of a place, as one of the realm."""
    from .events import StoredEvents  # 2 MB of SQLite for whoever wants it

    return StoredEvents(place.file.replace("{realm}", host.uri), host.later, place.everything)


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
