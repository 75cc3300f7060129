"""Readings that wait for the router: a bounded queue in memory that drops and counts its oldest.

Filled by the port's thread, which is never kept waiting; emptied by the publisher's. Bounded twice:
by count, and by the bytes of the frames that became readings (which are up to 20 times as large).
"""

from __future__ import annotations

import logging
import threading
from collections import deque

from .decoding import Reading

__all__ = ["Outbox"]

log = logging.getLogger(__name__)


class Outbox:
    """First in, first out; the oldest goes when the bound is reached."""

    def __init__(self, max_readings: int = 10_000, max_bytes: int = 1 << 20) -> None:
        self.max_readings = max_readings
        self.max_bytes = max_bytes
        self.dropped = 0
        self._changed = threading.Condition()  # guards all below
        self._readings: deque[Reading] = deque()
        self._bytes = 0
        self._full = False  # said so, and nothing was taken since
        self._closed = False

    def __len__(self) -> int:
        return len(self._readings)

    def put(self, readings: list[Reading]) -> None:
        """Append readings, dropping the oldest where there is no room."""
        with self._changed:
            for reading in readings:
                self._readings.append(reading)
                self._bytes += reading.size
            overflows = self._drop_oldest() and not self._full
            self._full = self._full or overflows
            self._changed.notify()
        if overflows:
            log.warning("%d readings wait: from now on the oldest are dropped", len(self))

    def _drop_oldest(self) -> bool:
        before = self.dropped
        while len(self._readings) > self.max_readings or self._bytes > self.max_bytes:
            self._bytes -= self._readings.popleft().size
            self.dropped += 1
        return self.dropped > before

    def take(self, limit: int) -> list[Reading]:
        """Wait for readings and remove the oldest, at most `limit`; [] once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._readings or self._closed)
            batch = [self._readings.popleft() for _ in range(min(limit, len(self._readings)))]
            self._bytes -= sum(reading.size for reading in batch)
            self._full = False
            return batch

    def close(self) -> None:
        """Let `take` return [] when nothing is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
