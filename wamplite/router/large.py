"""What a large receive has of its own: a place among those who decode, and its payloads rewritten.

Few decode what is large at a time. Where their serializer is slow, the thread that decodes writes
the payloads, too, in pieces, for whoever reads the same: the holder of the routing role, for whom
others wait, puts a head in front.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from operator import is_
from typing import Any, NamedTuple

from ..core.messages import Call, Event, Invocation, Message, Publish, Result, Yield
from ..core.parsing import to_array
from ..serializers import Serializer
from ..serializers.pieces import holds_many, write_in_pieces

# What is passed on of a message: its successor, whose head is as long as these elements
SUCCESSORS: dict[type, Message] = {
    Call: Invocation(0, 0, {}),
    Publish: Event(0, 0, {}),
    Yield: Result(0, {}),
}


class Written(NamedTuple):
    """A message that was written, to be given another head."""

    head: list[Any]
    payload: list[Any]  # arguments and keyword arguments, as far as there are any
    octets: bytes

    def fits(self, array: list[Any]) -> bool:
        """Tell whether a message has this very payload, behind a head as long."""
        payload = array[len(self.head) :]
        return len(payload) == len(self.payload) and all(map(is_, payload, self.payload))


class LargePlace:
    """A place that a large receive has taken, until all that it brought is handled."""

    __slots__ = ("_places", "_serializer", "_written")

    def __init__(self, places: threading.Semaphore) -> None:
        self._places = places
        self._serializer: Serializer | None = None
        self._written: list[Written] = []

    def write(self, entries: Iterable[Any], serializer: Serializer) -> None:
        """Write what messages will be passed on with, where it is much and the serializer slow."""
        form = serializer.form
        if form is None:
            return
        self._serializer = serializer
        for message in entries:
            successor: Any = SUCCESSORS.get(type(message))
            if successor is None or type(message.args) is not list:
                continue
            size = len(to_array(successor))
            array = to_array(successor._replace(args=message.args, kwargs=message.kwargs))
            if holds_many(array):
                octets = write_in_pieces(array, form)
                self._written.append(Written(array[:size], array[size:], octets))

    def find(self, array: list[Any], name: str) -> bytes:
        """Return the octets of a message for a serializer, where all but its head is written."""
        serializer = self._serializer
        if serializer is not None and serializer.name == name:
            for written in self._written:
                if written.fits(array):
                    head = array[: len(written.head)]
                    return serializer.with_head(written.octets, written.head, head)
        return b""

    def release(self) -> None:
        """Give the place back, and forget what was written."""
        self._written = []
        self._places.release()
