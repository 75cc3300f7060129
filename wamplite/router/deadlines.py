"""Whose deadlines are looked at when, and timers: pure, guarded by whoever keeps them.

All connections are looked through when one of them is due, and `next` never comes too late: it may
be too early after `remove` and `move`, which costs one look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from .timers import FOREVER, Timers


class Ticking(Protocol):
    """Something with deadlines."""

    def tick(self, now: float) -> float:
        """Act on what is due, and return when to be asked again (monotonic seconds)."""

    def shutdown(self, why: str) -> None:
        """End now: its tick failed."""


class Deadlines:
    """Everything with deadlines, each with when to ask it again, and the timers."""

    def __init__(self) -> None:
        self.timers = Timers()
        self._ticking: dict[Ticking, float] = {}
        self._next_tick = FOREVER  # not after the first of these

    def __contains__(self, ticking: Ticking) -> bool:
        return ticking in self._ticking

    def __iter__(self) -> Iterator[Ticking]:
        return iter(self._ticking)

    @property
    def next(self) -> float:
        """Return when to look again."""
        return min(self._next_tick, self.timers.next)

    def ask(self, ticking: Ticking, when: float) -> None:
        """Ask it then, and not when it was to be asked before."""
        self._ticking[ticking] = when
        if when < self._next_tick:
            self._next_tick = when

    def move(self, ticking: Ticking, when: float) -> bool:
        """Ask it then, if it was to be asked at all."""
        if ticking not in self._ticking:
            return False
        self.ask(ticking, when)
        return True

    def ask_all(self, when: float) -> None:
        """Ask all of them then."""
        for ticking in self._ticking:
            self.ask(ticking, when)

    def remove(self, ticking: Ticking) -> None:
        """Ask it no more."""
        self._ticking.pop(ticking, None)

    def due(self, now: float) -> list[tuple[Ticking, float]]:
        """Return whom to ask now, each with when that was to be; then tell `asked` of each."""
        if now < self._next_tick:
            return []
        due = [(ticking, when) for ticking, when in self._ticking.items() if when <= now]
        if not due:
            self.settle()
        return due

    def asked(self, ticking: Ticking, scheduled: float, again: float) -> None:
        """Ask it again at `again`, unless it was moved or removed since `due` returned it."""
        if self._ticking.get(ticking) == scheduled:
            self._ticking[ticking] = again

    def settle(self) -> None:
        """Find the next to ask, once all that were due have been asked."""
        self._next_tick = min(self._ticking.values(), default=FOREVER)
