"""What waits to be routed: what one receive brought of a member, and what runs with the role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..core.members import Lost, Member, Violation
from ..core.messages import Abort, Goodbye
from .large import LargePlace
from .waits import ArrivalTurn

ENDS = frozenset({Lost, Violation, Goodbye, Abort})  # with which a member takes its records along
NOTHING: list[Any] = []  # stands for what has been handled; made once, it needs no memory then
IN_HAND: list[Any] = []  # for what is being handled


class Arrival:
    """What one recv brought of a member, in order: `entries` are left to be handled.

    `handled` is released once all is, and `place`, where there is one, which bounds how many
    large arrivals there are at a time, and has their payloads as they are passed on.
    """

    __slots__ = ("entries", "handled", "member", "place")

    def __init__(
        self,
        member: Member,
        entries: list[Any],
        handled: ArrivalTurn,
        place: LargePlace | None = None,
    ) -> None:
        self.member = member
        self.entries = entries
        self.handled = handled
        self.place = place

    @property
    def is_done(self) -> bool:
        """Tell whether nothing is left to be handled."""
        return self.entries is NOTHING

    @property
    def waits(self) -> bool:
        """Tell whether nothing of it is handled yet, or some was left for the next round."""
        return self.entries is not NOTHING and self.entries is not IN_HAND

    @property
    def ends_much(self) -> bool:
        """Tell whether a member ends that has a part in anything."""
        entries = self.entries  # none where it was in hand when a fault came
        return entries != [] and type(entries[-1]) in ENDS and self.member.held > 0

    def finish(self) -> None:
        """Forget what was handled, and let the member go on."""
        self.entries = NOTHING
        try:
            if self.place is not None:
                self.place.release()
        finally:
            self.handled.release()


@final
class Errand:
    """A function that wants to run with the routing role, as a timer does."""

    __slots__ = ("is_done", "run")

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run
        self.is_done = False

    @property
    def waits(self) -> bool:
        """Tell whether it has not run yet."""
        return not self.is_done

    def cancel(self) -> None:
        """Do nothing instead, if it has not run yet."""
        self.run = _nothing


def _nothing() -> None:
    """Be what a canceled errand does."""
