"""A realm: one table of handlers; members join, speak and leave (RFC "Sessions").

Whoever holds the realm's routing role calls `handle` for one entry after the other; nothing here is
locked. A `Refused` is answered with ERROR; a ProtocolError ends the member with ABORT, its
subscriptions and registrations at once, as "Protocol Errors" demands. A member ends exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from . import uris
from .broker import MANY, Broker
from .dealer import Dealer
from .errors import ProtocolError
from .feature import Feature, Refused, announced, in_order, shorten, wrap
from .ids import following
from .members import Join, Lost, Member, Violation
from .messages import CODES, NAMES, Abort, Error, Goodbye, Publish, Welcome
from .unfit import REQUESTS, Unfit

Handler = Callable[[Member, Any], None]
Later = Callable[[float, Callable[[], None]], Callable[[], None]]


class Realm:
    """The sessions that can reach each other, their broker and their dealer."""

    def __init__(
        self,
        uri: str,
        *,
        features: Iterable[Feature] = (),
        strict: bool = False,
        later: Later | None = None,
        about: Mapping[str, Any] | None = None,
        max_subscriptions: int = 1024,
        max_registrations: int = 1024,
        max_calls: int = 1024,
        max_in_realm: int = MANY,
    ) -> None:
        self.uri = uri
        self.members: dict[int, Member] = {}
        self.joined: list[Callable[[Member], None]] = []
        self.left: list[Callable[[Member], None]] = []
        self.refused: list[Callable[[Member, Any, Refused], None]] = []
        self.about = dict(about or {})  # what WELCOME tells besides; keys of our own begin with "_"
        self.later = later  # run a function in so many seconds, through the inbox; returns a cancel
        self.closing = False
        self.broker = Broker(max_subscriptions, max_in_realm)
        self.dealer = Dealer(max_registrations, max_calls, max_in_realm)
        self.handlers: dict[type, Handler] = {
            Join: self.on_join,
            Goodbye: self.on_goodbye,
            Abort: self.on_gone,
            Lost: self.on_gone,
            Violation: self.on_violation,
            Unfit: self.on_unfit,
        }
        self.handlers.update(self.broker.handlers)
        self.handlers.update(self.dealer.handlers)
        self.features = in_order(features)
        for feature in self.features:
            feature.install(self)
        if strict:
            self._enforce_sequence()

    @property
    def roles(self) -> dict[str, Any]:
        """The role dictionaries of WELCOME."""
        return announced((self.broker.role, self.dealer.role), self.features)

    def handle(self, member: Member, entry: Any) -> None:
        """Handle one message, or Join, Unfit, Violation or Lost, of a member that is open."""
        handler = self.handlers.get(type(entry))
        try:
            if handler is None:
                raise ProtocolError(f"{NAMES[CODES[type(entry)]]} must not come from a client")
            handler(member, entry)
        except Refused as refused:
            self.refuse(member, entry, refused)
        except ProtocolError as error:
            self.on_violation(member, Violation(str(error)))

    def refuse(self, member: Member, request: Any, refused: Refused) -> None:
        """Answer a request with ERROR, but for a PUBLISH that wants no acknowledgement."""
        for told in self.refused:
            told(member, request, refused)
        if type(request) is Publish and not request.options.get("acknowledge"):
            return
        args, kwargs = list(refused.args) or None, refused.kwargs or None
        error = Error(CODES[type(request)], request.request, {}, refused.error, args, kwargs)
        if not member.post(error):
            member.post(error._replace(args=None, kwargs=None))

    def on_join(self, member: Member, _: Join) -> None:
        """Let a member in and say WELCOME, before anything else can be posted to it."""
        if self.closing:
            self.abort(member, uris.SYSTEM_SHUTDOWN, "the router is shutting down")
            return
        self.members[member.session] = member
        identity = member.identity._asdict()
        if identity["authextra"] is None:
            del identity["authextra"]
        details = {
            "realm": self.uri,
            "roles": self.roles,
            "agent": "wamplite",
            **identity,
            **self.about,
        }
        if not member.post(Welcome(member.session, details)):
            text = "WELCOME is larger than the messages you take"
            self.abort(member, uris.PAYLOAD_SIZE_EXCEEDED, text)
            return
        for told in self.joined:
            told(member)

    def on_goodbye(self, member: Member, _: Goodbye) -> None:
        """Answer GOODBYE with GOODBYE; what the member still sends is dropped.

        Its Reason is for people: the member leaves, whether that is a URI or not.
        """
        self.dismiss(member, uris.GOODBYE_AND_OUT)

    def on_gone(self, member: Member, _: Abort | Lost) -> None:
        """Clean up after a member that said ABORT or just went away; neither is answered."""
        if self.remove(member):
            member.end()

    def on_violation(self, member: Member, violation: Violation) -> None:
        """Punish a protocol violation: ABORT, and nothing further from that peer."""
        self.abort(member, uris.PROTOCOL_VIOLATION, violation.text)

    def on_unfit(self, member: Member, entry: Unfit) -> None:
        """Let what cannot be carried on fail alone: a request, or a callee's answer."""
        message: Any = entry.message
        if type(message) in REQUESTS:
            self.refuse(member, message, Refused(uris.INVALID_ARGUMENT, entry.text))
        elif type(message) in self.dealer.handlers:
            self.dealer.on_unfit(member, message, entry.text)
        else:
            raise ProtocolError(f"{NAMES[CODES[type(message)]]} must not come from a client")

    def abort(self, member: Member, reason: str, text: str) -> None:
        """End a member with ABORT."""
        if self.remove(member):
            member.post(Abort({"message": shorten(text)}, reason))
            member.end()

    def dismiss(self, member: Member, reason: str) -> None:
        """End a member with GOODBYE; its transport may carry another session."""
        if self.remove(member):
            member.post(Goodbye({}, reason))
            if self.closing:
                member.end()
            else:
                member.release()

    def dismiss_all(self) -> None:
        """Shut the realm: GOODBYE to every member, and nobody may join any more."""
        self.closing = True
        for member in list(self.members.values()):
            self.dismiss(member, uris.SYSTEM_SHUTDOWN)

    def remove(self, member: Member) -> bool:
        """Take a member out of the realm with all that it holds; False if it has ended before."""
        if not member.open:
            return False
        member.open = False
        if self.members.get(member.session) is member:  # it may not have joined
            del self.members[member.session]
            with ExitStack() as leaving:  # all of these, the last one first, whatever one raises
                for told in reversed(self.left):
                    leaving.callback(told, member)
                leaving.callback(self.broker.leave, member)
                leaving.callback(self.dealer.leave, member)
        return True

    def _enforce_sequence(self) -> None:
        """Strict: request ids start at 1 and step by 1 (RFC "IDs", session scope)."""
        for kind in (*REQUESTS, Unfit):
            wrap(self.handlers, kind, _in_sequence)


def _in_sequence(inner: Handler, member: Member, entry: Any) -> None:
    message: Any = entry.message if type(entry) is Unfit else entry
    if type(message) not in REQUESTS:
        return inner(member, entry)
    expected = following(member.last_request)
    if message.request != expected:
        raise ProtocolError(
            f"{NAMES[CODES[type(message)]]}: Request must be {expected}, not {message.request}"
        )
    member.last_request = expected
    inner(member, entry)
