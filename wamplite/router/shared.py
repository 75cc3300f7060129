"""What the parts of a router share: made by Router, handed down to listeners and connections.

Nothing here knows who uses it: a connection enters and leaves, is watched over and counted, and
finds its realm, its bounds and the log of what was refused.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Protocol

from ..core import uris
from ..core.members import Bounds
from ..locks import Lock
from ..transports.stream import Stream
from .buffered import TotalBound
from .connections import Connected, Connections
from .deadlines import Ticking
from .housekeeper import Housekeeper
from .limits import Counters, Limits
from .logins import Logins
from .presence import Presences
from .questions import Questions
from .refusals import Refusals, reason
from .routing import Routing
from .trimming import Trimming
from .turning_away import TurningAway

logger = logging.getLogger("wamplite.router")

LAST_WAIT = 1.0  # seconds for a connection's thread to end once its stream is shut down
ENDED = "the router has ended"
_starting = Lock()  # guards threading.stack_size, which is the whole process's


class Served(Connected, Protocol):
    """What serves a peer in a thread of its own."""

    def run(self) -> None:
        """Serve to the end; the target of its thread."""


class Admitted(Served, Ticking, Protocol):
    """... over a socket or a line."""

    deadline: float
    stream: Stream


class Shared:
    """The realms, the bounds, who is connected, and the thread that keeps time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.structure = limits.structure
        self.started = time.time()
        self.counters = Counters()
        self.count = self.counters.add  # one more of a name; any thread
        self.realms: dict[str, Routing] = {}
        self.questions = Questions(self.realms)
        self.buffered = TotalBound(limits.max_buffered)
        self.decoding = threading.Semaphore(limits.max_decoding)
        self.presences = Presences()
        self.traced: dict[str, Callable[[str, Any, Any], None]] = {}  # realm -> see trace_step
        self.refusals = Refusals(limits, self.count)
        self.logins = Logins(limits, self.refusals.tell)
        self.connections = Connections(limits, self.refusals.tell)
        self._turning_away = TurningAway()
        self._numbers = count(1)
        self.housekeeper = Housekeeper(limits, self.counters)  # from here on there are threads
        self.trimming = Trimming(self.housekeeper.later)
        self.at_the_end: list[Callable[[], None]] = []  # called when nobody is connected any more

    def take_limits(self, limits: Limits) -> None:
        """Have other limits from now on; any thread."""
        before, self.limits, self.structure = self.limits, limits, limits.structure
        for part in (self.refusals, self.logins, self.connections, self.housekeeper):
            part.limits = limits
        self.buffered.most = limits.max_buffered
        if limits.max_decoding != before.max_decoding:  # who decodes just now counts no more
            self.decoding = threading.Semaphore(limits.max_decoding)
        if limits.ping_interval != before.ping_interval:
            self.housekeeper.ask_all()
        for routing in list(self.realms.values()):
            routing.run(partial(routing.realm.take_bounds, bounds_of(limits)))
            routing.realm.about[uris.MAX_MESSAGE_SIZE] = limits.max_message_size

    def counted(self) -> dict[str, int]:
        """Return what was refused, dropped or missed so far, by name."""
        counts = self.counters.snapshot()
        for routing in list(self.realms.values()):
            for feature in routing.realm.features:
                for name, number in feature.counters().items():
                    counts[name] = counts.get(name, 0) + number
        return counts

    def trace_step(self, realm: str, peer: str, came: Any, answer: Any) -> None:
        """Tell whoever traces a realm of a step of a handshake; any thread."""
        told = self.traced.get(realm)
        if told is not None:
            told(peer, came, answer)

    def serve(self, connection: Served) -> str | None:
        """Start the thread of a connection; where it cannot be, return why, as it is counted."""
        name = f"wamplite-conn-{next(self._numbers)}"
        thread = threading.Thread(target=connection.run, name=name, daemon=True)
        refusal = self.connections.enter(connection, thread)
        if refusal is None:
            try:
                _start(thread, self.limits.stack_size)
            except (RuntimeError, MemoryError) as error:
                logger.warning("%s: no thread for the connection: %s", connection.name, error)
                self.connections.leave(connection)
                refusal = "connections_without_thread"
                self.count(refusal)
        return refusal

    def enter(self, connection: Admitted) -> str | None:
        """Serve a new connection in a thread of its own; where it cannot be, return why."""
        self.housekeeper.add(connection, connection.deadline)
        refusal = self.serve(connection)
        if refusal is not None:
            self.housekeeper.remove(connection)
            connection.stream.on_left = None  # it is not a connection's any more
        return refusal

    def admit(self, connection: Admitted) -> None:
        """Serve a new connection in a thread of its own, or tell it why not and close it."""
        if refusal := self.enter(connection):
            self._turning_away.take(connection.stream, reason(refusal))

    def end_connections(self, deadline: float) -> None:
        """End all who are connected: who has joined has been told, and has until the deadline."""
        self.connections.shutdown_joining(ENDED)
        self.logins.close()
        self._join_connections(deadline)
        self.connections.shutdown_all(ENDED)
        self._join_connections(time.monotonic() + LAST_WAIT)

    def close(self) -> None:
        """End what routes, what turns away and what keeps time."""
        for end in self.at_the_end:
            end()
        for routing in self.realms.values():
            routing.close()
            for feature in routing.realm.features:
                feature.close()
        self._turning_away.close()
        self.housekeeper.close()

    def _join_connections(self, deadline: float) -> None:
        for thread in self.connections.threads():
            thread.join(max(0.0, deadline - time.monotonic()))


def bounds_of(limits: Limits) -> Bounds:
    """Return those of the limits that hold in each realm."""
    return Bounds(
        limits.max_subscriptions,
        limits.max_registrations,
        limits.max_calls,
        limits.max_in_realm,
    )


def _start(thread: threading.Thread, stack_size: int) -> None:
    with _starting:
        before = threading.stack_size(stack_size)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
