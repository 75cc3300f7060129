"""From the readings of a port, or of one of its polls, to events that are put into the outbox.

Each `publish` sees each reading. One that no `publish` has anything of is dropped and counted as
`no field`; what one of them takes is not, whatever the others do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .counts import Counts
from .decoding.readings import Reading
from .shaping import PublishSettings, ShapedEvent, Shaper

__all__ = ["EventMaker", "PutEvents"]

PutEvents = Callable[[str, list[ShapedEvent]], None]


class EventMaker:
    """Makes events of readings, as several `publish` say, and puts them away; of one thread."""

    def __init__(
        self, publish: Sequence[PublishSettings], port: str, counts: Counts, put: PutEvents
    ) -> None:
        self._shapers = [Shaper(settings, port, counts) for settings in publish]
        self._port = port
        self._counts = counts
        self._put = put
        self.held = 0  # events that wait for `min_interval`; other threads look at it

    def deliver(self, readings: list[Reading], until: float | None = None) -> None:
        """Make events of readings, and of those held back until `until` (default: now)."""
        if readings and not self._shapers:
            self._counts.ignore(len(readings))
            return
        now = time.monotonic()
        events = [event for reading in readings for event in self._shape(reading, now)]
        for shaper in self._shapers:
            events += shaper.due(now if until is None else until)
        self.held = sum(shaper.waiting for shaper in self._shapers)
        if events:
            self._put(self._port, events)

    def _shape(self, reading: Reading, now: float) -> list[ShapedEvent]:
        events: list[ShapedEvent] = []
        is_taken = False
        for shaper in self._shapers:
            made = shaper.shape(reading, now)
            if made is not None:
                events += made
                is_taken = True
        if not is_taken:
            self._counts.took(1)
            self._counts.drop("no field")
        return events

    def next_due(self) -> float | None:
        """Return the monotonic time at which an event that is held back is due."""
        if not self.held:
            return None
        times = [due for shaper in self._shapers if (due := shaper.next_due) is not None]
        return min(times) if times else None
