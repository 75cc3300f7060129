"""Users' code and the threads it runs on: events in order on one, invocations on a pool.

An exception of a handler is logged once, with its URI. What a procedure returns or raises goes
back as YIELD or ERROR; a result that cannot be sent is an ERROR too, so that no caller waits.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ..channel import TooLarge
from ..core import messages, uris
from ..core.errors import (
    ApplicationError,
    ProtocolError,
    SessionNotReady,
    TransportLost,
    UsageError,
)
from .events import Events, Job
from .handlers import Refusal, refusal_of, result_of, shown
from .handles import Registration, Subscription
from .pool import Pool
from .results import Event, Invocation
from .values import Default, sendable

if TYPE_CHECKING:
    from .wire import Wire


class Serving:
    """The handlers' side of one session."""

    wire: Wire

    def __init__(self, most_threads: int, default: Default | None = None) -> None:
        self._most_threads = most_threads
        self.default = default  # makes of values what can be sent

    def begin(self, wire: Wire) -> None:
        """Get ready for the session that has been joined."""
        session = wire.conversation.session
        self.wire = wire
        self.events = Events(f"wamplite-events-{session}")
        self.pool = Pool(f"wamplite-call-{session}", self._most_threads)
        self.exceptions: dict[type[BaseException], str] = {}

    def end(self) -> None:
        """The session is over: events that have arrived are still handled, unless we left."""
        self.events.end(drop=self.wire.error is None)
        self.pool.end()

    def join(self, seconds: float) -> None:
        """Wait until the handlers have returned, then drop the events that still wait.

        A handler that asks does not wait for itself.
        """
        events = self.events.thread
        threads = [*self.pool.running(), *([events] if events else [])]
        if threading.current_thread() in threads:
            return
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.events.end(drop=True)

    # ---- the reading thread hands over

    def deliver(
        self, subscription: Subscription, event: messages.Event, topic: str, size: int
    ) -> bool:
        """Queue an event for a handler; False if it has fallen behind."""
        job: Job = partial(self._handle, subscription, event, topic)
        if subscription.concurrent:
            job = partial(self._spread, job)
        return self.events.put(job, size)

    def serve(self, registration: Registration, invocation: messages.Invocation) -> None:
        """Serve an invocation on a thread of the pool, or refuse it where there is none."""
        if not self.pool.submit(partial(self._answer, registration, invocation)):
            text = f"{registration.procedure}: all {self._most_threads} threads are busy"
            self.wire.conversation.refuse(invocation.request, uris.UNAVAILABLE, [text])

    # ---- the handlers' threads

    def _spread(self, job: Job) -> None:
        if not self.pool.submit(job):
            job()

    def _handle(self, subscription: Subscription, event: messages.Event, topic: str) -> None:
        if not subscription.active:
            return
        thing = Event(
            event.details.get("topic", topic),
            positional(event.args),
            event.kwargs or {},
            event.details,
            event.publication,
            event.subscription,
        )
        try:
            subscription.plan.run(thing)
        except BaseException as error:
            self._log(error, f"EVENT of {thing.topic}", subscription.plan.handler)

    def _answer(self, registration: Registration, invocation: messages.Invocation) -> None:
        thing = Invocation(
            invocation.details.get("procedure", registration.procedure),
            positional(invocation.args),
            invocation.kwargs or {},
            invocation.details,
            invocation.request,
            invocation.registration,
        )
        what = f"INVOCATION of {thing.procedure}"
        try:
            args, kwargs = result_of(registration.plan.run(thing))
        except BaseException as error:
            self._log(error, what, registration.plan.handler)
            self._refuse(invocation.request, refusal_of(error, self.exceptions))
            return
        try:
            args, kwargs = sendable(args, kwargs, self.default)
            self.wire.reply(invocation.request, args, kwargs)
        except (ProtocolError, UsageError) as error:
            self._log(error, f"result for {what}", registration.plan.handler)
            too_large = isinstance(error, TooLarge)
            uri = uris.PAYLOAD_SIZE_EXCEEDED if too_large else uris.RUNTIME_ERROR
            self._refuse(invocation.request, Refusal(uri, [f"result: {error}"], {}))
        except TransportLost:
            pass  # the reading thread tells everybody

    def _refuse(self, request: int, refusal: Refusal) -> None:
        try:
            args, kwargs = sendable(refusal.args, refusal.kwargs, self.default)
            self.wire.refuse(request, refusal.error, args, kwargs)
        except (ProtocolError, UsageError) as error:
            self.wire.refuse(request, refusal.error, [f"its arguments cannot be sent: {error}"], {})
        except TransportLost:
            pass

    def _log(self, error: BaseException, what: str, handler: Any) -> None:
        import logging  # 8 ms that most clients never need

        over = self.wire.lost.is_set() and isinstance(error, (TransportLost, SessionNotReady))
        log = logging.getLogger("wamplite.client")
        if isinstance(error, ApplicationError):  # meant for the caller, who is told
            log.info("%s: %s raised %s", what, shown(handler), error)
            return
        level = logging.DEBUG if over else logging.ERROR
        log.log(level, "%s: %s raised", what, shown(handler), exc_info=error)


def positional(args: messages.Args) -> list[Any]:
    """Return Arguments as a list; a payload that passed through unread is one binary value."""
    return args if type(args) is list else [] if args is None else [args]
