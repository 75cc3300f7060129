"""What a connection waits for between two of its steps, whoever takes them for it.

A connection's life is a generator, its flow. It yields what it waits for, and is resumed when that
is so: by a thread of its own, which blocks, or by the one that reads for many, which does not:

    RECEIVE      there is something to receive, or an end
    ArrivalTurn  the same, and what it brought before is handled
    Handled      what it brought is handled
    Pause        so many seconds have passed
    AS_LARGE     nothing, but who goes on must take what is large: what follows takes a moment
    BLOCKING     nothing, but a thread of its own must go on: what follows may take a while
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from ..locks import Lock

Later = Callable[[float, Callable[[], None]], object]  # runs something in so many seconds


class Wait:
    """What is waited for: by `block` in a thread, or until `is_over`, told by `then`."""

    __slots__ = ()

    receives = False  # for what the peer sends: a thread leaves that to the receive that follows
    is_over = True  # but for that

    def block(self) -> None:
        """Wait for it."""

    def then(self, wake: Callable[[], None], later: Later) -> None:
        """Have `wake` called, by any thread, when it is over; perhaps at once, perhaps twice."""
        wake()


class Receive(Wait):
    """Something to receive."""

    __slots__ = ()
    receives = True


class ArrivalTurn(Receive):
    """The turn of a member: taken by an arrival, until that is handled."""

    __slots__ = ("_lock", "_wake", "is_over")

    def __init__(self) -> None:
        self._lock = Lock()  # held from `take` to `release`
        self._wake: Callable[[], None] | None = None
        self.is_over = True  # nothing is to be handled

    def take(self) -> None:
        """Begin an arrival; waits until the one before is handled."""
        self._lock.acquire()
        self.is_over = False

    def release(self) -> None:
        """End it: all of it is handled (the routing role)."""
        self.is_over = True  # first: behind the lock somebody may have taken it
        self._lock.release()
        if self._wake is not None:
            self.tell()

    def wait(self) -> None:
        """Wait until nothing is to be handled."""
        with self._lock:
            pass

    def then(self, wake: Callable[[], None], later: Later) -> None:
        self._wake = wake
        if self.is_over:  # perhaps since just now
            self.tell()

    def tell(self) -> None:
        """Wake who waits for it; where that fails, it may be called again."""
        wake, self._wake = self._wake, None
        if wake is not None:
            try:
                wake()
            except BaseException:
                self._wake = wake
                raise


class Handled(Wait):
    """The end of what a turn was taken for."""

    __slots__ = ("_turn",)

    def __init__(self, turn: ArrivalTurn) -> None:
        self._turn = turn

    @property
    def is_over(self) -> bool:  # type: ignore[override]
        return self._turn.is_over

    def block(self) -> None:
        self._turn.wait()

    def then(self, wake: Callable[[], None], later: Later) -> None:
        self._turn.then(wake, later)


class Pause(Wait):
    """Some time."""

    __slots__ = ("_until",)

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:  # type: ignore[override]
        return time.monotonic() >= self._until

    def block(self) -> None:
        time.sleep(max(0.0, self._until - time.monotonic()))

    def then(self, wake: Callable[[], None], later: Later) -> None:
        later(max(0.0, self._until - time.monotonic()), wake)


RECEIVE = Receive()
BLOCKING = Wait()
AS_LARGE = Wait()

Flow = Generator[Wait, None, None]
