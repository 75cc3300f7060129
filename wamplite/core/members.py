"""A session as its realm sees it, what may arrive from it besides messages, and what it holds.

A Member is made by whoever owns the connection, joins by `Join`, and ends exactly once: by GOODBYE,
ABORT, `Violation`, `Lost` or by being dismissed. After that `open` is False, what still arrives
from it is dropped, and what is posted to it is ignored. Posting never calls back into the realm: a
peer that cannot keep up ends by a `Lost` that arrives like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import uris
from .feature import Refused
from .grammar import announces
from .messages import Message

Post = Callable[[Message], bool]
MANY = 2**53  # no bound: nobody can hold so many


class Bounds(NamedTuple):
    """How much a session may hold, and a realm."""

    subscriptions: int = 1024
    registrations: int = 1024
    calls: int = 1024  # in flight, as caller and as callee
    in_realm: int = MANY  # of all sessions: subscriptions, registrations, calls


class Join(NamedTuple):
    """The handshake succeeded: the member enters the realm and is sent WELCOME."""


class Violation(NamedTuple):
    """The peer broke WAMP, or sent what cannot be decoded."""

    text: str


class Lost(NamedTuple):
    """The transport ended without GOODBYE."""

    text: str


class Dismissed(NamedTuple):
    """The router has ended the session; `quietly`: it is nothing to tell of."""

    reason: str
    quietly: bool = False


class Identity(NamedTuple):
    """Who somebody is, as the authentication found out; a wish in HELLO is never a fact."""

    authid: str
    authrole: str
    authmethod: str
    authprovider: str
    authextra: dict[str, Any] | None = None


class Member:
    """One session in a realm.

    post: queue a message; False if it is above what the peer announced to take (nothing is queued).
    post_droppable: the same for an event that may be dropped, oldest first, when the peer is slow.
    end: finish the connection once all that was posted has been written.
    release: the same, but another session may follow over it; where there is none, `end`.
    """

    __slots__ = (
        "session", "identity", "roles", "post", "post_droppable", "end", "release", "open",
        "last_request", "last_invocation", "subscriptions", "registrations", "calls", "asked",
        "invocations", "facts", "agent", "parting",
    )  # fmt: skip

    def __init__(
        self,
        session: int,
        identity: Identity,
        roles: dict[str, Any],
        post: Post,
        post_droppable: Post,
        end: Callable[[], None],
        release: Callable[[], None] | None = None,
    ) -> None:
        self.session = session
        self.identity = identity
        self.roles = roles  # as announced in HELLO
        self.post = post
        self.post_droppable = post_droppable
        self.end = end
        self.release = release or end
        self.facts: Callable[[], dict[str, Any]] = dict  # returns `transport`
        self.agent = ""  # what the peer calls itself in HELLO
        self.open = True
        self.parting: Any = None  # what ended it: an entry as of the moment `left`
        # Of the member's own requests, kept by a strict realm; None: whatever comes next begins
        self.last_request: int | None = 0
        self.last_invocation = 0  # ids up to this one were issued to the member
        # The records of broker and dealer, see records.py
        self.subscriptions: dict[int, Any] = {}  # Subscriber by the subscription's id
        self.registrations: dict[int, Any] = {}  # Callee by the registration's id
        self.calls: dict[int, Any] = {}  # PendingCall by CALL.Request: in flight, as caller
        self.asked: dict[Member, int] = {}  # callee -> how many of those it has to answer
        self.invocations: dict[int, Any] = {}  # PendingCall by INVOCATION.Request, as callee

    def disclosed(self, role: str) -> dict[str, Any]:
        """Return who this is, as Details tell of a `caller` or a `publisher`."""
        identity = self.identity
        names = {f"{role}_authid": identity.authid, f"{role}_authrole": identity.authrole}
        return {role: self.session, **names}

    def announced(self, role: str, feature: str) -> bool:
        """Tell whether the peer announced `feature` for one of its roles in HELLO."""
        return announces(self.roles, role, feature)

    @property
    def transport(self) -> dict[str, Any]:
        """What may be told of what carries the session."""
        return self.facts()

    @property
    def held(self) -> int:
        """How many records of broker and dealer the session has a part in."""
        kept = (self.subscriptions, self.registrations, self.calls, self.invocations)
        return sum(map(len, kept))

    def silence(self) -> bool:
        """Ignore what is posted from now on: the session has ended. False if it had before."""
        was_open, self.open = self.open, False
        self.post = self.post_droppable = _ignored
        return was_open

    def __repr__(self) -> str:
        return f"session {self.session}"


def check_room(what: str, held: int, most: int, who: str = "a session") -> None:
    """Refuse one more of what `who` holds, once it holds the most that it may."""
    if held >= most:
        raise Refused(uris.LIMIT_REACHED, f"{who} may hold {most} {what}")


def _ignored(message: Message) -> bool:
    """Take a message for a session that has ended."""
    return True
