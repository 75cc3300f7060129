"""The 25 messages of WAMP as typed tuples, in the order of the specification (RFC "Messages").

A message is built whole and never changed. What it must look like stands in `grammar.py`; how an
array becomes a message, in `parsing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Args = Any  # list[Any] | None; bytes or str where the payload passes through unread
Kwargs = dict[str, Any] | None
Details = dict[str, Any]  # or Options
Dict = dict[str, Any]


class Hello(NamedTuple):
    realm: str
    details: Dict


class Welcome(NamedTuple):
    session: int
    details: Dict


class Abort(NamedTuple):
    details: Dict
    reason: str
    args: Args = None
    kwargs: Kwargs = None


class Challenge(NamedTuple):
    authmethod: str
    extra: Dict


class Authenticate(NamedTuple):
    signature: str
    extra: Dict


class Goodbye(NamedTuple):
    details: Dict
    reason: str


class Error(NamedTuple):
    request_type: int
    request: int
    details: Dict
    error: str
    args: Args = None
    kwargs: Kwargs = None


class Publish(NamedTuple):
    request: int
    options: Dict
    topic: str
    args: Args = None
    kwargs: Kwargs = None


class Published(NamedTuple):
    request: int
    publication: int


class Subscribe(NamedTuple):
    request: int
    options: Dict
    topic: str


class Subscribed(NamedTuple):
    request: int
    subscription: int


class Unsubscribe(NamedTuple):
    request: int
    subscription: int


class Unsubscribed(NamedTuple):
    request: int
    details: Dict | None = None  # only in a revocation, whose request is 0


class Event(NamedTuple):
    subscription: int
    publication: int
    details: Dict
    args: Args = None
    kwargs: Kwargs = None


class Call(NamedTuple):
    request: int
    options: Dict
    procedure: str
    args: Args = None
    kwargs: Kwargs = None


class Cancel(NamedTuple):
    request: int
    options: Dict


class Result(NamedTuple):
    request: int
    details: Dict
    args: Args = None
    kwargs: Kwargs = None


class Register(NamedTuple):
    request: int
    options: Dict
    procedure: str


class Registered(NamedTuple):
    request: int
    registration: int


class Unregister(NamedTuple):
    request: int
    registration: int


class Unregistered(NamedTuple):
    request: int
    details: Dict | None = None  # only in a revocation, whose request is 0


class Invocation(NamedTuple):
    request: int
    registration: int
    details: Dict
    args: Args = None
    kwargs: Kwargs = None


class Interrupt(NamedTuple):
    request: int
    options: Dict


class Yield(NamedTuple):
    request: int
    options: Dict
    args: Args = None
    kwargs: Kwargs = None


class EventReceived(NamedTuple):
    publication: int


Message = (
    Hello | Welcome | Abort | Challenge | Authenticate | Goodbye | Error
    | Publish | Published | Subscribe | Subscribed | Unsubscribe | Unsubscribed | Event
    | Call | Cancel | Result | Register | Registered | Unregister | Unregistered
    | Invocation | Interrupt | Yield | EventReceived
)  # fmt: skip

CODES: dict[type[Message], int] = {
    Hello: 1, Welcome: 2, Abort: 3, Challenge: 4, Authenticate: 5, Goodbye: 6, Error: 8,
    Publish: 16, Published: 17,
    Subscribe: 32, Subscribed: 33, Unsubscribe: 34, Unsubscribed: 35, Event: 36,
    Call: 48, Cancel: 49, Result: 50,
    Register: 64, Registered: 65, Unregister: 66, Unregistered: 67,
    Invocation: 68, Interrupt: 69, Yield: 70,
    EventReceived: 337,
}  # fmt: skip
NAMES: dict[int, str] = {code: kind.__name__.upper() for kind, code in CODES.items()}
NAMES[CODES[EventReceived]] = "EVENT_RECEIVED"

# Builds a message of all its elements in half the time of its constructor (150 ns for 300): for
# `parse`, and for what goes out with each call and event.
build: Callable[[Any, Iterable[Any]], Any] = tuple.__new__


def name(kind: type[Message]) -> str:
    """Return the specification's name of a message type."""
    return NAMES[CODES[kind]]


def name_of(message: Message) -> str:
    """Return the specification's name of a message's type."""
    return name(type(message))
