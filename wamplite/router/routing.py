"""The routing role of a realm: whoever finds it free routes for all that have arrived.

    threads of connections ── arrive ──> inbox ──┐ role free: the thread takes it, for 16 rounds
    the shared reader ── arrive_all ─────────────┤ ... then, or for a thread that must not route:
    in-process sessions ─────────────────────────┤ the spare
                              batch: all of it ──┴─> handle each, then one write per outbox

Law: only the holder of the role changes the realm or posts; it never blocks. Emptiness of the inbox
and release of the role are one step under `guard`, so no arrival is left lying. One arrival of a
member waits at a time (`handled`): the rest stays in the kernel, which slows the sender down. Once
those who end have given up SHARE records in a round, who ends else waits for the next: many may end
at once, each with a thousand subscriptions.

No exception takes the role along, wherever it comes from (memory may run out at any place): what
fails with an entry ends its member, and what fails beside that is tried again after a pause.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue

from ..core import uris
from ..core.handshake import AuthMethod
from ..core.members import Member
from ..core.realm import Clock, Realm
from ..locks import Latch, Lock
from .arrivals import IN_HAND, NOTHING, Arrival, Errand
from .faults import guarded, log_fault
from .large import LargePlace
from .mailbox import Encoder, Encoders, FrameMailbox

logger = logging.getLogger("wamplite.router")

ROUNDS = 16  # how long a reader routes for others before it goes back to what it reads
SHARE = 64  # messages of one arrival in a round; of sessions that end, records in a round
CLOSING = 5.0  # seconds for the spare thread to end
PAUSE = 0.01  # seconds after a fault: memory may be had again

Later = Callable[[float, Callable[[], None]], Callable[[], None]]


class Routing:
    """One realm, its inbox and its routing role; the clock of the realm, too.

    make: the realm for this clock. timers: runs a function in so many seconds, in a thread of its
    own; returns what cancels it.
    """

    def __init__(self, make: Callable[[Clock], Realm], timers: Later) -> None:
        self._timers = timers
        self.touched: list[FrameMailbox] = []  # outboxes that were posted to in this round
        self.encoding: list[Encoder] = []  # those that keep an EVENT of this round
        self.place: LargePlace | None = None  # of what is being handled
        self.encoders = Encoders(self)
        self._batch: list[Arrival | Errand] = NOTHING  # of this round, or the next; the holder's
        self._most_given_up = 0  # by Realm.given_up: how far it may come in this round
        self._guard = Lock()  # guards the next four, and what is taken as a batch
        self._inbox: list[Arrival | Errand] = []
        self._routing = False  # somebody owns the role
        self._handed = False  # ... the spare thread, as soon as it wakes
        self._ended = False  # the spare thread takes nothing more over
        # How its sessions say who they are; None: they need not. Replaced whole, by any thread
        self.authmethods: Mapping[str, AuthMethod] | None = None
        self._wakes: SimpleQueue[None] = SimpleQueue()  # wakes the spare thread
        self.realm = realm = make(self)  # last: features may want the time at once
        self._thread = threading.Thread(
            target=self._route_spare, name=f"wamplite-route-{realm.uri}", daemon=True
        )
        self._thread.start()

    def arrive(self, arrival: Arrival | Errand, may_route: bool = True) -> None:
        """Put an arrival into the inbox, and route if nobody does.

        Raises MemoryError where it has not taken the arrival.
        """
        with self._guard:
            if self._routing:
                self._inbox.append(arrival)
                return  # the holder must pass through the guard before it stops
            fresh: list[Arrival | Errand] = []  # what may fail comes first
            if not (may_route or self._ended):
                self._wakes.put(None)
            self._inbox.append(arrival)
            if may_route:
                self._batch, self._inbox = self._inbox, fresh
            elif self._ended:
                return  # whoever routes next finds it
            else:
                self._handed = True
            self._routing = True
        if may_route:
            self._route(ROUNDS)

    def arrive_all(self, arrivals: list[Arrival]) -> None:
        """Move arrivals into the inbox, and route what is there if nobody does."""
        fresh: list[Arrival | Errand] = []
        with self._guard:
            self._inbox += arrivals
            arrivals.clear()
            if self._routing or not self._inbox:
                return
            self._batch, self._inbox = self._inbox, fresh
            self._routing = True
        self._route(ROUNDS)

    @property
    def waiting(self) -> int:
        """How many arrivals are not routed yet; any thread."""
        return len(self._inbox) + sum(one.waits for one in self._batch)

    def run(self, errand: Callable[[], None]) -> None:
        """Have a function run with the role, by the spare thread if nobody is routing."""
        self.arrive(Errand(errand), may_route=False)

    def run_and_wait(self, errand: Callable[[], None], seconds: float) -> None:
        """Have a function run with the role, and wait for that, so long; not for who routes."""
        done = Latch()

        def run() -> None:
            try:
                errand()
            finally:
                done.set()

        self.run(run)
        done.wait(seconds)

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        """Have a function run with the role in so many seconds; returns a function to cancel it."""
        errand = Errand(run)
        if seconds > 0:
            return self._timers(seconds, lambda: self.arrive(errand, may_route=False))
        self.arrive(errand, may_route=False)
        return errand.cancel

    def close(self) -> None:
        """End the spare thread; what still arrives is routed by who brings it. Not for that thread.

        Whoever holds the role keeps it until nothing is left to be routed.
        """
        with self._guard:
            self._ended = True
        self._wakes.put(None)
        self._thread.join(CLOSING)

    def _route(self, rounds: int) -> None:
        """Route until nothing is left, or hand the role over after `rounds` (-1: never)."""
        fault: BaseException | None = None
        while True:
            try:
                if fault is not None:
                    time.sleep(PAUSE)
                    self._recover(fault)
                    fault = None
                if not self._round():
                    return
                rounds -= 1
                if rounds == 0 and self._hand_over():
                    return
            except BaseException as raised:
                fault = raised  # nothing else: whatever is done here might fail

    def _round(self) -> bool:
        """Route the batch, and take the next; False: there is none, and the role is free."""
        self._most_given_up = self.realm.given_up + SHARE
        rest = [arrival for arrival in self._batch if self._handle(arrival)]
        self._deliver()
        with self._guard:
            if rest:
                self._inbox[:0] = rest
            self._batch = NOTHING  # first: what stands in both would be routed twice
            if self._inbox:
                self._batch, self._inbox = self._inbox, []
                return True
            self._routing = False
            return False

    def _recover(self, fault: BaseException) -> None:
        """Put what was not handled where it was, and do what is behind that."""
        log_fault(logger, "routing realm %s failed, it goes on", self.realm.uri, fault=fault)
        for arrival in self._batch:
            if type(arrival) is Arrival and arrival.is_done:
                arrival.handled.tell()  # perhaps just that has failed
        rest = [arrival for arrival in self._batch if not arrival.is_done]
        with self._guard:
            self._inbox[:0] = rest
            self._batch = NOTHING
        self._deliver()

    def _deliver(self) -> None:
        """Write what was posted in this round; a fault is that one connection's."""
        touched = self.touched
        for mailbox in touched:
            try:
                mailbox.deliver()
            except BaseException as fault:
                guarded(logger, mailbox.fail, "%s could not be ended", mailbox)
                text = "what was posted to %s could not be written"
                log_fault(logger, text, mailbox, fault=fault)
        touched.clear()
        for encoder in self.encoding:
            encoder.forget()
        self.encoding.clear()

    def _hand_over(self) -> bool:
        """Give the role to the spare thread: `_routing` stays True. False once that has ended."""
        with self._guard:
            if self._ended:
                return False
            self._wakes.put(None)  # first: it may fail
            self._handed = True
            return True

    def _route_spare(self) -> None:
        mine = False  # the role is
        while True:
            try:
                if not (mine or self._handed or self._ended):
                    self._wakes.get()
                with self._guard:
                    mine, self._handed = mine or self._handed, False
                    has_ended = self._ended
                if mine:
                    self._route(-1)
                    mine = False
                elif has_ended:
                    return
            except BaseException:
                log_fault(logger, "the spare thread of realm %s goes on", self.realm.uri)
                time.sleep(PAUSE)

    def _handle(self, arrival: Arrival | Errand) -> bool:
        """Handle at most SHARE entries of an arrival; True if some are left."""
        if type(arrival) is Errand:
            arrival.is_done = True
            try:
                arrival.run()
            except BaseException:
                log_fault(logger, "%s failed in realm %s", arrival.run, self.realm.uri)
            return False
        member, realm, entry = arrival.member, self.realm, None
        if realm.given_up > self._most_given_up and arrival.ends_much:  # it comes behind others
            return True
        self.place = arrival.place
        try:
            entries, arrival.entries, rest = arrival.entries, IN_HAND, NOTHING
            if entries is IN_HAND:
                raise RuntimeError("a fault came here that could not be told")
            if len(entries) > SHARE:
                entries, rest = entries[:SHARE], entries[SHARE:]
            for entry in entries:
                if not member.open:
                    break  # what a closed member still sent is dropped
                realm.handle(member, entry)
            else:
                if rest:
                    arrival.entries = rest
                    return True
        except BaseException:  # a SystemExit too: the role must not be lost
            log_fault(logger, "%s: a %s could not be handled", member, type(entry).__name__)
            guarded(logger, lambda: self._abort(member), "%s could not be aborted", member)
        arrival.finish()
        return False

    def _abort(self, member: Member) -> None:
        try:
            self.realm.abort(member, uris.INTERNAL_ERROR, "internal error")
        except BaseException:
            member.end()  # nobody would, after this: it is not in the realm any more
            raise
