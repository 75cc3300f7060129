"""Users' code and the threads it runs on: events in order on one, invocations on a pool.

An exception of a handler is logged, with its URI. What a procedure returns or raises goes back as
YIELD or ERROR; what cannot be sent is an ERROR too: every invocation gets exactly one answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import suppress
from functools import partial
from types import GeneratorType
from typing import Any

from ..channel import TooLarge
from ..core import messages, uris
from ..core.conversation import Answer
from ..core.errors import ProtocolError, SessionNotReady, TransportLost, UsageError
from ..core.words import shorten
from .faults import Faults, class_name, log
from .handlers import Defined, Refusal, refusal_of, result_of, takes_no_such_arguments
from .results import Event, Invocation, Registration, Result, Subscription
from .running import Running
from .shared_conversation import SharedConversation
from .values import Default, sendable
from .workers import MOST_WAITING, Events, Job, OneByOne, Pool


class Serving:
    """The handlers' side of one session."""

    shared: SharedConversation

    def __init__(
        self, most_threads: int, default: Default | None = None, concurrent: bool = True
    ) -> None:
        self._most_threads = most_threads
        self._concurrent = concurrent
        self._running: dict[int, Running] = {}  # by INVOCATION.Request
        self.default = default  # makes of values what can be sent
        self.faults = Faults()
        self.defined = Defined()

    def begin(self, shared: SharedConversation) -> None:
        """Get ready for the session that has been joined."""
        self.shared = shared
        conversation, session = shared.conversation, shared.conversation.session
        conversation.interrupt, conversation.go_on = self.interrupt, self.go_on
        conversation.revoked = self.revoked
        shared.on_end.append(self.end)
        # what a procedure returns, by type, where it is more than a value: features add to it
        self.answers: dict[type, Answer] = {GeneratorType: self._generate, **conversation.answers}
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
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.events.end(drop=True)

    def in_turn(self, concurrent: bool | None) -> OneByOne | None:
        """Return where a registration's calls wait for each other; None: nowhere."""
        if concurrent is False:
            return OneByOne(self.pool)
        return None if concurrent or self._concurrent else self._in_turn

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
        threads = registration.in_turn or self.pool
        running = self._running[invocation.request] = Running(invocation, self._progress)
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

    def _handle(self, subscription: Subscription, message: messages.Event, topic: str) -> None:
        if not subscription.active:
            return
        event = Event(
            message.details.get("topic", topic),
            positional(message.args),
            message.kwargs or {},
            message.details,
            message.publication,
            message.subscription,
        )
        try:
            subscription.run(event)
        except BaseException as error:
            at_length = not takes_no_such_arguments(error)
            what, whose = f"EVENT of {event.topic}", subscription.handler_name
            self.faults.tell(self._level(error), what, whose, error, at_length)

    def _answer(self, registration: Registration, running: Running) -> None:
        """Answer an invocation, whatever its handler does; the second answer would not be sent."""
        try:
            self._serve(registration, running)
        finally:
            self._running.pop(running.message.request, None)

    def _serve(self, registration: Registration, running: Running) -> None:
        message = running.message
        invocation = Invocation(
            message.details.get("procedure", registration.procedure),
            positional(message.args),
            message.kwargs or {},
            message.details,
            message.request,
            message.registration,
            running,
        )
        what = f"INVOCATION of {invocation.procedure}"
        whose = registration.handler_name
        try:
            running.check()  # it may have waited
            returned = registration.run(invocation)
            answer = self.answers.get(type(returned))
            if answer is not None:
                returned = answer(invocation, returned)
        except BaseException as error:
            refusal = refusal_of(error, self.defined.uris)
            try:
                self._tell(refusal, what, whose, error)
            finally:
                self._refuse(message.request, refusal)
            return
        try:
            args, kwargs = sendable(*result_of(returned), self.default)
            self.shared.reply(message.request, args, kwargs)
        except TransportLost:
            pass  # the reading thread tells everybody
        except BaseException as error:
            self.faults.tell("ERROR", f"result for {what}", whose, error, traceback=True)
            uri = uris.PAYLOAD_SIZE_EXCEEDED if type(error) is TooLarge else uris.RUNTIME_ERROR
            self._refuse(message.request, Refusal(uri, [f"result: {_told(error)}"], {}))

    def _generate(self, invocation: Invocation, generator: Generator[Any, Any, Any]) -> Any:
        """Send what a generator yields as partial results; return what the last one is to be.

        Where the caller wants none, that is a list of all, unless the generator returns something.
        """
        every: list[Any] = []
        try:
            while True:
                value = next(generator)
                invocation.check()
                if invocation.wants_progress:
                    args, kwargs = result_of(value)
                    invocation.progress(*args, **kwargs)
                else:
                    every.append(value)
        except StopIteration as stop:
            return every if stop.value is None and not invocation.wants_progress else stop.value
        finally:
            generator.close()

    def _progress(self, running: Running, args: list[Any], kwargs: dict[str, Any]) -> None:
        args, kwargs = sendable(args, kwargs, self.default)
        self.shared.reply(running.message.request, args, kwargs, progress=True)

    def _refuse(self, request: int, refusal: Refusal) -> None:
        with suppress(TransportLost):
            try:
                args, kwargs = sendable(refusal.args, refusal.kwargs, self.default)
                self.shared.refuse(request, refusal.error, args, kwargs)
            except TransportLost:
                raise
            except BaseException as error:
                text = shorten(f"its arguments cannot be sent: {_told(error)}")
                self.shared.refuse(request, refusal.error, [text], {})

    def _tell(self, refusal: Refusal, what: str, whose: str, error: BaseException) -> None:
        """Log what a procedure raised: in a line what was meant for its caller."""
        if refusal.error == uris.RUNTIME_ERROR:
            self.faults.tell(self._level(error), what, whose, error, traceback=True)
        elif takes_no_such_arguments(error):
            self.faults.tell("WARNING", what, whose, error)
        else:
            self.faults.tell("INFO", what, whose, error)

    def _level(self, error: BaseException) -> str:
        """Return ERROR, less where a handler outlived its session and could not know."""
        outlived = isinstance(error, (TransportLost, SessionNotReady)) and self.shared.lost.is_set()
        return "DEBUG" if outlived else "ERROR"


def _told(error: BaseException) -> str:
    """Tell why something could not be sent, in words of ours alone: they always can."""
    return str(error) if isinstance(error, (ProtocolError, UsageError)) else class_name(error)


def positional(args: messages.Args) -> list[Any]:
    """Return Arguments as a list; a payload that passed through unread is one binary value."""
    return args if type(args) is list else [] if args is None else [args]


def value_of(result: Any) -> Any:
    """Return what `call` returns of a RESULT: None, the one value, or a Result of several."""
    values = result.args
    if result.kwargs or (values and (len(values) != 1 or type(values) is not list)):
        return Result(positional(values), result.kwargs, result.details)
    return values[0] if values else None
