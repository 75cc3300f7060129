"""What broker and dealer keep of SUBSCRIBE, PUBLISH, REGISTER and CALL.

Each record is drafted by its request, goes through the options, and is stored as it is: what an
option noted on it is there as long as the record. A request that is refused stores nothing, so its
draft is forgotten with all that was noted on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .feature import Observer
from .members import Member, Post

Writer = Callable[[Any], dict[str, Any]]  # what to tell in each INVOCATION or EVENT of a record


class Record:
    """Something that features may note what they will need on, each by its own name."""

    __slots__ = ("_notes",)
    _notes: dict[str, Any]

    @property
    def notes(self) -> dict[str, Any]:
        """What features have noted; made when it is first asked for."""
        try:
            return self._notes
        except AttributeError:
            self._notes = {}
            return self._notes


@dataclass(slots=True, eq=False)
class Subscription(Record):
    """A topic or pattern somebody listens to: made by its first subscriber, ended with the last."""

    uri: str
    match: str
    writers: list[Writer]  # fn(publication)
    id: int = 0  # until it is stored
    subscribers: dict[Member, Subscriber] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Subscriber(Record):
    """The part that one session has in a subscription: from SUBSCRIBE to UNSUBSCRIBE or its end."""

    member: Member
    subscription: Subscription
    post: Post


@dataclass(slots=True, eq=False)
class Publication(Record):
    """One PUBLISH on its way: options write here whom it reaches and what its EVENTs tell."""

    publisher: Member | None  # None: the router
    topic: str
    id: int
    excluded: set[Member]
    filters: list[Callable[[Member], bool]]
    details: dict[str, Any]
    holds: int = 0  # how many have yet to store it before it is acknowledged; see Broker.release
    ends: list[Observer] | None = None  # called as `published` is, for this one only


@dataclass(slots=True, eq=False)
class Registration(Record):
    """A procedure or pattern somebody serves: made by its first callee, ended with the last."""

    uri: str
    match: str
    invoke: str  # the policy that chooses of several callees
    id: int = 0  # until it is stored
    callees: dict[Member, Callee] = field(default_factory=dict)
    only: Callee | None = None  # where there is no choice: the one callee, if it is not busy


@dataclass(slots=True, eq=False)
class Callee(Record):
    """The part that one session has in a registration: from REGISTER to UNREGISTER or its end."""

    member: Member
    registration: Registration
    writers: list[Writer]  # fn(call): what each INVOCATION tells
    busy: bool = False  # it takes no call now; set by Dealer.set_busy


@dataclass(slots=True, eq=False)
class PendingCall(Record):
    """One call between CALL and its answer: drafted by `on_call`, ended by `settle`.

    What an option wants to begin with the call, and to end with it, it writes into `begins` and
    `ends`: `fn(call)`, and `fn(call, answer)` with None where the caller has left.
    """

    caller: Member
    request: int  # CALL.Request
    procedure: str
    callee: Callee  # the one that it is drafted for, or was sent to
    options: dict[str, Any]  # CALL.Options
    details: dict[str, Any]  # INVOCATION.Details
    invocation: int = 0  # INVOCATION.Request; 0 while it waits for a callee
    interrupted: bool = False  # its callee was sent INTERRUPT
    begins: list[Callable[[PendingCall], None]] | None = None
    ends: list[Callable[[PendingCall, Any], None]] | None = None


@dataclass(slots=True, eq=False)
class Answer:
    """What a YIELD or ERROR brings: options write here what the caller is told.

    `final` is False where more will follow, as of progressive results; `told` is False where this
    one is not for the caller.
    """

    call: PendingCall
    details: dict[str, Any] = field(default_factory=dict)
    final: bool = True
    told: bool = True
