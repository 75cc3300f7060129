"""The typed keys of Options and Details: what the value of each must be (RFC, all of its sections).

Only the *type* is grammar; the test vectors demand it of the words of `enc_algo` and of SUBSCRIBE's
`match` as well. A key that is not listed here is ignored, as "Extensibility" demands, and null is
read as the key's absence: peers that have no other way to leave something out write it so.
The names with `enc_` and `transaction_hash`, `forward_for` are those of the test vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .ids import MAX_ID


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
    """Return the features that a peer announced for a role: those that it says are true."""
    features = (roles.get(role) or {}).get("features") or {}
    return {feature for feature, on in features.items() if on is True}


def _fault(roles: Any, allowed: tuple[str, ...]) -> str | None:
    """Say what is wrong with role dictionaries. What a peer tells of other roles is its own."""
    if type(roles) is not dict:
        return f"a {type(roles).__name__}"
    if all(roles.get(role) is None for role in allowed):
        return "none of these"
    for role in allowed:
        entry = roles.get(role)
        if entry is None:
            continue
        if type(entry) is not dict:
            return f"{role} as a {type(entry).__name__}"
        features = entry.get("features")
        if features is not None and type(features) is not dict:
            return f"the features of {role} as a {type(features).__name__}"
    return None


class Key(NamedTuple):
    """What the value of a known key must be: in words, and as a check."""

    wanted: str
    fits: Callable[[Any], bool]
    fault: Callable[[Any], str | None] | None = None  # what is wrong with a value that has parts


def _roles(*allowed: str) -> Key:
    return Key(
        f"a dict of role dicts, at least one of {', '.join(allowed)}",
        lambda value: _fault(value, allowed) is None,
        lambda value: _fault(value, allowed),
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
PAYLOAD: Keys = (
    FORWARD
    | {key: STR for key in ("ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")}
    | {"enc_algo": ENCRYPTION, "enc_key": STR, "enc_serializer": STR}
)
RESULT_DETAILS: Keys = PAYLOAD | {"progress": BOOL}
IDENTITY: Keys = {"authid": STR, "authrole": STR, "authextra": DICT, "agent": STR}
HELLO_DETAILS: Keys = IDENTITY | {"roles": CLIENT_ROLES, "authmethods": STRS}
WELCOME_DETAILS: Keys = IDENTITY | {
    "roles": ROUTER_ROLES, "authmethod": STR, "authprovider": STR, "realm": STR,
}  # fmt: skip
REASON: Keys = {"message": STR}
SUBSCRIPTION_LOST: Keys = {"subscription": ID, "reason": STR}
REGISTRATION_LOST: Keys = {"registration": ID, "reason": STR}
MODE: Keys = FORWARD | {"mode": STR}
PUBLISH_OPTIONS: Keys = PAYLOAD | {
    "acknowledge": BOOL, "exclude_me": BOOL, "disclose_me": BOOL, "retain": BOOL,
    "exclude": IDS, "eligible": IDS,
    "exclude_authid": STRS, "exclude_authrole": STRS,
    "eligible_authid": STRS, "eligible_authrole": STRS,
    "rkey": STR, "transaction_hash": STR,
}  # fmt: skip
EVENT_DETAILS: Keys = PAYLOAD | {
    "publisher": ID, "publisher_authid": STR, "publisher_authrole": STR, "topic": STR,
    "retained": BOOL, "trustlevel": UINT, "transaction_hash": STR, "x_acknowledged_delivery": BOOL,
}  # fmt: skip
CALL_OPTIONS: Keys = PAYLOAD | {
    "receive_progress": BOOL, "progress": BOOL, "disclose_me": BOOL, "timeout": UINT,
    "rkey": STR, "runmode": STR, "transaction_hash": STR,
}  # fmt: skip
INVOCATION_DETAILS: Keys = PAYLOAD | {
    "caller": ID, "caller_authid": STR, "caller_authrole": STR, "procedure": STR,
    "receive_progress": BOOL, "progress": BOOL, "timeout": UINT, "trustlevel": UINT,
    "transaction_hash": STR,
}  # fmt: skip
SUBSCRIBE_OPTIONS: Keys = FORWARD | {
    "match": MATCH, "nkey": STR, "get_retained": BOOL, "transaction_hash": STR,
}  # fmt: skip
REGISTER_OPTIONS: Keys = FORWARD | {
    "match": STR, "invoke": STR, "disclose_caller": BOOL, "forward_timeout": BOOL,
}  # fmt: skip
