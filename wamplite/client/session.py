"""A session that blocks: call, publish, subscribe, register, and it cannot hang.

Threads (see `shared_conversation`, `workers`): the caller's own, one that reads, one that handles
events, and a pool that serves invocations. All are daemons: a program that forgets to leave ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..core import uris
from ..core.messages import Message, Register, Subscribe
from ..signals import until_signal
from .answering import positional, value_of
from .asking import Asking
from .calling import CallOutcome, call_all
from .facts import Facts
from .handlers import plan, result_of, shown
from .options import Options
from .publishing import Outcome, publish_all
from .results import Event, Invocation, Registration, Result, Subscription
from .serving import Serving
from .shared_conversation import SharedConversation
from .values import check_uri
from .verbs import Serves
from .waiting import WaitingRequest

LEAVE = 5.0  # seconds for a polite end


class Session(Facts, Serves[Registration, Subscription]):
    """A joined session; `wamplite.connect()` and `Router.connect()` return it.

    In a forked child it cannot be used, and leaving it there does nothing.
    """

    def __init__(
        self, shared: SharedConversation, serving: Serving, realm: str, timeout: float | None
    ) -> None:
        self._shared = shared
        self._serving = serving
        self._asking = Asking(shared, serving, timeout)
        self.realm = realm
        self.lost = shared.lost  # set when the session has ended, for whatever reason

    # ---- calls and publications

    def call(
        self,
        procedure: str,
        /,
        *args: Any,
        options: Options = None,
        on_progress: Callable[[Any], object] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call a procedure and wait for its result.

        Returns None for no result, the value for one, else a Result. on_progress: called with each
        partial result, in this thread; the timeout is then for each. `options` and `on_progress`
        are never keyword arguments of the call: `call_result` takes such.
        """
        if on_progress is None:
            return value_of(self._asking.call(procedure, list(args), kwargs, options))
        return self._asking.last(procedure, [(list(args), kwargs)], options, on_progress)

    def call_progressive(
        self, procedure: str, /, *args: Any, options: Options = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Call a procedure and give its partial results as they come, the last one last.

        A last result without a value is not given. The timeout is for each. Whoever does not go on
        to the end, and closes the iterator or drops it, cancels the call.
        """
        for result in self._asking.results(procedure, [(list(args), kwargs)], options, True):
            value = value_of(result)
            if value is not None or result.details.get("progress"):
                yield value

    def call_parts(
        self,
        procedure: str,
        parts: Iterable[Any],
        *,
        options: Options = None,
        on_progress: Callable[[Any], object] | None = None,
    ) -> Any:
        """Call a procedure with arguments that come in parts, and wait for its result.

        Each part is a value, or a Result of several. Raises ApplicationError where the router or
        the callee cannot do it (RFC "Progressive Call Invocations").
        """
        return self._asking.last(procedure, map(result_of, parts), options, on_progress)

    def call_result(
        self,
        procedure: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        options: Options = None,
    ) -> Result:
        """Call a procedure and wait for its whole Result."""
        result = self._asking.call(procedure, list(args), dict(kwargs or {}), options)
        return Result(positional(result.args), result.kwargs, result.details)

    def call_all(
        self,
        calls: Iterable[tuple[str, Iterable[Any], Mapping[str, Any], Options]],
        *,
        timeout: float | None = None,
    ) -> list[CallOutcome]:
        """Call procedures, 64 of them at a time, and tell of each what came, in order.

        Each call is (procedure, args, kwargs, options). Nothing is raised for one that failed: it
        has an `error`. timeout: seconds for all; None: that of each call, from when it was sent.
        """
        return call_all(self._asking, calls, timeout)

    def publish(
        self, topic: str, /, *args: Any, options: Options = None, **kwargs: Any
    ) -> int | None:
        """Publish an event. With the option `acknowledge` it waits, and returns the publication.

        `options` is never a keyword argument of the event: `publish_args` takes one of that name.
        """
        return self._asking.publish(topic, list(args), kwargs, options)

    def publish_args(
        self,
        topic: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        options: Options = None,
    ) -> int | None:
        """Publish an event whose keyword arguments may have any name; else as `publish`."""
        return self._asking.publish(topic, list(args), dict(kwargs or {}), options)

    def publish_all(
        self,
        events: Iterable[tuple[str, Iterable[Any], Mapping[str, Any], Options]],
        *,
        timeout: float | None = None,
    ) -> list[Outcome]:
        """Publish events in order, then wait for all acknowledgements; tell of each what came.

        Nothing is raised for one that failed: the others go out. timeout: seconds for the answers
        in all; None: until they have come, or the session is lost.
        """
        return publish_all(self._asking, events, timeout)

    def define(self, exception: type[BaseException], error: str) -> None:
        """Let an exception class and an error URI stand for each other, in both directions.

        A procedure that raises it sends its `args`, and its `kwargs` where it has a dict of that
        name. A caller gets `exception(*args, **kwargs)`, or `exception(*args)`; where its class
        takes neither, the ApplicationError itself, which is its `__cause__` otherwise.
        """
        self._serving.defined.add(exception, error)

    # ---- subscriptions and registrations

    def _subscribe(self, topic: str, handler: Callable[..., Any], options: Options) -> Subscription:
        wishes = self._asking.wishes(Subscribe, options)
        match = wishes.asked.get("match", "exact")
        check_uri("SUBSCRIBE", topic, match)
        run, concurrent = plan(handler, Event).run, bool(wishes.concurrent)
        subscription = Subscription(self, topic, run, shown(handler), concurrent)
        waiting = WaitingRequest(topic, subscription, match)
        subscription.id = self._asking.ask(wishes, Subscribe, waiting, topic).subscription
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Give a subscription up; the same as `subscription.unsubscribe()`."""
        subscription.active = False
        leave, number = self._shared.conversation.unsubscribe, subscription.id
        self._asking.ask_if(
            lambda waiting: leave(number, subscription, waiting), subscription.topic
        )

    def _register(
        self, procedure: str, handler: Callable[..., Any], options: Options
    ) -> Registration:
        wishes = self._asking.wishes(Register, options)
        check_uri("REGISTER", procedure, wishes.asked.get("match", "exact"))
        run = plan(handler, Invocation, self._serving.answers).run
        in_turn = self._serving.in_turn(wishes.concurrent)
        registration = Registration(self, procedure, run, shown(handler), in_turn)
        waiting = WaitingRequest(procedure, registration)
        registration.id = self._asking.ask(wishes, Register, waiting, procedure).registration
        if wishes.describe:
            try:
                self.reflection.define(procedure, handler)
            except BaseException:
                self.unregister(registration)
                raise
        return registration

    def unregister(self, registration: Registration) -> None:
        """Give a registration up; the same as `registration.unregister()`."""
        registration.active = False
        leave, number = self._shared.conversation.unregister, registration.id
        self._asking.ask_if(lambda waiting: leave(number, waiting), registration.procedure)

    # ---- for functions that take a session

    def ask(
        self,
        kind: type[Message],
        *elements: Any,
        timeout: float | None = None,
    ) -> Any:
        """Send a request and wait for its answer, which is returned as a message.

        kind: a class of `wamplite.core.messages`; its first element, the id, is added.
        timeout: seconds; None: that of the session.

        Raises what an ERROR stands for, CallTimeout, TransportLost, UsageError.
        """
        return self._asking.ask_any(kind, elements, timeout)

    def checked_options(self, kind: type[Message], options: Options) -> dict[str, Any]:
        """Return options as they can be sent with a request of this kind.

        Raises UsageError for what they are not, ApplicationError where the router does not announce
        the feature of one.
        """
        return self._asking.wishes(kind, options).asked

    def spawn(self, job: Callable[[], Any]) -> bool:
        """Run a job on a thread of those that serve calls; False if none is free.

        What it raises is logged. `leave` waits for it as for a handler.
        """
        return self._serving.pool.submit(job)

    def drain(self, timeout: float = 10.0) -> bool:
        """Wait until the events that have arrived so far are handled; False when time is up.

        timeout: seconds. A handler of an event must not: it would wait for itself.
        """
        return self._serving.events.drain(timeout)

    # ---- the end

    def leave(self, reason: str = uris.CLOSE_REALM, *, timeout: float = LEAVE) -> None:
        """Say GOODBYE and end the session; does nothing once it has ended.

        Waits for the router and for handlers that are running, `timeout` seconds in all.
        """
        if self._shared.owner:
            return
        deadline = time.monotonic() + timeout
        self._shared.leave(reason, timeout)
        self._serving.join(max(0.0, deadline - time.monotonic()))

    def settle(self, seconds: float, waits: Callable[[], None]) -> None:
        """Wait for the handlers of a session that was lost, where the next one must: `Component`.

        Handlers of events, and of calls that are served one by one, have so long to return; those
        of other calls go on, and nobody gets their answers. waits: called where one has not yet.
        """
        self._shared.leave(seconds=0.0)
        self._serving.settle(seconds, waits)

    def run_forever(self) -> None:
        """Serve until SIGINT, SIGTERM or the loss of the session; leaves politely, and returns.

        Raises what `error` tells when the session was lost. Signals are the main thread's: in
        another one it only waits for the end.
        """
        self._shared.check_process()
        until_signal(self._shared.on_end, self.lost)
        self.leave()
        if self.error is not None:
            raise type(self.error)(*self.error.args)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
