"""Whose turn it is to read: the reading thread's, or a caller's who waits for an answer anyway.

Handing an answer from one thread to another costs two wake-ups; a caller that reads its own answer
costs none, and is twice as fast. So when the reading thread has served a session that only asks, it
rests for a moment and leaves the turn to whoever asks next; as long as calls follow each other, it
goes on resting. A session that serves (subscriptions, registrations) has its reading thread always.

    reading thread:  with turn: receive, handle ── served a caller? ──> rest ──> with turn: ...
    caller:          try_take ── yes ──> poll, receive, handle until answered ──> give
                              └─ no ───> wait on a lock of its own

A caller reads a few PIECES at most, for PATIENCE each: keeping watch over a silent connection is
the reading thread's.
"""

from __future__ import annotations

import threading
from contextlib import suppress

PATIENCE = 0.1  # seconds that a caller waits for each piece of its answer
PIECES = 4  # a router may send head and body apart, or something else first
REST = 0.002  # seconds without another call, after which the reading thread reads again


class Turn:
    """The right to read. `lock` is held by who reads; only its holder can release it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.served = False  # a caller waited while the reading thread had the turn
        self._taken = 0  # how often callers had it
        self._wanted = threading.Lock()  # released to end the reading thread's rest
        self._wanted.acquire()

    def try_take(self) -> bool:
        """Take the turn if nobody reads (a caller)."""
        if self.lock.acquire(False):
            self._taken += 1
            return True
        self.served = True
        return False

    def give(self) -> None:
        """Give the turn back if this thread has it: Ctrl-C may have come before, or after."""
        with suppress(RuntimeError):
            self.lock.release()

    def want_reader(self) -> None:
        """Let the reading thread read at once: somebody depends on it."""
        with suppress(RuntimeError):
            self._wanted.release()

    def rest(self) -> None:
        """Leave the turn to callers until they stop coming (the reading thread)."""
        while True:
            taken = self._taken
            if self._wanted.acquire(True, REST) or self._taken == taken:
                return
