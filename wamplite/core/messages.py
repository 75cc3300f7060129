"""The messages of WAMP as typed tuples, in the order of the specification, and the table of them.

GRAMMAR is the law (RFC "Messages"): for each code the class, its elements as the specification
writes them, and the typed keys of its Options or Details. `parse` turns an array into a message or
raises ProtocolError naming the offending element or key (`shapes.py` finds the words); `to_array`
is its inverse. Unknown keys are ignored; what a key *means* belongs to who handles the message.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import options as known
from .errors import ProtocolError
from .ids import MAX_ID
from .options import Keys
from .shapes import (
    NO_KEYS,
    PAYLOAD,
    REVOCATION,
    TYPES,
    Shape,
    check_keys,
    check_shape,
    kind_of,
    shape,
    show,
)

Args = Any  # list[Any] | None; bytes or str where the payload passes through unread
Kwargs = dict[str, Any] | None
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

GRAMMAR: dict[int, Shape] = {
    1: shape(Hello, "Realm|uri, Details|dict", known.HELLO_DETAILS, required="roles"),
    2: shape(Welcome, "Session|id, Details|dict", known.WELCOME_DETAILS, required="roles"),
    3: shape(Abort, "Details|dict, Reason|uri", known.REASON, PAYLOAD),
    4: shape(Challenge, "AuthMethod|string, Extra|dict"),
    5: shape(Authenticate, "Signature|string, Extra|dict"),
    6: shape(Goodbye, "Details|dict, Reason|uri", known.REASON),
    8: shape(
        Error,
        "REQUEST.Type|request, REQUEST.Request|id, Details|dict, Error|uri",
        known.PAYLOAD,
        PAYLOAD,
    ),
    16: shape(Publish, "Request|id, Options|dict, Topic|uri", known.PUBLISH_OPTIONS, PAYLOAD),
    17: shape(Published, "PUBLISH.Request|id, Publication|id"),
    32: shape(Subscribe, "Request|id, Options|dict, Topic|uri", known.SUBSCRIBE_OPTIONS),
    33: shape(Subscribed, "SUBSCRIBE.Request|id, Subscription|id"),
    34: shape(Unsubscribe, "Request|id, SUBSCRIBED.Subscription|id"),
    35: shape(Unsubscribed, "UNSUBSCRIBE.Request|id", known.SUBSCRIPTION_LOST, REVOCATION),
    36: shape(
        Event,
        "SUBSCRIBED.Subscription|id, PUBLISHED.Publication|id, Details|dict",
        known.EVENT_DETAILS,
        PAYLOAD,
    ),
    48: shape(Call, "Request|id, Options|dict, Procedure|uri", known.CALL_OPTIONS, PAYLOAD),
    49: shape(Cancel, "CALL.Request|id, Options|dict", known.MODE),
    50: shape(Result, "CALL.Request|id, Details|dict", known.RESULT_DETAILS, PAYLOAD),
    64: shape(Register, "Request|id, Options|dict, Procedure|uri", known.REGISTER_OPTIONS),
    65: shape(Registered, "REGISTER.Request|id, Registration|id"),
    66: shape(Unregister, "Request|id, REGISTERED.Registration|id"),
    67: shape(Unregistered, "UNREGISTER.Request|id", known.REGISTRATION_LOST, REVOCATION),
    68: shape(
        Invocation,
        "Request|id, REGISTERED.Registration|id, Details|dict",
        known.INVOCATION_DETAILS,
        PAYLOAD,
    ),
    69: shape(Interrupt, "INVOCATION.Request|id, Options|dict", known.MODE),
    70: shape(Yield, "INVOCATION.Request|id, Options|dict", known.RESULT_DETAILS, PAYLOAD),
    337: shape(EventReceived, "EVENT.Publication|id"),
}
CODES: dict[type[Message], int] = {shape.message: code for code, shape in GRAMMAR.items()}
NAMES: dict[int, str] = {
    code: "EVENT_RECEIVED" if code == 337 else shape.message.__name__.upper()
    for code, shape in GRAMMAR.items()
}


class _Fast(NamedTuple):
    """A Shape as `parse` asks it: all from one look-up by the types of an array's elements."""

    message: type[Any]
    ids: tuple[int, ...]  # where ids stand
    details: int  # where the dict with typed keys stands
    keys: Keys
    absent: list[None]  # what the array left out


def _compiled(shape: Shape) -> dict[tuple[type, ...], _Fast]:
    kinds = list(shape.elements.values())
    if shape.required or "request" in kinds:
        return {}  # HELLO, WELCOME, ERROR: more is to be asked of them
    ids = tuple(at for at, kind in enumerate(kinds, 1) if kind == "id")
    details = 1 + kinds.index("dict") if "dict" in kinds else 0
    keys = shape.keys if details else NO_KEYS
    types = (int, *(TYPES[kind] for kind in kinds))
    null = type(None)  # as some peers write what is absent
    tails: list[tuple[type, ...]] = [(), (list,), (list, dict)]
    tails += [(null,), (null, dict), (list, null), (null, null)]
    fields = len(shape.message._fields)
    return {
        types + tail: _Fast(
            shape.message, ids, details, keys, [None] * (fields - len(kinds + [*tail]))
        )
        for tail in (tails if shape.ends == PAYLOAD else tails[:1])
    }


_FAST = {code: _compiled(shape) for code, shape in GRAMMAR.items()}
_NONE: dict[tuple[type, ...], _Fast] = {}
_FIXED = {shape.message: (code, shape.ends) for code, shape in GRAMMAR.items()}
build = tuple.__new__  # builds a NamedTuple in a third of the time its own constructor takes


def parse(array: Any) -> Message:
    """Check a decoded array against the grammar and return its message.

    Raises ProtocolError whose text names the offending element or key.
    """
    if type(array) is not list or not array or type(array[0]) is not int:
        raise ProtocolError(
            f"a message must be a list that starts with its code, not {kind_of(array)}"
        )
    fast = _FAST.get(array[0], _NONE).get(tuple(map(type, array)))
    if fast is not None:
        message, ids, details, keys, absent = fast
        for at in ids:
            if not 0 < array[at] <= MAX_ID:
                break
        else:
            if keys and array[details]:
                check_keys(NAMES[array[0]], array[details], keys)
            return build(message, array[1:] + absent)  # type: ignore[no-any-return]
    return _parse_with_care(array)


def _parse_with_care(array: list[Any]) -> Message:
    """Take the shapes that are legal but rare, and say what is wrong with all others."""
    shape = GRAMMAR.get(array[0])
    if shape is None:
        raise ProtocolError(f"{show(array[0])} is not the code of a message")
    check_shape(NAMES[array[0]], shape, array)
    message: Message = shape.message(*array[1:])
    return message


def to_array(message: Message) -> list[Any]:
    """Return the array that stands for `message` on the wire; an empty payload is left out."""
    code, ends = _FIXED[type(message)]
    elements: tuple[Any, ...] = message
    if ends is PAYLOAD:
        if elements[-1]:
            array = [code, *elements]
            if array[-2] is None:
                array[-2] = []
            return array
        return [code, *(elements[:-1] if elements[-2] else elements[:-2])]
    if ends is REVOCATION and not elements[-1]:
        return [code, elements[0]]
    return [code, *elements]
