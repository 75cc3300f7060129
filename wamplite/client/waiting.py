"""How a thread waits for its answer, and whose turn it is to read meanwhile.

Handing an answer from one thread to another costs two wake-ups; a caller that reads its own answer
costs none, and is twice as fast. So when the reading thread has served a session that only asks, it
rests for a moment and leaves the turn to the next caller; as long as calls follow each other, it
goes on resting. A session that serves (subscriptions, registrations) has its reading thread always.

Who may read:

    READER ── end of `with` ──> NOBODY <── end of `with` ── CALLER
      ^                          │  │                         ^
      ├─────── reading() ────────┤  └────── try_read() ───────┤
      │                          │                            │
      │                          │ reading(), where a caller  │
      │                          v came and it may rest       │
      └── REST passed, or ─── RESTING ───── try_read() ───────┘
          want_reader()

READER: the reading thread has the turn; a caller that comes waits on a lock of its own. CALLER: it
reads a few PIECES at most, for PATIENCE each: keeping watch over a silent connection is the reading
thread's. At the end of its turn it ends the rest of the reading thread if anybody depends on that.
RESTING: nobody has the turn, and nobody depends on the reading thread; it goes on resting while
callers come.
"""

from __future__ import annotations

import threading
from _thread import TIMEOUT_MAX, allocate_lock
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..core.errors import ApplicationError, WampliteError
from ..core.messages import Call, Message
from ..core.pending import Receiver, Request
from ..locks import Lock

PATIENCE = 0.1  # seconds that a caller waits for each piece of its answer
PIECES = 4  # a router may send head and body apart, or something else first
REST = 0.002  # seconds without another call, after which the reading thread reads again


class Turn:
    """The right to read, which one thread has at a time.

    may_rest: whether nobody depends on the reading thread.
    """

    def __init__(self, may_rest: Callable[[], bool]) -> None:
        self._may_rest = may_rest
        self._lock = threading.RLock()  # held by the thread that reads: no other can release it
        self._came = False  # a caller, while the reading thread had the turn
        self._taken = 0  # how often callers had it
        self._wanted = Lock()  # released to end the reading thread's rest
        self._wanted.acquire()
        self._reading = _Held(self._lock.release)

    def reading(self) -> _Held:
        """Wait for the turn, and rest before where callers read for themselves (the reader)."""
        if self._came and self._may_rest():
            self._rest()
        self._lock.acquire()
        self._came = False
        return self._reading

    def try_read(self) -> Turn | None:
        """Take the turn if nobody reads, until the end of a `with` (a caller)."""
        if self._lock.acquire(False):
            self._taken += 1
            return self
        self._came = True
        return None

    def hand_back(self) -> None:
        """Give the turn back if this thread has it: Ctrl-C may have come before, or after."""
        with suppress(RuntimeError):
            self._lock.release()
        self.want_reader()

    def want_reader(self) -> None:
        """Let the reading thread read at once: somebody depends on it."""
        with suppress(RuntimeError):
            self._wanted.release()

    def __enter__(self) -> None:
        """A caller has it already."""

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if not self._may_rest():
            self.want_reader()

    def _rest(self) -> None:
        """Leave the turn to callers until they stop coming."""
        while True:
            taken = self._taken
            if self._wanted.acquire(True, REST) or self._taken == taken:
                return


class _Held:
    """The turn of the reading thread, until the end of a `with`."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def __enter__(self) -> None:
        """It is held already."""

    def __exit__(self, *_: object) -> None:
        self._end()


class WaitingRequest(Request):
    """One request and the thread that waits for its answer: on one plain lock.

    A Future or an Event is several locks and a condition; a call hands over once.
    """

    __slots__ = ("_lock", "_answer", "settled")

    def __init__(self, subject: str, receiver: Receiver = None, match: str = "exact") -> None:
        self.kind = Call  # not by super(): a call makes one of these
        self.id = 0
        self.subject = subject
        self.receiver = receiver
        self.match = match
        self.abandoned = False
        self.settled = False
        self._lock = allocate_lock()
        self._lock.acquire()
        self._answer: Message | WampliteError | None = None

    def settle(self, answer: Message | WampliteError) -> None:
        """Wake the waiting thread (the reading thread, or the one that ends the session)."""
        if not self.settled:
            self._answer = answer
            self.settled = True
        if self._lock.locked():  # Ctrl-C may have come in between, the last time
            self._lock.release()

    def wait(self, seconds: float | None) -> bool:
        """Wait for the answer; False when time is up. Ctrl-C ends it."""
        return self._lock.acquire(True, -1 if seconds is None else min(seconds, TIMEOUT_MAX))

    def answer(self) -> Any:
        """Return the answer that `wait` has seen, or raise what stands for it."""
        answer = self._answer
        if isinstance(answer, WampliteError):
            raise fresh(answer)
        return answer


def fresh(error: WampliteError) -> WampliteError:
    """Return an exception for one thread to raise: tracebacks of several would mix."""
    return error if isinstance(error, ApplicationError) else type(error)(*error.args)
