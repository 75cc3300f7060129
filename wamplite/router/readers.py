"""Who takes the steps of which connection: a thread of its own, or one of two that read for many.

By the limit `readers`:

    threads  each connection's own thread
    shared   a reader, for all whose receives do not block: plain sockets
    auto     a reader while there are many of them; while there are few, a thread of its own for
             each that has sent more than a few messages: one that calls alone is served sooner

and by what a connection brought last:

    SMALL    the reader of what is small, which gathers what many have brought
    LARGE    the reader of what is large: above 16 KB, or many small messages at once
    SLOW     a thread of its own: it took so long that others of these would wait, or has to wait
             itself for a place to decode
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from ..locks import Lock
from .limits import AUTO, SHARED, THREADS, Limits
from .reader import SharedReader
from .served import SLOW, SMALL, Served
from .waits import BLOCKING, Flow, Later, Wait

FEW, MANY = 2, 3  # connections: up to the one they get threads, above the other they are shared
BOUNDS: dict[str, tuple[float, float]] = {AUTO: (FEW, MANY), THREADS: (inf, inf), SHARED: (-1, -1)}
QUIET = 8  # entries, Join among them: who has brought no more needs no thread

ToThread = Callable[[Served, Flow], bool]  # False: there is none


class SharedReaders:
    """Both readers; finds who takes the steps of a connection. All of it by any thread."""

    def __init__(self, limits: Limits, later: Later, to_thread: ToThread) -> None:
        self._to_thread = to_thread
        self.small = SharedReader(limits, "wamplite-reader", True, later, self._find, self._move)
        self.large = SharedReader(
            limits, "wamplite-reader-large", False, later, self._find, self._move
        )
        self._lock = Lock()  # guards the next one, and what take_limits finds
        self._number = 0  # of all connections that may be read by one for many
        self._is_crowded = False  # this and the next are read without the lock
        self.take_limits(limits)

    def take_limits(self, limits: Limits) -> None:
        """Go by other limits from now on; each connection moves with its next step."""
        with self._lock:
            self.small.limits = self.large.limits = limits
            self._quiet = -1 if limits.readers == THREADS else QUIET
            self._few, self._many = BOUNDS[limits.readers]
            self._is_crowded = self._number > (self._few if self._is_crowded else self._many)

    def count(self, connection: Served, number: int) -> None:
        """Count a connection that comes, 1, or goes, -1."""
        if connection.may_be_shared:
            with self._lock:
                self._number = number = self._number + number
                self._is_crowded = number > (self._few if self._is_crowded else self._many)

    def take(self, connection: Served, flow: Flow, wait: Wait) -> bool:
        """Take its steps from now on, where it waits for this; False: it needs its own thread."""
        reader = self._find(connection) if connection.may_be_shared else None
        return reader is not None and reader.take(connection, flow, wait)

    def close(self) -> None:
        """End the threads; whoever is still here is served no more."""
        self.large.close()
        self.small.close()

    def _find(self, connection: Served) -> SharedReader | None:
        """Return whose it is, by what it brought last."""
        if connection.weight != SMALL:
            return self.large if self._is_crowded and connection.weight != SLOW else None
        if self._is_crowded or connection.received <= self._quiet:
            return self.small
        return None

    def _move(self, connection: Served, flow: Flow, wait: Wait) -> bool:
        """Let another go on with a connection of a reader."""
        if wait is not BLOCKING and self.take(connection, flow, wait):
            return True
        if self._to_thread(connection, flow):
            return True
        with self._lock:
            self._is_crowded = True  # until somebody comes or goes
        return False
