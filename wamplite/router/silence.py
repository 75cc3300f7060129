"""When a silent peer is pinged, and when it is taken for gone.

    heard ── interval ──> pinged ── interval ──> gone

A process that stood still itself (SIGSTOP, a suspended machine) cannot know: the answer may be here
and not read yet. So whoever judges late gives the peer as long again.
"""

from __future__ import annotations

from enum import Enum

LATE = 4  # the part of the interval by which a judgement may be late


class Verdict(Enum):
    """What a silence means."""

    FINE = "fine"
    PING = "ping"
    GONE = "gone"


class Silence:
    """The silence of one peer: times are of one monotonic clock, in seconds."""

    __slots__ = ("_answers_by", "_pinged_at")

    def __init__(self) -> None:
        self._pinged_at = 0.0  # when the peer had last been heard as it was pinged
        self._answers_by = 0.0  # when it must have been heard again

    def judge(self, now: float, heard: float, interval: float) -> tuple[Verdict, float]:
        """Return what is to be done, and when to judge again."""
        if now - heard < interval:
            return Verdict.FINE, heard + interval
        late = now - self._answers_by
        if self._pinged_at != heard:
            self._pinged_at, self._answers_by = heard, now + interval
            return Verdict.PING, self._answers_by
        if 0 <= late < interval / LATE:
            return Verdict.GONE, self._answers_by
        if late > 0:
            self._answers_by = now + interval
        return Verdict.FINE, self._answers_by
