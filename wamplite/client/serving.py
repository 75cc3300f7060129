"""What comes for users' handlers goes to the threads that run them: events to one, calls to a pool.

the reading thread ── deliver ──> Events ──> Answering.handle
                   ├─ serve ────> Pool ────> Answering.answer ──> YIELD or ERROR
                   └─ interrupt, go_on ──> the call that is being served
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ..core import messages, uris
from .answering import Answering
from .faults import Faults, log
from .handlers import Defined
from .passthru import Passthru, Schemes
from .results import Registration, Subscription
from .running import Running
from .shared_conversation import SharedConversation
from .values import Default
from .workers import MOST_WAITING, Events, Job, OneByOne, Pool

AT_ONCE = 0.1  # seconds for handlers to return, before it is told that they are waited for


def _join(threads: list[threading.Thread], seconds: float) -> bool:
    """Wait for threads, so long for all of them; False if one runs still."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


class Serving:
    """The handlers' side of one session."""

    shared: SharedConversation

    def __init__(
        self,
        most_threads: int,
        default: Default | None = None,
        concurrent: bool = True,
        schemes: Schemes | None = None,
    ) -> None:
        self._most_threads = most_threads
        self._concurrent = concurrent
        self._running: dict[int, Running] = {}  # by INVOCATION.Request
        self._has_turns = False  # some calls wait for each other
        self.default = default  # makes of values what can be sent
        self.passthru = Passthru(schemes)
        self.faults = Faults()
        self.defined = Defined()

    def begin(self, shared: SharedConversation) -> None:
        """Get ready for the session that has been joined."""
        self.shared = shared
        conversation, session = shared.conversation, shared.conversation.session
        conversation.interrupt, conversation.go_on = self.interrupt, self.go_on
        conversation.revoked = self.revoked
        shared.on_end.append(self.end)
        self._answering = Answering(shared, self.defined, self.faults, self.default, self.passthru)
        self.answers = self._answering.answers
        self.events = Events(f"wamplite-events-{session}")
        self.pool = Pool(f"wamplite-call-{session}", self._most_threads)
        self._in_turn = OneByOne(self.pool)  # for a session that serves all calls one by one

    def end(self) -> None:
        """The session is over: events that have arrived are still handled, unless we left."""
        for running in list(self._running.values()):
            running.interrupt()  # nobody waits for the answer any more
        self.events.end(drop=self.shared.error is None)
        self.pool.end()
        self.faults.end()

    def threads(self) -> list[threading.Thread]:
        """Return the threads that run handlers."""
        events = self.events.thread
        return [*self.pool.running(), *([events] if events else [])]

    def join(self, seconds: float) -> None:
        """Wait until the handlers have returned, then drop the events that still wait.

        A handler that asks does not wait for itself.
        """
        threads = self.threads()
        if threading.current_thread() in threads:
            return
        _join(threads, seconds)
        self.events.end(drop=True)

    def settle(self, seconds: float, waits: Callable[[], None]) -> None:
        """Wait until handlers have returned beside which none of a next session may run.

        Those are of events, and of calls that are served one by one. Then the events that still
        wait are dropped. waits: called where it takes a moment.
        """
        threads = self.threads()
        if not self._has_turns:
            threads = [thread for thread in threads if thread is self.events.thread]
        if not _join(threads, AT_ONCE):
            waits()
            _join(threads, seconds)
        self.events.end(drop=True)

    def in_turn(self, concurrent: bool | None) -> OneByOne | None:
        """Return where a registration's calls wait for each other; None: nowhere."""
        if concurrent or (self._concurrent and concurrent is None):
            return None
        self._has_turns = True
        return self._in_turn if concurrent is None else OneByOne(self.pool)

    def is_busy_with(self, procedure: str) -> bool:
        """Tell whether a call of a procedure would wait for the handler on the current thread."""
        return any(
            registration.procedure == procedure
            and registration.in_turn is not None
            and registration.in_turn.is_served_here()
            for registration in list(self.shared.conversation.registrations.values())
        )

    # ---- the reading thread hands over

    def deliver(
        self, subscription: Subscription, event: messages.Event, topic: str, size: int
    ) -> bool:
        """Queue an event for a handler; False if it has fallen behind."""
        job: Job = partial(self._answering.handle, subscription, event, topic)
        if subscription.concurrent:
            job = partial(self._spread, job)
        return self.events.put(job, size)

    def serve(self, registration: Registration, invocation: messages.Invocation) -> None:
        """Serve an invocation on a thread of the pool, or refuse it where there is none."""
        threads = registration.in_turn or self.pool
        running = self._running[invocation.request] = Running(
            invocation, self._answering.progress, self._answering.unpack
        )
        if not threads.submit(partial(self._answer, registration, running)):
            del self._running[invocation.request]
            busy = f"all {self._most_threads} threads are busy"
            if registration.in_turn:
                busy += f", or {MOST_WAITING} calls wait for their turn"
            text = f"{registration.procedure}: {busy}"
            self.shared.conversation.refuse(invocation.request, uris.UNAVAILABLE, [text])

    def interrupt(self, request: int) -> None:
        """Let a handler know that its call was canceled."""
        running = self._running.get(request)
        if running is not None:
            running.interrupt()

    def go_on(self, part: messages.Invocation) -> None:
        """Hand over a further part of a call."""
        running = self._running.get(part.request)
        if running is not None and not running.add(part):
            running.interrupt()
            text = "the parts of the call came faster than they were taken"
            self.shared.conversation.refuse(part.request, uris.UNAVAILABLE, [text])

    def revoked(self, receivers: list[Any], what: str) -> None:
        """Take note that the router has taken something away."""
        for receiver in receivers:
            receiver.active = False
        log("WARNING", what)

    # ---- the handlers' threads

    def _spread(self, job: Job) -> None:
        if not self.pool.submit(job):
            job()

    def _answer(self, registration: Registration, running: Running) -> None:
        """Answer an invocation, whatever its handler does; the second answer would not be sent."""
        try:
            self._answering.answer(registration, running)
        finally:
            self._running.pop(running.message.request, None)
