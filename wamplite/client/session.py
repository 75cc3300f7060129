"""A session that blocks: call, publish, subscribe, register, and it cannot hang.

Threads (see `wire`, `events`, `pool`): the caller's own, one that reads, one that handles events,
and a pool that serves invocations. All are daemons: a program that forgets to leave still ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, overload

from .. import __version__
from .. import features as by_name
from ..channel import AnyChannel
from ..core import uris
from ..core.errors import ApplicationError, WampliteError
from ..core.joining import Joiner
from ..core.messages import Call, Publish, Register, Subscribe
from ..forks import OfOneProcess
from ..signals import until_signal
from .checks import check_request, check_uri, in_order
from .handlers import plan
from .handles import Registration, Subscription
from .options import Options, Wishes, apart, checked_timeout, told_timeout
from .pipeline import Published, publish_all
from .results import Event, Invocation, Result
from .serving import Serving, positional
from .terms import Terms
from .unannounced import tell_ineffective
from .waiter import Waiter
from .wire import Wire

Function = TypeVar("Function", bound=Callable[..., Any])
LEAVE = 5.0  # seconds for a polite end


class Session(OfOneProcess):
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

    @classmethod
    def over(cls, channel: AnyChannel, terms: Terms, deadline: float) -> Session:
        """Join a realm over a channel that is connected, before a `time.monotonic()`."""
        try:
            wait = None if terms.timeout is None else checked_timeout(terms.timeout)
            serving = Serving(terms.max_invocations, terms.default, terms.concurrent)
            features = by_name.for_client(terms.features)
            wire = Wire(channel, serving.deliver, serving.serve, features, terms.ping_interval)
            joiner = Joiner(
                terms.realm,
                wire.conversation.roles,
                authmethods=terms.authmethods,
                authid=terms.authid,
                authrole=terms.authrole,
                authextra=terms.authextra,
                agent=f"wamplite-{__version__}",
            )
        except BaseException:
            channel.shutdown("the session was not joined")
            channel.close()
            raise
        wire.on_end.append(serving.end)
        wire.join(joiner, deadline, serving.begin)
        return cls(wire, serving, wire.conversation.details.get("realm", terms.realm), wait)

    # ---- who we are

    @property
    def id(self) -> int:
        """The session's id."""
        return self._wire.conversation.session

    @property
    def details(self) -> dict[str, Any]:
        """WELCOME.Details, as the router sent them."""
        return self._wire.conversation.details

    @property
    def authid(self) -> str | None:
        """Who the router says we are."""
        return self.details.get("authid")

    @property
    def authrole(self) -> str | None:
        """The role the router gave us."""
        return self.details.get("authrole")

    @property
    def authmethod(self) -> str | None:
        """How the router made sure."""
        return self.details.get("authmethod")

    @property
    def error(self) -> WampliteError | None:
        """Why the session was lost; None while it lives, and when we left."""
        return self._wire.error

    @property
    def in_handler(self) -> bool:
        """Whether the current thread runs a handler of this session."""
        return threading.current_thread() in self._serving.threads()

    def __repr__(self) -> str:
        ended = ", ended" if self.lost.is_set() else ""
        return f"<Session {self.id} in {self.realm}{ended}>"

    # ---- calls and publications

    def call(self, procedure: str, /, *args: Any, options: Options = None, **kwargs: Any) -> Any:
        """Call a procedure and wait for its result.

        Returns None for no result, the value for one, else a Result. `options` is never a keyword
        argument of the call: `call_result` takes one of that name.
        """
        result = self._call(procedure, list(args), kwargs, options)
        values = result.args
        if result.kwargs or (values and (len(values) != 1 or type(values) is not list)):
            return Result(positional(values), result.kwargs, result.details)
        return values[0] if values else None

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
        wire: dict[str, Any] = {}
        timeout = self._timeout
        if options:
            wishes = apart(Call, options, timeout)
            wire, timeout = wishes.wire, wishes.timeout
            tell_ineffective(self._wire, Call, wire)
            if self._wire.announced("dealer", "call_timeout"):
                wire = told_timeout(wishes, options)
        args, kwargs = check_request("CALL", procedure, args, kwargs, self._default)
        waiter = Waiter(procedure)
        try:
            return self._wire.ask(timeout, Call, waiter, wire, procedure, args, kwargs)
        except ApplicationError as error:
            raise self._serving.defined.named(error, f"CALL of {procedure}")  # noqa: B904 - it has its cause

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
