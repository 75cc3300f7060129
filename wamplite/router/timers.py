"""Timers on a heap: pure, guarded by whoever keeps them.

A canceled timer stays on the heap until it is due or until most of the heap is canceled: calls
with a timeout, nearly all answered in time, would otherwise pile up for as long as the timeout.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

FEW = 64  # canceled timers that are not worth clearing away
FOREVER = float("inf")


class Timer:
    """A function that waits for its time; `run` is None once it has been canceled or taken."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[], None]) -> None:
        self.run: Callable[[], None] | None = run


class Timers:
    """All timers that are not due yet, the next one first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._canceled = 0  # of those on the heap

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def next(self) -> float:
        """When the next timer is due."""
        return self._heap[0][0] if self._heap else FOREVER

    def add(self, when: float, run: Callable[[], None]) -> Timer:
        """Have a function run at `when`."""
        timer = Timer(run)
        heapq.heappush(self._heap, (when, next(self._numbers), timer))
        return timer

    def cancel(self, timer: Timer) -> None:
        """Have it not run; nothing if it was canceled or taken before."""
        if timer.run is None:
            return
        timer.run = None
        self._canceled += 1
        if self._canceled > max(FEW, len(self._heap) // 2):
            self._heap = [entry for entry in self._heap if entry[2].run is not None]
            heapq.heapify(self._heap)
            self._canceled = 0

    def take(self, now: float) -> list[Callable[[], None]]:
        """Remove and return what is due, the earliest first."""
        due: list[Callable[[], None]] = []
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            if timer.run is None:
                self._canceled -= 1
            else:
                due.append(timer.run)
                timer.run = None
        return due
