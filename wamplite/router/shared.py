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
from typing import Any, Protocol

from ..core import uris
from ..core.members import Bounds
from ..transports.stream import Stream
from .buffered import TotalBound
from .connections import Connected, Connections
from .crew import Crew
from .deadlines import Ticking
from .housekeeper import Housekeeper
from .large import Places
from .limits import Counters, Limits
from .logins import Logins
from .presence import Presences
from .questions import Questions
from .readers import SharedReaders
from .refusals import Refusals, reason
from .routing import Routing
from .served import Served
from .trimming import Trimming
from .turning_away import TurningAway
from .waits import RECEIVE, Flow

logger = logging.getLogger("wamplite.router")

LAST_WAIT = 1.0  # seconds for a connection to end once its stream is shut down
ENDED = "the router has ended"


class Entering(Served, Connected, Protocol):
    """A connection or a session in the same process."""


class Admitted(Entering, Ticking, Protocol):
    """A connection over a socket or a line."""

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
        self.decoding = Places(limits.max_decoding)
        self.presences = Presences()
        self.traced: dict[str, Callable[[str, Any, Any], None]] = {}  # realm -> see trace_step
        self.refusals = Refusals(limits, self.count)
        self.logins = Logins(limits, self.refusals.tell)
        self.connections = Connections(limits, self.refusals.tell)
        self._turning_away = TurningAway()
        self.housekeeper = Housekeeper(limits, self.counters)  # from here on there are threads
        self.readers = SharedReaders(limits, self.housekeeper.later, self._to_thread)
        self.crew = Crew(self.readers.take)
        self.trimming = Trimming(self.housekeeper.later)
        self.at_the_end: list[Callable[[], None]] = []  # called when nobody is connected any more

    def take_limits(self, limits: Limits) -> None:
        """Have other limits from now on; any thread."""
        before, self.limits, self.structure = self.limits, limits, limits.structure
        for part in (self.refusals, self.logins, self.connections, self.housekeeper):
            part.limits = limits
        self.readers.take_limits(limits)
        self.buffered.most = limits.max_buffered
        if limits.max_decoding != before.max_decoding:  # who decodes just now counts no more
            self.decoding = Places(limits.max_decoding)
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

    def serve(self, connection: Entering) -> str | None:
        """Have a connection served; where it cannot be, return why, as it is counted."""
        refusal = self.connections.enter(connection)
        if refusal is None:
            self.readers.count(connection, 1)
            flow = connection.flow()
            taken = self.readers.take(connection, flow, RECEIVE)  # that is how each begins
            if not (taken or self._to_thread(connection, flow)):
                refusal = "connections_without_thread"
                self.leave(connection)
                self.count(refusal)
        return refusal

    def leave(self, connection: Entering) -> None:
        """Give the place of a connection back: its last act."""
        self.readers.count(connection, -1)
        self.connections.leave(connection)

    def _to_thread(self, connection: Served, flow: Flow) -> bool:
        return self.crew.take(connection, flow, self.limits.stack_size)

    def enter(self, connection: Admitted) -> str | None:
        """Have a new connection served and watched over; where it cannot be, return why."""
        self.housekeeper.add(connection, connection.deadline)
        refusal = self.serve(connection)
        if refusal is not None:
            self.housekeeper.remove(connection)
            connection.stream.on_left = None  # it is not a connection's any more
        return refusal

    def admit(self, connection: Admitted) -> None:
        """Have a new connection served, or tell it why not and close it."""
        if refusal := self.enter(connection):
            self._turning_away.take(connection.stream, reason(refusal))

    def end_connections(self, deadline: float) -> None:
        """End all who are connected: who has joined has been told, and has until the deadline."""
        mine = self.crew.has(threading.current_thread())  # one of them closes the router
        self.connections.shutdown_joining(ENDED)
        self.logins.close()
        self.connections.wait(deadline, mine)
        self.connections.shutdown_all(ENDED)
        self.connections.wait(time.monotonic() + LAST_WAIT, mine)

    def close(self) -> None:
        """End what reads, what routes, what turns away and what keeps time."""
        for end in self.at_the_end:
            end()
        self.readers.close()
        self.crew.close(LAST_WAIT)
        for routing in self.realms.values():
            routing.close()
            for feature in routing.realm.features:
                feature.close()
        self._turning_away.close()
        self.housekeeper.close()


def bounds_of(limits: Limits) -> Bounds:
    """Return those of the limits that hold in each realm."""
    return Bounds(
        limits.max_subscriptions,
        limits.max_registrations,
        limits.max_calls,
        limits.max_in_realm,
    )
