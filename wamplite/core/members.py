"""A session as its realm sees it, what may arrive from it besides messages, and what it holds.

A Member is made by whoever owns the connection, joins by `Join`, and ends exactly once: by GOODBYE,
ABORT, `Violation`, `Lost` or by being dismissed. After that `open` is False, what still arrives
from it is dropped, and what is posted to it is ignored. Posting never calls back into the realm: a
peer that cannot keep up ends by a `Lost` that arrives like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .books import Writer
from .messages import Message
from .options import announced_features

Post = Callable[[Message], bool]


class Join(NamedTuple):
    """The handshake succeeded: the member enters the realm and is sent WELCOME."""


class Violation(NamedTuple):
    """The peer broke WAMP, or sent what cannot be decoded."""

    text: str


class Lost(NamedTuple):
    """The transport ended without GOODBYE."""

    text: str


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
        "invocations",
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
        self.open = True
        self.last_request = 0  # of the member's own requests; kept by a strict realm
        self.last_invocation = 0  # ids up to this one were issued to the member
        self.subscriptions: dict[int, Subscription] = {}
        self.registrations: dict[int, Registration] = {}
        self.calls: set[Pending] = set()  # in flight, as caller
        self.asked: dict[Member, int] = {}  # callee -> how many of those it has to answer
        self.invocations: dict[int, Pending] = {}  # in flight, as callee, by INVOCATION.Request

    def announced(self, role: str, feature: str) -> bool:
        """Tell whether the peer announced `feature` for one of its roles in HELLO."""
        return feature in announced_features(self.roles, role)

    def __repr__(self) -> str:
        return f"session {self.session}"


@dataclass(slots=True, eq=False)
class Subscription:
    """A topic or pattern somebody listens to: made by its first subscriber, ended with the last."""

    id: int
    uri: str
    match: str
    writers: list[Writer]
    subscribers: dict[Member, Post] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Registration:
    """A procedure or pattern somebody serves: made by REGISTER, ended with its callee."""

    id: int
    uri: str
    match: str
    callee: Member
    writers: list[Writer]


@dataclass(slots=True, eq=False)
class Pending:
    """One call between CALL and its answer: drafted by `on_call`, ended by `settle`."""

    caller: Member
    request: int  # CALL.Request
    procedure: str
    registration: Registration
    callee: Member
    invocation: int  # INVOCATION.Request
    details: dict[str, Any] = field(default_factory=dict)  # of the INVOCATION
