"""A connection, as those see it who take its steps: a thread of its own, or the shared reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .routing import Arrival, Routing
from .waits import Flow

Gather = Callable[[Routing, Arrival], None]


class Served(Protocol):
    """A connection, a session in the same process, or a listening socket.

    name: for logs. gather: takes what it brings while its steps must not block; None: it has a
    thread of its own. received: entries that it has brought so far.
    """

    name: str
    gather: Gather | None
    received: int
    is_heavy: bool  # what it brought last was large

    @property
    def may_be_shared(self) -> bool:
        """Tell whether a receive does not block once there is something to receive."""

    @property
    def is_ready(self) -> bool:
        """Tell whether something to receive is here already, whatever the descriptor says."""

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to receive."""

    def shutdown(self, why: str) -> None:
        """End it now; any thread."""

    def flow(self) -> Flow:
        """Return its life, see waits.py."""

    def conclude(self) -> None:
        """Close it, and give its place back: its life is over."""
