"""A connection, as those see it who take its steps: a thread of its own, or a shared reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .arrivals import Arrival
from .routing import Routing
from .waits import Flow

Gather = Callable[[Routing, Arrival], None]

SMALL, LARGE, SLOW = range(3)  # above 16 KB, or many at once; it also takes long, or has to wait


class Served(Protocol):
    """A connection, a session in the same process, or a listening socket.

    name: for logs. received: entries that it has brought so far. weight: of what it brought last.
    """

    name: str
    received: int
    weight: int

    @property
    def may_be_shared(self) -> bool:
        """Tell whether a receive does not block once there is something to receive."""

    @property
    def is_ready(self) -> bool:
        """Tell whether something to receive is here already, whatever the descriptor says."""

    def be_read(self, gather: Gather | None, may_wait: bool) -> None:
        """Be read by another from now on, in steps that may wait for what comes, or must not.

        gather: takes what it brings where it must not take long over it, nor route it.
        """

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to receive."""

    def shutdown(self, why: str) -> None:
        """End it now; any thread."""

    def flow(self) -> Flow:
        """Return its life, see waits.py."""

    def conclude(self) -> None:
        """Close it, and give its place back: its life is over."""
