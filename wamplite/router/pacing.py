"""How many messages a session may send: a token bucket, which holds `burst` and fills at `rate`.

What a session sends beyond that waits: its connection is not read meanwhile, so its own transport
slows it down, and nothing is lost.
"""

from __future__ import annotations

LONGEST_PAUSE = 0.1  # seconds until it is asked whether a session that is slowed has ended


class Bucket:
    """The tokens of one session; used by whoever reads for it."""

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
        """Return for how many seconds there is no token, or until one may look again."""
        return min(max(0.0, (1.0 - self._tokens) / rate), LONGEST_PAUSE)
