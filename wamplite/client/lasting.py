"""What a component serves in every session: the handles that its register and subscribe return.

wanted ── ask(session) ──> granted, until that session ends ── ask(next session) ──> ...
   └───── give_up() ─────> neither in this session nor in a later one
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Container
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar

from ..core.errors import ApplicationError, SessionNotReady, TransportLost
from ..core.messages import Message, Publish, Register, Subscribe
from ..locks import Lock
from .faults import log
from .handlers import Defined, plan
from .options import Options, apart
from .results import Event, Invocation, Registration, Subscription
from .session import Session
from .testaments import bequeath
from .through import ThroughSession
from .values import check_uri
from .verbs import Function, Serves

Joined = Callable[[Session], Any]
Granted = TypeVar("Granted", Registration, Subscription)


class Lasting(ABC, Generic[Granted]):
    """A registration or subscription to make in every session, until it is given up."""

    verb: ClassVar[str]
    kind: ClassVar[type[Message]]
    given: ClassVar[type[Event] | type[Invocation]]

    def __init__(
        self,
        uri: str,
        handler: Callable[..., Any],
        options: Options,
        forget: Callable[[Any], None] | None,
        answers: Container[type] = (),
    ) -> None:
        asked = apart(self.kind, options, None).asked
        check_uri(self.kind.__name__.upper(), uri, asked.get("match") or "exact")
        plan(handler, self.given, answers)  # UsageError now, not at the first session
        self.uri = uri
        self._handler = handler
        self._options = options
        self._forget = forget  # takes it off the component's list; None: it never was on it
        self._lock = Lock()  # guards the next two
        self._wanted = True
        self._granted: Granted | None = None  # of the session that was asked last

    @property
    def active(self) -> bool:
        """Whether it is made in sessions to come."""
        return self._wanted

    def ask(self, session: Session) -> None:
        """Ask a session for it; raises what the session does."""
        if not self._wanted:
            return
        granted = self.request(session)
        with self._lock:
            wanted = self._wanted
            self._granted = granted if wanted else None
        if not wanted:  # it was given up meanwhile
            self.revoke(granted)

    def give_up(self) -> None:
        """Want it no longer; in the session there is, it ends at once."""
        with self._lock:
            self._wanted = False
            granted, self._granted = self._granted, None
        if self._forget is not None:
            self._forget(self)
        if granted is not None:
            with suppress(TransportLost, SessionNotReady):  # then it has ended with its session
                self.revoke(granted)

    @abstractmethod
    def request(self, session: Session) -> Granted:
        """Make it in a session."""

    @abstractmethod
    def revoke(self, granted: Granted) -> None:
        """End it in its session."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uri}{'' if self._wanted else ', given up'}>"


class LastingRegistration(Lasting[Registration]):
    """A procedure that a component serves in every session, until `unregister()`."""

    verb, kind, given = "register", Register, Invocation

    def unregister(self) -> None:
        """Serve it no longer, neither now nor in later sessions."""
        self.give_up()

    def request(self, session: Session) -> Registration:
        return session.register(self.uri, self._handler, options=self._options)

    def revoke(self, granted: Registration) -> None:
        granted.unregister()


class LastingSubscription(Lasting[Subscription]):
    """A topic that a component handles in every session, until `unsubscribe()`."""

    verb, kind, given = "subscribe", Subscribe, Event

    def unsubscribe(self) -> None:
        """Get no more of its events, neither now nor in later sessions."""
        self.give_up()

    def request(self, session: Session) -> Subscription:
        return session.subscribe(self.uri, self._handler, options=self._options)

    def revoke(self, granted: Subscription) -> None:
        granted.unsubscribe()


class LastingTestament:
    """An event that the router publishes whenever a session of a component ends."""

    def __init__(
        self, topic: str, args: Any, kwargs: dict[str, Any], options: Options, scope: str
    ) -> None:
        self._topic = topic
        self._event = (topic, list(args), kwargs, options, scope)
        self._lock = Lock()  # guards the next one
        self._left_in = 0  # the id of the session that was asked last

    def __call__(self, session: Session) -> None:
        """Leave it in a session, once."""
        with self._lock:
            was_left, self._left_in = self._left_in == session.id, session.id
        if was_left:
            return
        try:
            bequeath(session, *self._event)
        except ApplicationError as error:
            log("WARNING", f"{session}: no testament for {self._topic}: {error}")


Wish = TypeVar("Wish", LastingRegistration, LastingSubscription)


class LastingVerbs(ThroughSession, Serves[LastingRegistration, LastingSubscription]):
    """What is served in every session: declared before there is one, or in the middle of one."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._wishes: list[Lasting[Any]] = []
        self._answers: Container[type] = ()  # what procedures may return beyond values
        self._thread: threading.Thread | None = None  # the one that joins
        self._defined = Defined()
        self._on_join: list[Joined] = []
        self._on_leave: list[Joined] = []

    def _register(
        self, procedure: str, handler: Callable[..., Any], options: Options
    ) -> LastingRegistration:
        return self._last(
            LastingRegistration(procedure, handler, options, self._forget, self._answers)
        )

    def _subscribe(
        self, topic: str, handler: Callable[..., Any], options: Options
    ) -> LastingSubscription:
        return self._last(LastingSubscription(topic, handler, options, self._forget))

    def _last(self, wish: Wish) -> Wish:
        self.check_process()
        with self._changed:
            session = self.session
            if threading.current_thread() is not self._thread:  # on_join will ask again by itself
                self._wishes.append(wish)
        if session is not None:
            try:
                with suppress(TransportLost, SessionNotReady):  # the next session will have it
                    wish.ask(session)
            except BaseException:
                self._forget(wish)
                raise
        return wish

    def _forget(self, wish: Lasting[Any]) -> None:
        with self._changed, suppress(ValueError):
            self._wishes.remove(wish)

    def define(self, exception: type[BaseException], error: str) -> None:
        """Let a class and a URI stand for each other in every session, as `Session.define` does."""
        self._defined.add(exception, error)
        if (session := self.session) is not None:
            session.define(exception, error)

    def on_join(self, function: Function) -> Function:
        """Call `function(session)` once in each session, after what it serves has been restored.

        What it raises is logged, and the session left; the component joins anew.
        """
        self._on_join.append(function)
        return function

    def testament(
        self,
        topic: str,
        /,
        *args: Any,
        options: Options = None,
        scope: str = "destroyed",
        **kwargs: Any,
    ) -> None:
        """Have the router publish an event whenever a session of ours ends, however it ends.

        See `Session.testament`. The current session has it at once. A router that refuses it, or
        has no testaments, is told of in the log.
        """
        self.check_process()
        check_uri("PUBLISH", topic)
        apart(Publish, options, None)  # UsageError now, not at the first session
        testament = LastingTestament(topic, args, kwargs, options, scope)
        if threading.current_thread() is not self._thread:  # on_join will ask again by itself
            self._on_join.append(testament)
        if (session := self.session) is not None:
            with suppress(TransportLost, SessionNotReady):  # the next session will have it
                testament(session)

    def on_leave(self, function: Function) -> Function:
        """Call `function(session)` after the end of each session that on_join has been told of.

        `session.error` tells why it has ended. What the function raises is logged.
        """
        self._on_leave.append(function)
        return function
