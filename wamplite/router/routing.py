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
from typing import Any, final

from ..core import uris
from ..core.handshake import AuthMethod
from ..core.members import Lost, Member, Violation
from ..core.messages import Abort, Goodbye
from ..core.realm import Clock, Realm
from ..locks import Latch, Lock
from .faults import guarded, log_fault
from .large import LargePlace
from .mailbox import Encoder, Encoders, FrameMailbox
from .waits import ArrivalTurn

logger = logging.getLogger("wamplite.router")

ROUNDS = 16  # how long a reader routes for others before it goes back to what it reads
SHARE = 64  # messages of one arrival in a round; of sessions that end, records in a round
ENDS = frozenset({Lost, Violation, Goodbye, Abort})  # with which a member takes its records along
CLOSING = 5.0  # seconds for the spare thread to end
PAUSE = 0.01  # seconds after a fault: memory may be had again
NOTHING: list[Any] = []  # stands for what has been handled; made once, it needs no memory then
IN_HAND: list[Any] = []  # for what is being handled


Later = Callable[[float, Callable[[], None]], Callable[[], None]]


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

    def finish(self) -> None:
        """Forget what was handled, and let the member go on."""
        self.entries = NOTHING
        if self.place is not None:
            self.place.release()
        self.handled.release()


@final
class Errand:
    """A function that wants to run with the routing role, as a timer does."""

    __slots__ = ("is_done", "run")

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run
        self.is_done = False

    def cancel(self) -> None:
        """Do nothing instead, if it has not run yet."""
        self.run = _nothing


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
        self._batch: list[Arrival | Errand] = NOTHING  # what is handled in this round
        self._most_given_up = 0  # by Realm.given_up: how far it may come in this round
        self._guard = Lock()  # guards the next four; not held while anything is handled
        self._inbox: list[Arrival | Errand] = []
        self._routing = False  # somebody owns the role
        self._handed = False  # ... the spare thread, as soon as it wakes
        self._ended = False  # the spare thread takes nothing more over
        # How its sessions say who they are; None: they need not. Replaced whole, by any thread
        self.authmethods: Mapping[str, AuthMethod] | None = None
        self._spare = threading.Semaphore(0)  # wakes the spare thread
        self.realm = realm = make(self)  # last: features may want the time at once
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
            if may_route:
                self._batch, self._inbox = self._inbox, []
            elif self._ended:
                return  # whoever routes next finds it
            else:
                self._handed = True
            self._routing = True
        if may_route:
            self._route(ROUNDS)
        elif not self._wake_spare():
            with self._guard:
                self._routing = False  # whoever arrives next finds what is there

    def arrive_all(self, arrivals: list[Arrival]) -> None:
        """Move arrivals into the inbox, and route what is there if nobody does."""
        with self._guard:
            self._inbox += arrivals
            arrivals.clear()
            if self._routing or not self._inbox:
                return
            self._batch, self._inbox = self._inbox, []
            self._routing = True
        self._route(ROUNDS)

    @property
    def waiting(self) -> int:
        """How many arrivals nobody has routed yet."""
        return len(self._inbox)

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

        Whoever holds the role keeps it until the inbox is empty.
        """
        with self._guard:
            self._ended = True
        self._spare.release()
        self._thread.join(CLOSING)

    def _route(self, rounds: int) -> None:
        """Route until the inbox is empty, or hand the role over after `rounds` (-1: never)."""
        while True:
            try:
                if not self._round():
                    return
                rounds -= 1
                if rounds == 0 and self._hand_over():
                    return
            except BaseException:
                log_fault(logger, "routing realm %s failed, it goes on", self.realm.uri)
                while not guarded(logger, self._put_back, "what arrived is kept for later"):
                    time.sleep(PAUSE)

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

    def _put_back(self) -> None:
        """Put what was not handled where it was, and write what was posted."""
        time.sleep(PAUSE)
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
            except BaseException:
                log_fault(logger, "what was posted to %s could not be written", mailbox)
                guarded(logger, mailbox.fail, "%s could not be ended", mailbox)
        touched.clear()
        for encoder in self.encoding:
            encoder.forget()
        self.encoding.clear()

    def _hand_over(self) -> bool:
        """Give the role to the spare thread: `_routing` stays True. False once that has ended."""
        with self._guard:
            if self._ended:
                return False
            self._handed = True
        return self._wake_spare()

    def _wake_spare(self) -> bool:
        """Wake the spare thread for the role it was handed; False if the role is ours again."""
        if guarded(logger, self._spare.release, "the spare thread could not be woken"):
            return True
        with self._guard:
            woken, self._handed = not self._handed, False
        return woken

    def _route_spare(self) -> None:
        mine = False  # the role is
        while True:
            try:
                if not (mine or self._handed):
                    self._spare.acquire()
                with self._guard:
                    mine, self._handed = mine or self._handed, False
                if mine:
                    self._route(-1)
                    mine = False
                elif self._ended:
                    return
            except BaseException:
                log_fault(logger, "the spare thread of realm %s goes on", self.realm.uri)
                time.sleep(PAUSE)

    def _handle(self, arrival: Arrival | Errand) -> bool:
        """Handle at most SHARE entries of an arrival; True if some are left."""
        if type(arrival) is Errand:
            arrival.is_done = True
            guarded(logger, arrival.run, "%s failed in realm %s", arrival.run, self.realm.uri)
            return False
        member, realm, entry = arrival.member, self.realm, None
        if realm.given_up > self._most_given_up and _must_wait(arrival):
            return True
        self.place = arrival.place
        try:
            entries, arrival.entries = arrival.entries, IN_HAND
            if len(entries) > SHARE:
                entries, arrival.entries = entries[:SHARE], entries[SHARE:]
            for entry in entries:
                if not member.open:
                    break  # what a closed member still sent is dropped
                realm.handle(member, entry)
            else:
                if arrival.entries:
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


def _must_wait(arrival: Arrival) -> bool:
    """Tell whether a member ends that has a part in anything: in another round, behind others."""
    entries = arrival.entries  # none where it was in hand when a fault came
    return entries != [] and type(entries[-1]) in ENDS and arrival.member.held > 0


def _nothing() -> None:
    """Be what a canceled errand does."""
