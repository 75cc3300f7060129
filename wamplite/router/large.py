"""What a large receive has of its own: a place among those who decode, and its payloads rewritten.

Few decode what is large at a time. Where members of the realm read serializers that are slow to
write, whatever the sender's is, the thread that decodes writes the payloads for each of these, too,
in pieces: the holder of the routing role, for whom others wait, puts a head in front, and writes
all of it only for who has joined meanwhile with a serializer that nobody had. So does the thread of
a session in the same process; such a session copies itself what it gets of a large receive.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from operator import is_
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from .. import serializers
from ..core.errors import UsageError
from ..core.messages import Call, Error, Event, Invocation, Message, Publish, Result, Yield
from ..core.parsing import to_array
from ..serializers import Serializer
from ..serializers.pieces import holds_many, write_in_pieces

# What is passed on of a message: its successor, whose head is as long as these elements
SUCCESSORS: dict[type, Message] = {
    Call: Invocation(0, 0, {}),
    Publish: Event(0, 0, {}),
    Yield: Result(0, {}),
    Error: Error(0, 0, {}, ""),
}
WITH_PAYLOAD = frozenset({*SUCCESSORS, *map(type, SUCCESSORS.values())})


class Written(NamedTuple):
    """A message that was written, to be given another head."""

    serializer: Serializer
    head: list[Any]
    payload: list[Any]  # arguments and keyword arguments, as far as there are any
    octets: bytes


class Places:
    """So many may decode what is large at a time: a semaphore that is quick where one is free."""

    def __init__(self, number: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self.release(number)

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a place, perhaps the next that is given back; False: there was none, in time."""
        try:
            self._free.get(blocking, timeout)
        except Empty:
            return False
        return True

    def release(self, number: int = 1) -> None:
        """Give so many places back."""
        for _ in range(number):
            self._free.put(None)


class LargePlace:
    """A place that a large receive has taken, until all that it brought is handled."""

    __slots__ = ("_entries", "_places", "_written")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._entries: Iterable[Any] = ()
        self._written: list[Written] = []

    def write(self, entries: Iterable[Any], names: Iterable[str]) -> None:
        """Write what messages will be passed on with, where it is much, for slow serializers.

        names: of the serializers that may be asked for, slow or not.
        """
        self._entries = entries
        for message in entries:
            if type(message) in SUCCESSORS and type(message.args) is list:
                for name in names:
                    longest = longest_at_once(name)
                    if longest and holds_many([message.args, message.kwargs], longest):
                        self._write(message, serializers.get(name))

    def _write(self, message: Any, serializer: Serializer) -> None:
        """Write what a message is passed on as."""
        successor: Any = SUCCESSORS[type(message)]
        form = serializer.form
        assert form is not None
        becomes = successor._replace(args=message.args, kwargs=message.kwargs)
        array, size = to_array(becomes), len(to_array(successor))
        with suppress(UsageError):  # who routes meets it, too, and tells it
            octets = write_in_pieces(array, form)
            self._written.append(Written(serializer, array[:size], array[size:], octets))

    def find(self, array: list[Any], name: str) -> bytes:
        """Return the octets of a message for a serializer, where all but its head is written."""
        for serializer, head, payload, octets in self._written:
            if serializer.name == name and _is_same(array[len(head) :], payload):
                return serializer.with_head(octets, head, array[: len(head)])
        return b""

    def brought(self, message: Any) -> bool:
        """Tell whether a message passes on a payload that came, as it is, and holds much."""
        return holds_much(message) and any(
            type(came) in SUCCESSORS and came.args is message.args and came.kwargs is message.kwargs
            for came in self._entries
        )

    def release(self) -> None:
        """Give the place back, and forget what came and what was written."""
        self._entries, self._written = (), []
        self._places.release()


def holds_much(entry: Any) -> bool:
    """Tell whether what has arrived, or is posted, is a message whose payload has many elements."""
    if type(entry) not in WITH_PAYLOAD or type(entry.args) is not list:
        return False
    return holds_many([entry.args, entry.kwargs])


@cache
def longest_at_once(name: str) -> float:
    """Return how long a text a slow serializer writes at once; 0: it is none."""
    form = serializers.get(name).form
    return 0 if form is None else form.longest


def _is_same(payload: list[Any], other: list[Any]) -> bool:
    """Tell whether two payloads are the very same objects."""
    return len(payload) == len(other) and all(map(is_, payload, other))
