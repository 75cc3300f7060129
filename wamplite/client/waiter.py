"""How a thread waits for an answer: on one plain lock, which the reading thread releases.

A Future or an Event is several locks and a condition; a call hands over once.
"""

from __future__ import annotations

from _thread import TIMEOUT_MAX, allocate_lock
from typing import Any

from ..core.errors import ApplicationError, WampliteError
from ..core.messages import Call, Message
from ..core.pending import Pending, Receiver


class Waiter(Pending):
    """One request and the thread that waits for its answer."""

    __slots__ = ("_lock", "_answer", "settled")

    def __init__(self, subject: str, receiver: Receiver = None, match: str = "exact") -> None:
        self.kind = Call  # not by super(): a call makes one of these
        self.subject = subject
        self.receiver = receiver
        self.match = match
        self.abandoned = False
        self.settled = False
        self._lock = allocate_lock()
        self._lock.acquire()
        self._answer: Message | WampliteError | None = None

    def settle(self, answer: Message | WampliteError) -> None:
        """Wake the waiting thread (the reading thread, or whoever ends the session)."""
        self._answer = answer
        self.settled = True
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
