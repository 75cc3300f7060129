"""A session that blocks: call, publish, subscribe, register, and it cannot hang.

Threads (see `wire`, `events`, `pool`): the caller's own, one that reads, one that handles events,
and a pool that serves invocations. All are daemons: a program that forgets to leave still ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

from ..core import uris
from ..core.errors import ApplicationError
from ..core.messages import Call, Publish, Register, Subscribe
from ..signals import until_signal
from .checks import check_request, check_uri, in_order
from .facts import Facts
from .handlers import plan, result_of
from .handles import Registration, Subscription
from .options import Options, Wishes, apart, told_timeout
from .pipeline import Published, publish_all
from .progress import Part, results
from .results import Event, Invocation, Result
from .serving import Serving, positional, value_of
from .unannounced import tell_ineffective
from .waiter import Waiter
from .wire import Wire

Function = TypeVar("Function", bound=Callable[..., Any])
LEAVE = 5.0  # seconds for a polite end


class Session(Facts):
    """A joined session; `wamplite.connect()` and `Router.connect()` return it.

    In a forked child it cannot be used, and leaving it there does nothing.
    """

    def __init__(self, wire: Wire, serving: Serving, realm: str, timeout: float | None) -> None:
        self._wire = wire
        self._serving = serving
        self._timeout = timeout
        self._default = serving.default
        self.realm = realm
        self.lost = wire.lost  # set when the session has ended, for whatever reason

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
            return value_of(self._call(procedure, list(args), kwargs, options))
        return self._last(procedure, [(list(args), kwargs)], options, on_progress)

    def call_progressive(
        self, procedure: str, /, *args: Any, options: Options = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Call a procedure and give its partial results as they come, the last one last.

        A last result without a value is not given. The timeout is for each. Whoever does not go on
        to the end, and closes the iterator or drops it, cancels the call.
        """
        for result in self._results(procedure, [(list(args), kwargs)], options):
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
        return self._last(procedure, map(result_of, parts), options, on_progress)

    def _last(
        self,
        procedure: str,
        parts: Iterable[Part],
        options: Options,
        on_progress: Callable[[Any], object] | None,
    ) -> Any:
        value: Any = None
        for result in self._results(procedure, parts, options, on_progress is not None):
            value = value_of(result)
            if on_progress is not None and result.details.get("progress"):
                on_progress(value)
        return value

    def _results(
        self, procedure: str, parts: Iterable[Part], options: Options, progress: bool = True
    ) -> Iterator[Any]:
        wire, timeout = self._call_options(options)
        if progress:
            wire = {**wire, "receive_progress": True}
            tell_ineffective(self._wire, Call, wire)
        try:
            yield from results(self._wire, procedure, parts, wire, timeout, self._default)
        except ApplicationError as error:
            raise self._serving.defined.named(error, f"CALL of {procedure}")  # noqa: B904 - it has its cause

    def call_result(
        self,
        procedure: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        options: Options = None,
    ) -> Result:
        """Call a procedure and wait for its whole Result."""
        result = self._call(procedure, list(args), dict(kwargs or {}), options)
        return Result(positional(result.args), result.kwargs, result.details)

    def _call(
        self, procedure: str, args: list[Any], kwargs: dict[str, Any], options: Options
    ) -> Any:
        wire, timeout = self._call_options(options)
        args, kwargs = check_request("CALL", procedure, args, kwargs, self._default)
        waiter = Waiter(procedure)
        try:
            return self._wire.ask(timeout, Call, waiter, wire, procedure, args, kwargs)
        except ApplicationError as error:
            raise self._serving.defined.named(error, f"CALL of {procedure}")  # noqa: B904 - it has its cause

    def _call_options(self, options: Options) -> tuple[dict[str, Any], float | None]:
        """Return CALL.Options and the seconds to wait."""
        if not options:
            return {}, self._timeout
        wishes = apart(Call, options, self._timeout)
        tell_ineffective(self._wire, Call, wishes.wire)
        if self._wire.announced("dealer", "call_timeout"):
            return told_timeout(wishes, options), wishes.timeout
        return wishes.wire, wishes.timeout

    def publish(
        self, topic: str, /, *args: Any, options: Options = None, **kwargs: Any
    ) -> int | None:
        """Publish an event. With the option `acknowledge` it waits, and returns the publication.

        `options` is never a keyword argument of the event: `publish_args` takes one of that name.
        """
        return self._publish(topic, list(args), kwargs, options)

    def publish_args(
        self,
        topic: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        options: Options = None,
    ) -> int | None:
        """Publish an event whose keyword arguments may have any name; else as `publish`."""
        return self._publish(topic, list(args), dict(kwargs or {}), options)

    def _publish(
        self, topic: str, args: list[Any], kwargs: dict[str, Any], options: Options
    ) -> int | None:
        wishes = apart(Publish, options, self._timeout)
        args, kwargs = check_request("PUBLISH", topic, args, kwargs, self._default)
        if wishes.wire:
            tell_ineffective(self._wire, Publish, wishes.wire)
        if not wishes.wire.get("acknowledge"):
            self._wire.tell(Publish, wishes.wire, topic, args, kwargs)
            return None
        answer = self._ask(wishes, Publish, Waiter(topic), topic, args, kwargs)
        publication: int = answer.publication
        return publication

    def publish_all(
        self,
        events: Iterable[tuple[str, Iterable[Any], Mapping[str, Any], Options]],
        *,
        timeout: float | None = None,
    ) -> list[Published]:
        """Publish events in order, then wait for all acknowledgements; tell of each what came.

        Nothing is raised for one that failed: the others go out. timeout: seconds for the answers
        in all; None: until they have come, or the session is lost.
        """
        return publish_all(self._wire, events, timeout, self._default)

    def _ask(self, wishes: Wishes, kind: Any, waiter: Waiter, *elements: Any) -> Any:
        try:
            return self._wire.ask(wishes.timeout, kind, waiter, wishes.wire, *elements)
        except ApplicationError as error:
            request = f"{kind.__name__.upper()} of {waiter.subject}"
            raise self._serving.defined.named(error, request)  # noqa: B904 - it has its cause

    def define(self, exception: type[BaseException], error: str) -> None:
        """Let an exception class and an error URI stand for each other, in both directions.

        A procedure that raises it sends its `args`, and its `kwargs` where it has a dict of that
        name. A caller gets `exception(*args, **kwargs)`, or `exception(*args)`; where its class
        takes neither, the ApplicationError itself, which is its `__cause__` otherwise.
        """
        self._serving.defined.add(exception, error)

    # ---- subscriptions

    @overload
    def subscribe(
        self, topic: str, handler: Callable[..., Any], *, options: Options = None
    ) -> Subscription: ...
    @overload
    def subscribe(
        self, topic: Callable[..., Any], handler: str, *, options: Options = None
    ) -> Subscription: ...
    @overload
    def subscribe(
        self, topic: str, handler: None = None, *, options: Options = None
    ) -> Callable[[Function], Function]: ...
    def subscribe(self, topic: Any, handler: Any = None, *, options: Options = None) -> Any:
        """Let a handler have a topic's events; without a handler, a decorator.

        `subscribe(handler, topic)` works too.
        """
        topic, handler = in_order(topic, handler)
        if handler is None:
            return self._decorator(self.subscribe, topic, options)
        wishes = apart(Subscribe, options, self._timeout)
        match = wishes.wire.get("match", "exact")
        check_uri("SUBSCRIBE", topic, match)
        subscription = Subscription(self, topic, plan(handler, Event), wishes)
        tell_ineffective(self._wire, Subscribe, wishes.wire)
        answer = self._ask(wishes, Subscribe, Waiter(topic, subscription, match), topic)
        subscription.id = answer.subscription
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Give a subscription up; the same as `subscription.unsubscribe()`."""
        subscription.active = False
        leave = self._wire.conversation.unsubscribe
        number = subscription.id
        self._wire.ask_if(
            self._timeout, lambda waiter: leave(number, subscription, waiter), subscription.topic
        )

    # ---- registrations

    @overload
    def register(
        self, procedure: str, handler: Callable[..., Any], *, options: Options = None
    ) -> Registration: ...
    @overload
    def register(
        self, procedure: Callable[..., Any], handler: str, *, options: Options = None
    ) -> Registration: ...
    @overload
    def register(
        self, procedure: str, handler: None = None, *, options: Options = None
    ) -> Callable[[Function], Function]: ...
    def register(self, procedure: Any, handler: Any = None, *, options: Options = None) -> Any:
        """Let a handler serve a procedure; without a handler, a decorator.

        `register(handler, procedure)` works too.
        """
        procedure, handler = in_order(procedure, handler)
        if handler is None:
            return self._decorator(self.register, procedure, options)
        wishes = apart(Register, options, self._timeout)
        check_uri("REGISTER", procedure, wishes.wire.get("match", "exact"))
        in_turn = self._serving.in_turn(wishes.concurrent)
        registration = Registration(self, procedure, plan(handler, Invocation), in_turn)
        tell_ineffective(self._wire, Register, wishes.wire)
        answer = self._ask(wishes, Register, Waiter(procedure, registration), procedure)
        registration.id = answer.registration
        return registration

    def unregister(self, registration: Registration) -> None:
        """Give a registration up; the same as `registration.unregister()`."""
        registration.active = False
        leave = self._wire.conversation.unregister
        number = registration.id
        self._wire.ask_if(
            self._timeout, lambda waiter: leave(number, waiter), registration.procedure
        )

    def _decorator(self, verb: Any, uri: str, options: Options) -> Callable[[Function], Function]:
        def decorate(function: Function) -> Function:
            verb(uri, function, options=options)
            return function

        return decorate

    # ---- the end

    def leave(self, reason: str = uris.CLOSE_REALM, *, timeout: float = LEAVE) -> None:
        """Say GOODBYE and end the session; does nothing once it has ended.

        Waits for the router and for handlers that are running, `timeout` seconds in all.
        """
        if self._wire.owner:
            return
        deadline = time.monotonic() + timeout
        self._wire.leave(reason, timeout)
        self._serving.join(max(0.0, deadline - time.monotonic()))

    def run_forever(self) -> None:
        """Serve until SIGINT, SIGTERM or the loss of the session; leaves politely, and returns.

        Raises what `error` tells when the session was lost. Signals are the main thread's: in
        another one it waits for the end alone.
        """
        self._wire.check_process()
        until_signal(self._wire.on_end, self.lost)
        self.leave()
        if self.error is not None:
            raise type(self.error)(*self.error.args)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
