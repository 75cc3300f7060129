"""The messages of WAMP as typed tuples, in the order of the specification, and the one table that checks them.

`parse` turns an array into a message or raises ProtocolError naming the offending element or key;
`to_array` is its inverse. GRAMMAR below is the law (RFC "Messages"): for each code the class, its
elements with their kinds, and the typed keys of its Options or Details. Unknown keys are ignored;
a known key of the wrong type is a protocol error. What a key *means* belongs to who handles it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import options as known
from .errors import ProtocolError
from .ids import MAX_ID
from .options import Keys

Args = Any  # list[Any] | None; bytes or str under payload passthru
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
    Hello | Welcome | Abort | Challenge | Authenticate | Goodbye | Error | Publish | Published
    | Subscribe | Subscribed | Unsubscribe | Unsubscribed | Event | Call | Cancel | Result | Register
    | Registered | Unregister | Unregistered | Invocation | Interrupt | Yield | EventReceived
)  # fmt: skip

# ---- the elements: name -> kind


class Shape(NamedTuple):
    """One message: its class, its elements in order, the typed keys of its dict, how it may end."""

    message: type[Message]
    elements: dict[str, str]
    keys: Keys = {}
    ends: str = ""  # "payload": + Arguments, ArgumentsKw; "revocation": request may be 0, + a dict


GRAMMAR: dict[int, Shape] = {
    1: Shape(Hello, {"Realm": "uri", "Details": "dict"},
             known.IDENTITY | {"roles": known.CLIENT_ROLES, "authmethods": known.STRS}),
    2: Shape(Welcome, {"Session": "id", "Details": "dict"},
             known.IDENTITY | {"roles": known.ROUTER_ROLES, "authmethod": known.STR, "authprovider": known.STR, "realm": known.STR}),
    3: Shape(Abort, {"Details": "dict", "Reason": "uri"}, {"message": known.STR}, "payload"),
    4: Shape(Challenge, {"AuthMethod": "string", "Extra": "dict"}),
    5: Shape(Authenticate, {"Signature": "string", "Extra": "dict"}),
    6: Shape(Goodbye, {"Details": "dict", "Reason": "uri"}, {"message": known.STR}),
    8: Shape(Error, {"REQUEST.Type": "code", "REQUEST.Request": "id", "Details": "dict", "Error": "uri"},
             known.PAYLOAD, "payload"),
    16: Shape(Publish, {"Request": "id", "Options": "dict", "Topic": "uri"}, known.PUBLISH_OPTIONS, "payload"),
    17: Shape(Published, {"PUBLISH.Request": "id", "Publication": "id"}),
    32: Shape(Subscribe, {"Request": "id", "Options": "dict", "Topic": "uri"}, known.SUBSCRIBE_OPTIONS),
    33: Shape(Subscribed, {"SUBSCRIBE.Request": "id", "Subscription": "id"}),
    34: Shape(Unsubscribe, {"Request": "id", "SUBSCRIBED.Subscription": "id"}),
    35: Shape(Unsubscribed, {"UNSUBSCRIBE.Request": "id"}, {"subscription": known.ID, "reason": known.STR}, "revocation"),
    36: Shape(Event, {"SUBSCRIBED.Subscription": "id", "PUBLISHED.Publication": "id", "Details": "dict"},
              known.EVENT_DETAILS, "payload"),
    48: Shape(Call, {"Request": "id", "Options": "dict", "Procedure": "uri"}, known.CALL_OPTIONS, "payload"),
    49: Shape(Cancel, {"CALL.Request": "id", "Options": "dict"}, known.MODE),
    50: Shape(Result, {"CALL.Request": "id", "Details": "dict"}, known.PAYLOAD | {"progress": known.BOOL}, "payload"),
    64: Shape(Register, {"Request": "id", "Options": "dict", "Procedure": "uri"}, known.REGISTER_OPTIONS),
    65: Shape(Registered, {"REGISTER.Request": "id", "Registration": "id"}),
    66: Shape(Unregister, {"Request": "id", "REGISTERED.Registration": "id"}),
    67: Shape(Unregistered, {"UNREGISTER.Request": "id"}, {"registration": known.ID, "reason": known.STR}, "revocation"),
    68: Shape(Invocation, {"Request": "id", "REGISTERED.Registration": "id", "Details": "dict"},
              known.INVOCATION_DETAILS, "payload"),
    69: Shape(Interrupt, {"INVOCATION.Request": "id", "Options": "dict"}, known.MODE),
    70: Shape(Yield, {"INVOCATION.Request": "id", "Options": "dict"}, known.PAYLOAD | {"progress": known.BOOL}, "payload"),
    337: Shape(EventReceived, {"EVENT.Publication": "id"}),
}  # fmt: skip
CODES: dict[type[Message], int] = {shape.message: code for code, shape in GRAMMAR.items()}
NAMES: dict[int, str] = {
    code: "EVENT_RECEIVED" if code == 337 else shape.message.__name__.upper()
    for code, shape in GRAMMAR.items()
}
REQUESTS = frozenset({16, 32, 34, 48, 64, 66, 68})  # what an ERROR may answer
REQUIRED = {1: "roles", 2: "roles"}
_TYPES: dict[str, type] = {"id": int, "code": int, "uri": str, "string": str, "dict": dict}


class _Fast(NamedTuple):
    """A Shape as `parse` asks it: all from one look-up by the tuple of an array's element types."""

    message: type[Message]
    ids: tuple[int, ...]  # where ids stand
    details: int  # where the dict with typed keys stands; 0: none
    keys: Keys


def _compiled(shape: Shape) -> list[tuple[tuple[type, ...], _Fast]]:
    kinds = list(shape.elements.values())
    ids = tuple(at for at, kind in enumerate(kinds, 1) if kind == "id")
    details = kinds.index("dict") + 1 if shape.keys and "dict" in kinds else 0
    types = (int, *(_TYPES[kind] for kind in kinds))
    tails: list[tuple[type, ...]] = [()]
    if shape.ends == "payload":
        tails += [(list,), (list, dict)]
    return [(types + tail, _Fast(shape.message, ids, details, shape.keys)) for tail in tails]


_FAST: dict[int, dict[tuple[type, ...], _Fast]] = {
    code: dict(_compiled(shape)) for code, shape in GRAMMAR.items()
}
_FIXED = {shape.message: (code, 1 + len(shape.elements)) for code, shape in GRAMMAR.items()}
_NONE: dict[tuple[type, ...], _Fast] = {}


def parse(array: Any) -> Message:
    """Check a decoded array against the grammar and return its message.

    Raises ProtocolError whose text names the offending element or key.
    """
    if type(array) is not list or not array or type(array[0]) is not int:
        raise ProtocolError(
            f"a message must be a list that starts with its code, not {_show(array)}"
        )
    fast = _FAST.get(array[0], _NONE).get(tuple(map(type, array)))
    if fast is None:
        return _parse_rare(array)
    for at in fast.ids:
        if not 0 < array[at] <= MAX_ID:
            return _parse_rare(array)
    if fast.details and (array[fast.details] or array[0] in REQUIRED):
        _check_keys(array[0], array[fast.details], fast.keys)
    if array[0] == 8 and array[1] not in REQUESTS:
        raise ProtocolError(
            f"ERROR: REQUEST.Type must be one of {sorted(REQUESTS)}, not {array[1]}"
        )
    return fast.message(*array[1:])


def to_array(message: Message) -> list[Any]:
    """Return the array that stands for `message` on the wire; an empty payload is left out."""
    code, fixed = _FIXED[type(message)]
    array = [code, *message]
    while len(array) > fixed and not array[-1]:
        del array[-1]
    if len(array) > fixed and array[-2] is None:
        array[-2] = []
    return array


def _check_keys(code: int, details: Dict, keys: Keys) -> None:
    required = REQUIRED.get(code)
    if required and required not in details:
        raise ProtocolError(
            f"{NAMES[code]}: {required} is missing; it must be {keys[required].wanted}"
        )
    for key, value in details.items():
        typed = keys.get(key)
        if typed and not typed.fits(value):
            raise ProtocolError(f"{NAMES[code]}: {key} must be {typed.wanted}, not {_show(value)}")


def _parse_rare(array: list[Any]) -> Message:
    """Take the shapes that are legal but rare, and say what is wrong with all others."""
    code = array[0]
    shape = GRAMMAR.get(code)
    if shape is None:
        raise ProtocolError(f"{_show(code)} is not the code of a message")
    name, count = NAMES[code], len(shape.elements)
    rest = array[1 + count :]
    most = {"payload": 2, "revocation": 1}.get(shape.ends, 0)
    if len(array) <= count or len(rest) > most:
        wanted = f"{count + 1} to {count + 1 + most}" if most else str(count + 1)
        raise ProtocolError(f"{name} must have {wanted} elements, not {len(array)}")
    revokes = shape.ends == "revocation" and array[1:2] == [0] and len(rest) == 1
    for (element, kind), value in zip(shape.elements.items(), array[1:], strict=False):
        if not revokes:
            _check_element(name, element, kind, value)
    if revokes:
        _check_element(name, "Details", "dict", rest[0])
        _check_keys(code, rest[0], shape.keys)
    elif shape.ends == "payload":
        _check_payload(name, shape, array, rest)
    elif rest:
        raise ProtocolError(f"{name} has a {count + 2}. element only where its request is 0")
    return shape.message(*array[1:])


def _check_element(name: str, element: str, kind: str, value: Any) -> None:
    if type(value) is not _TYPES[kind]:
        raise ProtocolError(f"{name}: {element} must be a {kind}, not {_show(value)}")
    if kind == "id" and not 0 < value <= MAX_ID:
        raise ProtocolError(f"{name}: {element} must be an id from 1 to 2**53, not {_show(value)}")


def _check_payload(name: str, shape: Shape, array: list[Any], rest: list[Any]) -> None:
    """Arguments is a list, or one binary where the payload passes through unread."""
    details = array[list(shape.elements.values()).index("dict") + 1]
    _check_keys(array[0], details, shape.keys)
    passed = "enc_algo" in details or "ppt_scheme" in details
    if type(rest[0]) is not list and not (
        passed and type(rest[0]) in (bytes, str) and len(rest) == 1
    ):
        raise ProtocolError(f"{name}: Arguments must be a list, not {_show(rest[0])}")
    if len(rest) == 2 and type(rest[1]) is not dict:
        raise ProtocolError(f"{name}: ArgumentsKw must be a dict, not {_show(rest[1])}")


def _show(value: Any) -> str:
    if isinstance(value, (list, dict, bytes)):
        return f"a {type(value).__name__} of {len(value)}"
    text = (
        repr(value) if not isinstance(value, int) or value.bit_length() < 256 else "a huge integer"
    )
    return text if len(text) <= 60 else text[:57] + "..."
