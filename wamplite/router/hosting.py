"""One session over a connection, from Join to its end: what comes is handed to its realm.

    receive -> as many as its pace allows -> its turn, when what came before is handled -> arrive
            -> receive -> ... until the member is gone

Whatever goes wrong here, the member leaves its realm. While it is idle no name here holds what it
has sent: 150 KB on a wire may be 10 MB here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import Any, Protocol

from ..core.members import Lost, Member, Violation
from ..core.messages import Goodbye
from .arrivals import NOTHING, Arrival
from .faults import log_fault
from .large import LargePlace
from .pacing import Bucket
from .routing import Routing
from .served import Gather
from .shared import Shared
from .waits import ArrivalTurn, Flow, Handled, Pause, Wait

logger = logging.getLogger("wamplite.router")

PAUSE = 0.01  # seconds after a fault: memory may be had again
FAULTS = (Lost, Violation)
ENDS = (*FAULTS, Goodbye)


class Bringing(Protocol):
    """The connection that carries a session."""

    name: str
    shared: Shared
    arrived: list[Any]  # and not handed over yet
    received: int  # entries that were handed over
    place: LargePlace | None  # that what has arrived has taken
    bucket: Bucket | None
    slowed_at: float
    gather: Gather | None
    is_slowed: bool  # by max_message_rate

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more can come."""

    def receive(self) -> list[Any]:
        """Wait for what one recv brings."""

    def nothing_came(self) -> Flow:
        """Go on after a receive that returned nothing."""


class Hosting:
    """A member, and the connection that brings what it says."""

    __slots__ = ("_connection", "_is_leaving", "_member", "_routing", "_turn")

    def __init__(self, connection: Bringing, member: Member, routing: Routing) -> None:
        self._connection = connection
        self._member = member
        self._routing = routing
        self._turn = ArrivalTurn()
        self._is_leaving = False  # it has said GOODBYE

    def flow(self) -> Flow:
        """Serve it to its end."""
        connection, member, turn = self._connection, self._member, self._turn
        try:
            while member.open:
                if not connection.arrived:
                    yield turn
                    connection.arrived = connection.receive()
                    if not connection.arrived:
                        yield from connection.nothing_came()
                        continue
                elif not turn.is_over:  # what came with something that had to be handled alone
                    yield Handled(turn)
                number = None
                if connection.is_slowed and connection.shared.limits.max_message_rate:
                    number = yield from self._paced()
                end = self._bring(number)
                if end is not None:  # it is to be handled before anything else is read, or closed
                    yield Handled(turn)
                    if self._has_left():
                        return
                    if end in FAULTS:
                        break
                    self._is_leaving = True
            yield from self._lose()  # others have ended it: wait until they have done
        except GeneratorExit:
            raise
        except BaseException:
            log_fault(logger, "%s, %s: the session is closed", connection.name, member)
            yield from self._lose_in_any_case()

    def _has_left(self) -> bool:
        """Tell whether the session has ended: what was handled just now was all there is to it."""
        return not self._member.open

    def _paced(self) -> Generator[Wait, None, int]:
        """Return how many entries may be handed over now, one at least: the others come later."""
        connection, is_counted = self._connection, False
        number = len(connection.arrived)
        messages = number - (type(connection.arrived[-1]) in FAULTS)
        bucket, shared = connection.bucket or Bucket(), connection.shared
        connection.bucket = bucket
        while messages and self._member.open and not connection.has_ended:
            limits, now = shared.limits, time.monotonic()
            rate = limits.max_message_rate
            if not rate:
                break
            if taken := bucket.take(messages, rate, limits.max_message_burst, now):
                return taken if taken < messages else number
            if not is_counted:
                is_counted = True
                shared.count("sessions_slowed")
            connection.slowed_at = now
            yield Pause(bucket.wait(rate))
        return number

    def _bring(self, number: int | None) -> type | None:
        """Hand over so many entries, or all; return the type of the last if that is one of ENDS."""
        connection, turn = self._connection, self._turn
        turn.take()
        if not self._member.open:  # what came behind its end may begin another session
            return None
        entries, connection.arrived = connection.arrived, NOTHING
        if number is not None and number < len(entries):
            entries, connection.arrived = entries[:number], entries[number:]
        if self._is_leaving:
            entries = [entry for entry in entries if type(entry) in FAULTS]
            if not entries:  # it is dropped, HELLO too: that must wait for GOODBYE
                turn.release()
                return None
        if len(entries) > 1 and Goodbye in map(type, entries):
            entries, rest = _cut(entries)
            connection.arrived = rest + connection.arrived
        last = type(entries[-1])
        connection.received += len(entries) - (last in FAULTS)
        place, gather = connection.place, connection.gather
        if place is not None:
            connection.place = None
        arrival = Arrival(self._member, entries, turn, place)
        if gather is None:
            self._routing.arrive(arrival)
        else:
            gather(self._routing, arrival)
        return last if last in ENDS else None

    def _lose(self) -> Flow:
        """Have the member leave the realm, if it has not, and wait until it has."""
        turn = ArrivalTurn()
        turn.take()
        self._routing.arrive(Arrival(self._member, [Lost("internal error")], turn))
        yield Handled(turn)

    def _lose_in_any_case(self) -> Flow:
        while True:
            try:
                return (yield from self._lose())
            except GeneratorExit:
                raise
            except BaseException:
                log_fault(logger, "it is tried again")
                yield Pause(PAUSE)


def _cut(entries: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the entries to the first GOODBYE, and those behind it."""
    end = list(map(type, entries)).index(Goodbye) + 1
    return entries[:end], entries[end:]
