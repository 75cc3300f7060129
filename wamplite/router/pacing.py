"""How many messages a session may send: a token bucket, which holds `burst` and fills at `rate`.

What a session sends beyond that waits: its connection is not read meanwhile, so its own transport
slows it down, and nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .shared import Shared

LONGEST_PAUSE = 0.1  # seconds until it is asked whether a session that is slowed has ended


class Bucket:
    """The tokens of one session; used by the thread that reads for it."""

    __slots__ = ("_at", "_tokens")

    def __init__(self) -> None:
        self._tokens = float("inf")  # full, whatever the burst is
        self._at = 0.0

    def take(self, wanted: int, rate: int, burst: int, now: float) -> int:
        """Take a token for each of so many messages; return for how many there was one.

        rate: a second; burst: the most that there are, 0: those of one second. now: monotonic
        seconds.
        """
        filled = self._tokens + (now - self._at) * rate
        self._tokens, self._at = min(filled, float(burst or rate)), now
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        return taken

    def wait(self, rate: int) -> float:
        """Return for how many seconds there is no token."""
        return max(0.0, (1.0 - self._tokens) / rate)


class Pace:
    """The pace of one session: how many of its messages may be handed over, and when."""

    def __init__(self) -> None:
        self._bucket = Bucket()
        self.slowed_at = 0.0  # when it was not read, the last time

    def admit(self, messages: int, shared: Shared, goes_on: Callable[[], bool]) -> int:
        """Return how many may be handed over now, at least one; waits until that may be.

        goes_on: tells whether the session does; else it waits for nothing more.
        """
        is_counted = False
        while messages and goes_on():
            limits, now = shared.limits, time.monotonic()
            rate = limits.max_message_rate
            if not rate:
                break
            if taken := self._bucket.take(messages, rate, limits.max_message_burst, now):
                return taken
            if not is_counted:
                is_counted = True
                shared.count("sessions_slowed")
            self.slowed_at = now
            time.sleep(min(self._bucket.wait(rate), LONGEST_PAUSE))
        return messages
