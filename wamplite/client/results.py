"""What the verbs return and what handlers are given, beyond plain arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from .running import Running
from .workers import OneByOne


class Result:
    """A result of any number of values: `call_result` returns it, a procedure may return it.

    `return Result([1, 2], {"unit": "C"})`. details: of the RESULT; where a procedure returns it,
    its `ppt_scheme` and the like tell how it is packed on its way.
    """

    __slots__ = ("args", "kwargs", "details")

    def __init__(
        self,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.args = list(args)
        self.kwargs = dict(kwargs or {})
        self.details = details if details is not None else {}

    def __repr__(self) -> str:
        return f"Result({self.args!r}, {self.kwargs!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return (self.args, self.kwargs) == (other.args, other.kwargs)

    __hash__ = None  # type: ignore[assignment]  # it holds lists


class Event(NamedTuple):
    """An event, whole: for a handler with a parameter annotated `Event`."""

    topic: str
    args: list[Any]
    kwargs: dict[str, Any]
    details: dict[str, Any]
    publication: int
    subscription: int


class Invocation(NamedTuple):
    """A call to serve, whole: for a handler with a parameter annotated `Invocation`."""

    procedure: str
    args: list[Any]
    kwargs: dict[str, Any]
    details: dict[str, Any]
    request: int
    registration: int
    running: Running | None = None  # None: it is not being served

    @property
    def canceled(self) -> bool:
        """Whether the caller has canceled the call, or left: nobody waits for the answer."""
        return self.running is not None and self.running.canceled

    def check(self) -> None:
        """Raise Canceled where the call was canceled; in a loop it ends what takes long."""
        if self.running is not None:
            self.running.check()

    def wait(self, seconds: float | None = None) -> bool:
        """Sleep, and wake up at once when the call is canceled: then it returns True."""
        return self.running is not None and self.running.wait(seconds)

    @property
    def wants_progress(self) -> bool:
        """Whether the caller asked for partial results."""
        return self.running is not None and self.running.wants_progress

    def progress(self, *args: Any, **kwargs: Any) -> None:
        """Send a partial result, if the caller wants such. Raises Canceled."""
        if self.running is not None:
            self.running.progress(list(args), kwargs, {})

    def parts(self) -> Iterator[Result]:
        """Give the arguments of a call that sends them in parts, as they come. Raises Canceled."""
        if self.running is None:
            yield Result(self.args, self.kwargs, self.details)
            return
        for part in self.running.parts():
            yield Result(*self.running.payload_of(part), part.details)


class HandleOwner(Protocol):
    """The session that a subscription or registration is of."""

    def unsubscribe(self, subscription: Subscription) -> None:
        """Give a subscription up."""

    def unregister(self, registration: Registration) -> None:
        """Give a registration up."""


class Subscription:
    """A handler's subscription to a topic; `active` until `unsubscribe()`."""

    def __init__(
        self,
        session: HandleOwner,
        topic: str,
        run: Callable[[Event], Any],
        handler_name: str,
        concurrent: bool,
    ) -> None:
        self.session = session
        self.topic = topic
        self.id = 0  # of the router; equal for all subscriptions of a session to the same topic
        self.active = True
        self.run = run  # calls the handler
        self.handler_name = handler_name  # for logs
        self.concurrent = concurrent

    def unsubscribe(self) -> None:
        """Get no more events; the handler is not started again once this has returned."""
        self.session.unsubscribe(self)

    def __repr__(self) -> str:
        return f"<Subscription {self.id} {self.topic}>"


class Registration:
    """A procedure that is served; `active` until `unregister()`."""

    def __init__(
        self,
        session: HandleOwner,
        procedure: str,
        run: Callable[[Invocation], Any],
        handler_name: str,
        in_turn: OneByOne | None,
    ) -> None:
        self.session = session
        self.procedure = procedure
        self.id = 0  # of the router
        self.active = True
        self.run = run  # calls the handler
        self.handler_name = handler_name  # for logs
        self.in_turn = in_turn  # where its calls wait for each other; None: they do not

    def unregister(self) -> None:
        """Get no more calls; those that have arrived are still served."""
        self.session.unregister(self)

    def __repr__(self) -> str:
        return f"<Registration {self.id} {self.procedure}>"
