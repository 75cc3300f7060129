"""The grammar of WAMP: the typed keys of Options and Details, and the table of the messages.

GRAMMAR is the law (RFC "Messages"): for each code the message, which side may send it, the states
of a session in which it counts, its elements as the specification writes them, and the typed keys
of its Options or Details. `parsing.py` holds an array against it.

Of a key only the *type* is grammar; the test vectors demand it of the words of `enc_algo` and of
SUBSCRIBE's `match` as well. A key that is not listed is ignored, as "Extensibility" demands, and
null is read as the key's absence: peers that have no other way to leave something out write it so.
The names with `enc_` and `transaction_hash`, `forward_for` are those of the test vectors;
`concurrency` and `force_reregister` those of Crossbar. What a key *means* belongs to its feature.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from operator import methodcaller
from typing import Any, Literal, NamedTuple

from .errors import ProtocolError
from .ids import MAX_ID
from .messages import (
    CODES,
    Abort,
    Authenticate,
    Call,
    Cancel,
    Challenge,
    Error,
    Event,
    EventReceived,
    Goodbye,
    Hello,
    Interrupt,
    Invocation,
    Message,
    Publish,
    Published,
    Register,
    Registered,
    Result,
    Subscribe,
    Subscribed,
    Unregister,
    Unregistered,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    Yield,
    name_of,
)


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value <= MAX_ID


def _is_list(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is list and all(map(check, value))


def _is_str(value: Any) -> bool:
    return type(value) is str


def _is_forward(hop: Any) -> bool:
    known = {"session": _is_id, "authid": _is_str, "authrole": _is_str}
    return type(hop) is dict and all(
        hop.get(key) is None or ok(hop[key]) for key, ok in known.items()
    )


def _is_encryption(value: Any) -> bool:
    return _is_str(value) and (value in ("cryptobox", "mqtt", "xbr") or value.startswith("x_"))


def _is_match(value: Any) -> bool:
    return _is_str(value) and (value in ("exact", "prefix", "wildcard") or value.startswith("_"))


def announced_features(roles: dict[str, Any], role: str) -> set[str]:
    """Return the features that a peer announced for a role: those that it says are true.

    Some stand beside the others, in the role itself, as the specification has it.
    """
    told = roles.get(role)
    if not told:
        return set()
    says = {**(told.get("features") or {}), **told}  # as `_says` has it
    return {feature for feature, is_there in says.items() if is_there is True}


def announces(roles: dict[str, Any], role: str, feature: str) -> bool:
    """Tell whether a peer announced this one."""
    return _says(roles.get(role) or {}, feature)


def _says(told: dict[str, Any], feature: str) -> bool:
    if feature in told:  # goes before what stands among the features
        return told[feature] is True
    return (told.get("features") or {}).get(feature) is True


_features = methodcaller("get", "features")
_DICT, _DICT_OR_NOTHING = frozenset({dict}), frozenset({dict, type(None)})


def _are_right(allowed: tuple[str, ...], roles: Any) -> bool:
    """Tell whether role dictionaries are right; what nearly all peers say the quick way."""
    return (
        type(roles) is dict
        and _DICT.issuperset(map(type, told := roles.values()))
        and _DICT_OR_NOTHING.issuperset(map(type, map(_features, told)))
        and not roles.keys().isdisjoint(allowed)
    ) or _fault(allowed, roles) is None


def _fault(allowed: tuple[str, ...], roles: Any) -> str | None:
    """Say what is wrong with role dictionaries. What a peer tells of other roles is its own."""
    if type(roles) is not dict:
        return f"a {type(roles).__name__}"
    is_any = False
    for role in allowed:
        entry = roles.get(role)
        if entry is None:
            continue
        is_any = True
        if type(entry) is not dict:
            return f"{role} as a {type(entry).__name__}"
        features = entry.get("features")
        if features is not None and type(features) is not dict:
            return f"the features of {role} as a {type(features).__name__}"
    return None if is_any else "none of these"


class Key(NamedTuple):
    """What the value of a known key must be: in words, and as a check."""

    wanted: str
    fits: Callable[[Any], bool]
    fault: Callable[[Any], str | None] | None = None  # what is wrong with a value that has parts


def _roles(*allowed: str) -> Key:
    return Key(
        f"a dict of role dicts, at least one of {', '.join(allowed)}",
        partial(_are_right, allowed),
        partial(_fault, allowed),
    )


BOOL = Key("a bool", lambda value: type(value) is bool)
STR = Key("a string", _is_str)
DICT = Key("a dict", lambda value: type(value) is dict)
ID = Key("an ID", _is_id)
UINT = Key("an integer of at least 0", lambda value: type(value) is int and value >= 0)
IDS = Key("a list of IDs", _is_list(_is_id))
STRS = Key("a list of strings", _is_list(_is_str))
HOPS = Key("a list of {session, authid, authrole}", _is_list(_is_forward))
MATCH = Key('"exact", "prefix", "wildcard" or "_..."', _is_match)
ENCRYPTION = Key('"cryptobox", "mqtt", "xbr" or "x_..."', _is_encryption)
CLIENT = ("publisher", "subscriber", "caller", "callee")
CLIENT_ROLES = _roles(*CLIENT)
ROUTER_ROLES = _roles("broker", "dealer")

Keys = dict[str, Key]
FORWARD: Keys = {"forward_for": HOPS}
PAYLOAD_KEYS: Keys = (
    FORWARD
    | {key: STR for key in ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")}
    | {"enc_algo": ENCRYPTION, "enc_key": STR, "enc_serializer": STR}
)
RESULT_DETAILS: Keys = PAYLOAD_KEYS | {"progress": BOOL}
IDENTITY: Keys = {"authid": STR, "authrole": STR, "authextra": DICT, "agent": STR}
HELLO_DETAILS: Keys = IDENTITY | {"roles": CLIENT_ROLES, "authmethods": STRS}
WELCOME_DETAILS: Keys = IDENTITY | {
    "roles": ROUTER_ROLES, "authmethod": STR, "authprovider": STR, "realm": STR,
}  # fmt: skip
REASON: Keys = {"message": STR}
SUBSCRIPTION_LOST: Keys = {"subscription": ID, "reason": STR}
REGISTRATION_LOST: Keys = {"registration": ID, "reason": STR}
MODE: Keys = FORWARD | {"mode": STR}
PUBLISH_OPTIONS: Keys = PAYLOAD_KEYS | {
    "acknowledge": BOOL, "exclude_me": BOOL, "disclose_me": BOOL, "retain": BOOL,
    "exclude": IDS, "eligible": IDS,
    "exclude_authid": STRS, "exclude_authrole": STRS,
    "eligible_authid": STRS, "eligible_authrole": STRS,
    "rkey": STR, "transaction_hash": STR,
}  # fmt: skip
EVENT_DETAILS: Keys = PAYLOAD_KEYS | {
    "publisher": ID, "publisher_authid": STR, "publisher_authrole": STR, "topic": STR,
    "retained": BOOL, "trustlevel": UINT, "transaction_hash": STR, "x_acknowledged_delivery": BOOL,
}  # fmt: skip
CALL_OPTIONS: Keys = PAYLOAD_KEYS | {
    "receive_progress": BOOL, "progress": BOOL, "disclose_me": BOOL, "timeout": UINT,
    "rkey": STR, "runmode": STR, "transaction_hash": STR,
}  # fmt: skip
INVOCATION_DETAILS: Keys = PAYLOAD_KEYS | {
    "caller": ID, "caller_authid": STR, "caller_authrole": STR, "procedure": STR,
    "receive_progress": BOOL, "progress": BOOL, "timeout": UINT, "trustlevel": UINT,
    "transaction_hash": STR,
}  # fmt: skip
SUBSCRIBE_OPTIONS: Keys = FORWARD | {
    "match": MATCH, "nkey": STR, "get_retained": BOOL, "transaction_hash": STR,
}  # fmt: skip
REGISTER_OPTIONS: Keys = FORWARD | {
    "match": STR, "invoke": STR, "disclose_caller": BOOL, "forward_timeout": BOOL,
    "concurrency": UINT, "force_reregister": BOOL,
}  # fmt: skip


class State(Enum):
    """The states of a session (RFC "Sessions"), as both of its sides go through them."""

    JOINING = "joining"  # until WELCOME
    OPEN = "open"
    LEAVING = "leaving"  # from our GOODBYE until the peer's
    CLOSED = "closed"


Sender = Literal["client", "router"]
PAYLOAD = "payload"  # Arguments and ArgumentsKw may follow
REVOCATION = "revocation"  # where the request is 0, a dict follows
NO_KEYS: Keys = {}
REQUESTS = (Publish, Subscribe, Unsubscribe, Call, Register, Unregister)  # of a client
ANSWERABLE = frozenset(CODES[kind] for kind in (*REQUESTS, Invocation))  # by an ERROR


class Shape(NamedTuple):
    """One message, as a row of GRAMMAR tells it."""

    message: type[Any]
    senders: frozenset[str]
    states: frozenset[State]  # in which it counts
    elements: dict[str, str]  # name -> kind
    keys: Keys  # the typed ones of its dict
    ends: str
    required: str  # the key that must be there, or ""


def _row(
    message: type[Message],
    senders: str,
    states: str,
    elements: str,
    keys: Keys = NO_KEYS,
    ends: str = "",
    required: str = "",
) -> Shape:
    """Build a Shape from the specification's own notation, `Realm|uri, Details|dict`."""
    pairs = (element.split("|") for element in elements.split(", "))
    return Shape(
        message,
        frozenset(senders.split()),
        frozenset(map(State, states.split())),
        {name: kind for name, kind in pairs},
        keys,
        ends,
        required,
    )


def _table(*rows: Shape) -> dict[int, Shape]:
    return {CODES[row.message]: row for row in rows}


# fmt: off
GRAMMAR = _table(
    _row(Hello, "client", "joining", "Realm|uri, Details|dict", HELLO_DETAILS, required="roles"),
    _row(Welcome, "router", "joining", "Session|id, Details|dict", WELCOME_DETAILS,
         required="roles"),
    _row(Abort, "client router", "joining open leaving", "Details|dict, Reason|uri", REASON,
         PAYLOAD),
    _row(Challenge, "router", "joining", "AuthMethod|string, Extra|dict"),
    _row(Authenticate, "client", "joining", "Signature|string, Extra|dict"),
    _row(Goodbye, "client router", "open leaving", "Details|dict, Reason|uri", REASON),
    _row(Error, "client router", "open",
         "REQUEST.Type|request, REQUEST.Request|id, Details|dict, Error|uri",
         PAYLOAD_KEYS, PAYLOAD),

    _row(Publish, "client", "open", "Request|id, Options|dict, Topic|uri",
         PUBLISH_OPTIONS, PAYLOAD),
    _row(Published, "router", "open", "PUBLISH.Request|id, Publication|id"),
    _row(Subscribe, "client", "open", "Request|id, Options|dict, Topic|uri", SUBSCRIBE_OPTIONS),
    _row(Subscribed, "router", "open", "SUBSCRIBE.Request|id, Subscription|id"),
    _row(Unsubscribe, "client", "open", "Request|id, SUBSCRIBED.Subscription|id"),
    _row(Unsubscribed, "router", "open", "UNSUBSCRIBE.Request|id", SUBSCRIPTION_LOST, REVOCATION),
    _row(Event, "router", "open",
         "SUBSCRIBED.Subscription|id, PUBLISHED.Publication|id, Details|dict",
         EVENT_DETAILS, PAYLOAD),

    _row(Call, "client", "open", "Request|id, Options|dict, Procedure|uri",
         CALL_OPTIONS, PAYLOAD),
    _row(Cancel, "client", "open", "CALL.Request|id, Options|dict", MODE),
    _row(Result, "router", "open", "CALL.Request|id, Details|dict", RESULT_DETAILS, PAYLOAD),
    _row(Register, "client", "open", "Request|id, Options|dict, Procedure|uri", REGISTER_OPTIONS),
    _row(Registered, "router", "open", "REGISTER.Request|id, Registration|id"),
    _row(Unregister, "client", "open", "Request|id, REGISTERED.Registration|id"),
    _row(Unregistered, "router", "open", "UNREGISTER.Request|id", REGISTRATION_LOST, REVOCATION),
    _row(Invocation, "router", "open",
         "Request|id, REGISTERED.Registration|id, Details|dict",
         INVOCATION_DETAILS, PAYLOAD),
    _row(Interrupt, "router", "open", "INVOCATION.Request|id, Options|dict", MODE),
    _row(Yield, "client", "open", "INVOCATION.Request|id, Options|dict", RESULT_DETAILS, PAYLOAD),
    _row(EventReceived, "client", "open", "EVENT.Publication|id"),
)
# fmt: on


def counting_in(state: State) -> frozenset[type[Any]]:
    """Return the messages that count in this state."""
    return frozenset(row.message for row in GRAMMAR.values() if state in row.states)


def misplaced(message: Message, sender: Sender) -> ProtocolError:
    """Return the violation of a message that nobody handles in an open session, in words."""
    shape = GRAMMAR[CODES[type(message)]]
    if sender not in shape.senders:
        why = f"must not come from a {sender}"
    elif State.OPEN not in shape.states:
        why = "must not come in an open session"
    else:
        why = "belongs to a feature that was not announced"
    return ProtocolError(f"{name_of(message)} {why}")
