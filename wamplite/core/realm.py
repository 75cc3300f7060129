"""A realm: one table of handlers; members join, speak and leave (RFC "Sessions").

Whoever holds the realm's routing role calls `handle` for one entry after the other; nothing here is
locked. A request that is Refused is answered with ERROR; a ProtocolError ends the member with
ABORT, its subscriptions and registrations at once, as "Protocol Errors" demands. A member ends
exactly once; what is posted to it after its last words is ignored.
Moments, each `(member, record, message)`: `joined` with WELCOME, `left` with the entry that ended
it (None: the router did), `refused` with the Refused and the message that it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from . import uris
from .broker import Broker
from .dealer import Dealer
from .errors import ProtocolError
from .feature import (
    Factory,
    Floor,
    Handler,
    Handlers,
    Observer,
    Refused,
    announced,
    furnish,
    lacking,
    notify,
    notify_each,
)
from .grammar import REQUESTS, misplaced
from .ids import following
from .members import MANY, Bounds, Dismissed, Identity, Join, Lost, Member, Violation
from .messages import (
    CODES,
    Abort,
    Call,
    Cancel,
    Error,
    Goodbye,
    Publish,
    Register,
    Subscribe,
    Welcome,
    Yield,
    name_of,
)
from .options import refuse_lacking
from .own_calls import OwnCalls, Then
from .unfit import Unfit
from .words import shorten


class Clock(Protocol):
    """The time, as a realm's features see it."""

    def now(self) -> float:
        """Return the seconds since 1970."""

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        """Run a function with the realm's routing role in so many seconds; returns a cancel."""


class Realm:
    """The sessions that can reach each other, their broker and their dealer.

    It is whole before the features are made and installed, each for this realm only.
    """

    closing = False  # nobody may join any more

    def __init__(
        self,
        uri: str,
        *,
        clock: Clock,
        features: Iterable[Factory] = (),
        strict: bool = False,
        about: Mapping[str, Any] | None = None,
        max_subscriptions: int = 1024,
        max_registrations: int = 1024,
        max_calls: int = 1024,
        max_in_realm: int = MANY,
    ) -> None:
        self.uri = uri
        self.bounds = Bounds(max_subscriptions, max_registrations, max_calls, max_in_realm)
        self.about = dict(about or {})  # what WELCOME tells besides; keys of our own begin with "_"
        self.now, self.later = clock.now, clock.later
        self.members: dict[int, Member] = {}
        self.joined: list[Observer] = []
        self.left: list[Observer] = []
        self.refused: list[Observer] = []
        # Who may be told that there is something with a URI, or a pattern and its policy
        self.may_know: list[Callable[[Member, str, str], bool]] = []
        # Whether somebody, who need not be here, may do something with a URI
        self.may_act: list[Callable[[Identity, str, str], bool]] = []
        # What a procedure of the router's own will do in its caller's name: a request and its URI
        self.implied: dict[str, Callable[[Call], tuple[type, str] | None]] = {}
        self.given_up = 0  # records that sessions held which have ended
        self.unread = _not_announced  # a feature may let payloads pass through unread
        self.broker = Broker(self.bounds, self._unread)
        self.dealer = Dealer(self.bounds, self._unread)
        self.procedures = self.dealer.procedures
        self._own = OwnCalls(self.handle, self.dealer, clock.later)
        self.handlers = Handlers(
            {
                Join: self.on_join,
                Goodbye: self.on_goodbye,
                Abort: self.on_gone,
                Lost: self.on_gone,
                Violation: self.on_violation,
                Unfit: self.on_unfit,
                **self.broker.handlers(),
                **self.dealer.handlers(),
            }
        )
        self.strict = self._is_watching = False  # whether ids are kept to, and looked at at all
        self.take_strict(strict)
        self.features = furnish(self, features)
        self.roles = announced((self.broker.role, self.dealer.role), self.features)
        self._refuse_options()

    def take_bounds(self, bounds: Bounds) -> None:
        """Have other bounds from now on; what is there already stays."""
        self.bounds = self.broker.bounds = self.dealer.bounds = bounds

    def take_strict(self, strict: bool) -> None:
        """Have request ids begin at 1 and step by 1 from now on, or not.

        Of who has joined already the next request begins the sequence.
        """
        if strict and not self._is_watching:
            self._is_watching = True
            for kind in (*REQUESTS, Unfit):
                self.handlers.wrap(kind, self._in_sequence, Floor.IDS)
            self.refused.append(self._count_refused)
        for member in self.members.values():
            member.last_request = None
        self.strict = strict

    def handle(self, member: Member, entry: Any, handler: Handler | None = None) -> None:
        """Handle one message, or Join, Unfit, Violation or Lost, of a member that is open.

        handler: where a parked request goes on; None: where its type begins.
        """
        if handler is None:
            handler = self.handlers.get(type(entry), _misplaced)
        try:
            handler(member, entry)
        except Refused as refused:
            self.refuse(member, entry, refused)
        except ProtocolError as error:
            self.on_violation(member, Violation(str(error)))

    def call(
        self,
        procedure: str,
        then: Then,
        args: list[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        *,
        seconds: float = 30.0,
    ) -> None:
        """Call a procedure in the router's name; `then` gets RESULT or ERROR, once.

        It runs with the routing role, later than this returns, after `seconds` with ERROR
        `wamp.error.timeout`. No session is seen as the caller.
        """
        self._own.call(procedure, then, args, kwargs, seconds)

    def refuse(self, member: Member, entry: Any, refused: Refused) -> None:
        """Answer a request with ERROR, but for a PUBLISH that wants no acknowledgement.

        Nothing else is answered so: a session that may not join gets ABORT, and what is no request
        (CANCEL, YIELD, ERROR) is dropped.
        """
        request: Any = entry.message if type(entry) is Unfit else entry
        if type(request) is Join:
            self.abort(member, refused.error, str(refused.args[0]) if refused.args else "")
        if type(request) not in REQUESTS:
            return
        parts, is_call = self.dealer.continuation, type(request) is Call
        is_late = is_call and parts is not None and parts.is_late(member, request)
        notify(self.refused, member, refused, request)
        if is_late or (type(request) is Publish and not request.options.get("acknowledge")):
            return
        args, kwargs = list(refused.args) or None, refused.kwargs or None
        error = Error(CODES[type(request)], request.request, {}, refused.error, args, kwargs)
        pending = member.calls.get(request.request) if is_call else None
        if pending is not None:  # it was a further part of this call, which has one answer
            self.dealer.interrupt(pending, "killnowait")
            self.dealer.settle(pending, error)
            return
        if not member.post(error):
            member.post(error._replace(args=None, kwargs=None))

    def on_join(self, member: Member, join: Join) -> None:
        """Let a member in and say WELCOME, before anything else can be posted to it."""
        if self.closing:
            return self.abort(member, uris.SYSTEM_SHUTDOWN, "the router is shutting down")
        self.members[member.session] = member
        identity = member.identity._asdict()
        if identity["authextra"] is None:
            del identity["authextra"]
        ours = {"realm": self.uri, "roles": self.roles, "agent": "wamplite"}
        welcome = Welcome(member.session, {**ours, **identity, **self.about})
        if not member.post(welcome):
            text = "WELCOME is larger than the messages you take"
            return self.abort(member, uris.PAYLOAD_SIZE_EXCEEDED, text)
        return notify(self.joined, member, welcome, join)

    def on_goodbye(self, member: Member, goodbye: Goodbye) -> None:
        """Answer GOODBYE with GOODBYE; what the member still sends is dropped.

        Its Reason is for people: the member leaves, whether that is a URI or not.
        """
        self._part(member, uris.GOODBYE_AND_OUT, {}, goodbye)

    def on_gone(self, member: Member, entry: Abort | Lost) -> None:
        """Clean up after a member that said ABORT or just went away; neither is answered."""
        if self.remove(member, entry):
            member.end()

    def on_violation(self, member: Member, violation: Violation) -> None:
        """Punish a protocol violation: ABORT, and nothing further from that peer."""
        self.abort(member, uris.PROTOCOL_VIOLATION, violation.text, violation)

    def on_unfit(self, member: Member, entry: Unfit) -> None:
        """Let what cannot be carried on fail alone: a request, or a callee's answer."""
        message: Any = entry.message
        if type(message) in REQUESTS:
            raise Refused(uris.INVALID_ARGUMENT, entry.text)
        if type(message) not in (Yield, Error):
            _misplaced(member, message)
        self.dealer.on_unfit(member, message, entry.text)

    def abort(self, member: Member, reason: str, text: str, entry: Any = None) -> None:
        """End a member with ABORT."""
        post = member.post
        if self.remove(member, entry):
            member.parting = entry or Dismissed(reason)
            post(Abort({"message": shorten(text)}, reason))
            member.end()

    def dismiss(
        self, member: Member, reason: str, message: str = "", *, quietly: bool = False
    ) -> None:
        """End a member with GOODBYE; its transport may carry another session.

        quietly: nobody is to be told of it.
        """
        details = {"message": shorten(message)} if message else {}
        self._part(member, reason, details, Dismissed(reason, quietly))

    def dismiss_all(self, reason: str = uris.SYSTEM_SHUTDOWN) -> None:
        """Shut the realm: GOODBYE to every member, and nobody may join any more."""
        self.closing = True
        members = list(self.members.values())
        for member in members:  # first: GOODBYE answers their calls, no callee is to blame
            self.dealer.abandon(member)
        for member in members:
            self.dismiss(member, reason)

    def remove(self, member: Member, entry: Any = None) -> bool:
        """Take a member out of the realm with all that it holds; False if it has ended before.

        From here on what is posted to it is ignored.
        """
        if not member.silence():
            return False
        member.parting = entry
        if self.members.get(member.session) is member:  # it may not have joined
            del self.members[member.session]
            try:
                if held := member.held:
                    self.given_up += held
                    self._give_up(member)
            finally:
                notify_each(self.left, member, entry)
        return True

    def _give_up(self, member: Member) -> None:
        """Take a member out of all records."""
        try:
            self.broker.leave(member)  # first: no event of all this is for it
        finally:
            self.dealer.leave(member)

    def _part(self, member: Member, reason: str, details: dict[str, Any], entry: Any) -> None:
        post = member.post
        if self.remove(member, entry):
            post(Goodbye(details, reason))
            if self.closing:
                member.end()
            else:
                member.release()

    def _refuse_options(self) -> None:
        """Have each option refused whose feature is not installed."""
        broker, dealer = self.broker, self.dealer
        installed = {feature.name for feature in self.features}
        refuse_lacking(Publish, broker.publish_options, installed)
        refuse_lacking(Subscribe, broker.subscribe_options, installed)
        refuse_lacking(Register, dealer.register_options, installed)
        refuse_lacking(Call, dealer.call_options, installed)
        refuse_lacking(Call, dealer.own_options, installed)
        refuse_lacking(Yield, dealer.yield_options, installed)
        refuse_lacking(Error, dealer.error_options, installed)

    def _unread(self, member: Member, message: Any) -> Any:
        """Return a message whose payload is no list with it as the one argument, as all take it."""
        self.unread(member, message)
        return message._replace(args=[message.args])

    def _in_sequence(self, inner: Handler, member: Member, entry: Any) -> None:
        """Strict: request ids start at 1 and step by 1 (RFC "IDs", session scope)."""
        message: Any = entry.message if type(entry) is Unfit else entry
        if not self.strict or type(message) not in REQUESTS:
            return inner(member, entry)
        if type(message) is Call and not self.dealer.is_new(member, message):
            return inner(member, entry)
        last = member.last_request
        expected = message.request if last is None else following(last)
        if message.request != expected:
            raise ProtocolError(
                f"{name_of(message)}: Request must be {expected}, not {message.request}"
            )
        member.last_request = expected
        return inner(member, entry)

    def _count_refused(self, member: Member, refused: Refused, request: Any) -> None:
        """Strict: what was refused above the floor of ids has its place in their sequence, too."""
        last = member.last_request
        if last is None or request.request == following(last):
            member.last_request = request.request


def _misplaced(member: Member, entry: Any) -> None:
    if type(entry) is Cancel:
        raise ProtocolError(f"CANCEL: {lacking('call_canceling')}")
    raise misplaced(entry, "client")


def _not_announced(member: Member, message: Any) -> None:
    name = name_of(message)
    raise ProtocolError(f"{name}: a payload that is no list: {lacking('payload_passthru_mode')}")
