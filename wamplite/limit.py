"""A bound on how often the same event is logged; what is left out is counted."""

from __future__ import annotations

EVENTS = 256  # different events that are counted apart in one period; all others count as one


class RateLimit:
    """At most `most` of each event within `seconds`; counts those that were left out."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._counts: dict[object, int] = {}
        self._until = 0.0
        self.left_out = 0

    def allows(self, event: object, now: float) -> bool:
        """Count an event and tell whether it is within the bound."""
        if now >= self._until:
            self._counts.clear()
            self._until = now + self._seconds
        if len(self._counts) >= EVENTS and event not in self._counts:
            event = None
        count = self._counts[event] = self._counts.get(event, 0) + 1
        if count > self._most:
            self.left_out += 1
        return count <= self._most

    def take_left_out(self) -> int:
        """Return how many were left out since the last call."""
        left_out, self.left_out = self.left_out, 0
        return left_out
