"""The routing role of a realm: whoever finds it free routes for all that have arrived.

    reader threads ── arrive ──> inbox ──┐ role free: the reader itself takes it, at most 16 rounds
    in-process sessions ─────────────────┤ ... then, or for a thread that must not route: the spare
                                         └─> route: handle each entry, then one write per outbox

Law: only the holder of the role changes the realm or posts; it never blocks. Emptiness of the inbox
and release of the role are one step under `guard`, so no arrival is left lying. One arrival of a
member waits at a time (its `turn`): the rest stays in the kernel, which slows the sender down.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from .. import serializers
from ..core import uris
from ..core.members import Member
from ..core.realm import Realm
from ..transports.base import Transport
from .mailbox import Encoder, Mailbox

logger = logging.getLogger("wamplite.router")

ROUNDS = 16  # how long a reader routes for others before it goes back to its own socket
SHARE = 64  # messages of one arrival in a round
CLOSING = 5.0  # seconds for the spare thread to end


class Arrival:
    """What one recv brought of a member, in order; `turn` is released once all is handled."""

    __slots__ = ("member", "entries", "position", "turn")

    def __init__(self, member: Member, entries: list[Any], turn: threading.Lock) -> None:
        self.member = member
        self.entries = entries
        self.position = 0
        self.turn = turn


class Errand:
    """A function that wants to run with the routing role, as a timer does."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run


class Routing:
    """One realm, its inbox and its routing role."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.touched: list[Mailbox] = []  # outboxes that were posted to in this round
        self._guard = threading.Lock()  # guards the next five; not held while anything is handled
        self._encoders: dict[tuple[str, str], Encoder] = {}
        self._inbox: list[Arrival | Errand] = []
        self._routing = False  # somebody owns the role
        self._handed = False  # ... the spare thread, as soon as it wakes
        self._ended = False  # the spare thread takes nothing more over
        self._spare = threading.Semaphore(0)  # wakes the spare thread
        self._thread = threading.Thread(
            target=self._route_spare, name=f"wamplite-route-{realm.uri}", daemon=True
        )
        self._thread.start()

    def arrive(self, arrival: Arrival | Errand, may_route: bool = True) -> None:
        """Put an arrival into the inbox, and route if nobody does."""
        with self._guard:
            self._inbox.append(arrival)
            if self._routing:
                return  # the holder must pass through the guard before it stops
            if not may_route:
                if self._ended:
                    return  # whoever routes next finds it
                self._handed = True
            self._routing = True
        if may_route:
            self._route(ROUNDS)
        else:
            self._spare.release()

    def encoder(self, transport: Transport) -> Encoder:
        """Return what encodes for all members of this realm that read the same bytes."""
        key = (transport.serializer, transport.framing)
        with self._guard:
            found = self._encoders.get(key)
            if found is None:
                serializer = serializers.get(transport.serializer)
                found = self._encoders[key] = Encoder(serializer, transport.frame)
        return found

    def run(self, errand: Callable[[], None]) -> None:
        """Have a function run with the role, by the spare thread if nobody is routing."""
        self.arrive(Errand(errand), may_route=False)

    def close(self) -> None:
        """End the spare thread; what still arrives is routed by who brings it. Not for that thread.

        Whoever holds the role keeps it until the inbox is empty.
        """
        with self._guard:
            self._ended = True
        self._spare.release()
        self._thread.join(CLOSING)

    def _route(self, rounds: int) -> None:
        """Route until the inbox is empty, or hand the role over after `rounds` (-1: never)."""
        while True:
            with self._guard:
                if not self._inbox:
                    self._routing = False
                    return
                batch, self._inbox = self._inbox, []
            rest = [arrival for arrival in batch if self._handle(arrival)]
            self._deliver()
            if rest:
                with self._guard:
                    self._inbox[:0] = rest
            rounds -= 1
            if rounds == 0 and self._hand_over():
                return

    def _deliver(self) -> None:
        """Write what was posted in this round; a fault is that one connection's."""
        touched, self.touched = self.touched, []
        for mailbox in touched:
            try:
                mailbox.deliver()
            except Exception:
                logger.exception("what was posted to %s could not be written", mailbox)

    def _hand_over(self) -> bool:
        """Give the role to the spare thread: `_routing` stays True. False once that has ended."""
        with self._guard:
            if self._ended:
                return False
            self._handed = True
        self._spare.release()
        return True

    def _route_spare(self) -> None:
        while True:
            self._spare.acquire()
            with self._guard:
                handed, self._handed = self._handed, False
            if not handed:
                return  # close() woke it
            self._route(-1)

    def _handle(self, arrival: Arrival | Errand) -> bool:
        """Handle at most SHARE entries of an arrival; True if some are left."""
        if type(arrival) is Errand:
            self._guarded(arrival.run)
            return False
        assert type(arrival) is Arrival
        member, handle = arrival.member, self.realm.handle
        start, end = arrival.position, len(arrival.entries)
        arrival.position = stop = min(start + SHARE, end)
        for entry in arrival.entries[start:stop] if end > 1 else arrival.entries:
            if not member.open:
                break  # what a closed member still sent is dropped
            try:
                handle(member, entry)
            except BaseException:  # a SystemExit too: the role must not be lost
                logger.exception("%s: a %s could not be handled", member, type(entry).__name__)
                self._guarded(
                    lambda: self.realm.abort(member, uris.INTERNAL_ERROR, "internal error")
                )
        else:
            if stop < end:
                return True
        arrival.turn.release()
        return False

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException:  # as above
            logger.exception("%s failed while routing realm %s", run, self.realm.uri)
