"""Payloads that no router looks into: packed and unpacked here (RFC "Payload Passthru Mode").

    args, kwargs ── by `ppt_scheme` ──> one value in Arguments ── router ──> args, kwargs

A request with the option `ppt_scheme` is packed by what `connect(ppt_schemes=...)` has under that
name; without it by `ppt_serializer` (json, msgpack, cbor), or, where that is "native", by the
serializer of the session: bytes go out as they are, all else as {"args": ..., "kwargs": ...}.
A `ppt_cipher` is for a scheme of the user's own: there is no cryptography here.

What arrives is unpacked before anybody sees it; `ppt_...` stay in its details. What cannot be read
is `wamplite.error.unreadable_payload`: the call raises it, the invocation is answered so, the
event is logged and not handled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import serializers
from ..core.errors import ApplicationError, ProtocolError, UsageError
from ..core.uris import UNREADABLE_PAYLOAD

SCHEME, SERIALIZER, CIPHER = "ppt_scheme", "ppt_serializer", "ppt_cipher"
KEYS = (SCHEME, SERIALIZER, CIPHER, "ppt_keyid")
NATIVE = "native"
Payload = tuple[list[Any], dict[str, Any]]


class PayloadScheme(NamedTuple):
    """How the payloads of a `ppt_scheme` are written and read, in two functions.

    encode(args, kwargs, options) returns bytes; decode(payload, details) returns args and kwargs,
    or raises. options, details: a dict with the ppt_ keys of the message. They run on the thread
    that asks or handles.
    """

    encode: Callable[[list[Any], dict[str, Any], dict[str, str]], bytes]
    decode: Callable[[bytes, dict[str, str]], tuple[Any, Any]]


Schemes = Mapping[str, PayloadScheme]


def wish_of(details: Mapping[str, Any]) -> dict[str, str]:
    """Return the ppt_ keys of options or details; nothing without a scheme."""
    if not details.get(SCHEME):
        return {}
    return {key: details[key] for key in KEYS if details.get(key) is not None}


class Passthru:
    """The schemes of one session."""

    def __init__(self, schemes: Schemes | None) -> None:
        self._schemes = dict(schemes or {})

    def pack(
        self, what: str, args: list[Any], kwargs: dict[str, Any], options: Mapping[str, Any]
    ) -> Payload:
        """Return the Arguments to send, as the options of the message say; see the module.

        Raises UsageError where that cannot be done.
        """
        wish = wish_of(options)
        if not wish:
            return args, kwargs
        scheme = self._schemes.get(wish[SCHEME])
        if scheme is not None:
            sealed: Any = scheme.encode(args, kwargs, wish)
            if not isinstance(sealed, bytes):
                kind = type(sealed).__name__
                raise UsageError(f"{what}: {_named(wish)} must encode to bytes, not {kind}")
            return [sealed], {}
        self._check_known(what, wish)
        content: Any = {"args": args, "kwargs": kwargs}
        if wish.get(SERIALIZER, NATIVE) != NATIVE:
            return [bytes(serializers.get(wish[SERIALIZER]).dumps(content))], {}
        if len(args) == 1 and isinstance(args[0], bytes) and not kwargs:
            return args, kwargs
        return [content], {}

    def _check_known(self, what: str, wish: dict[str, str]) -> None:
        name = wish[SCHEME]
        if name not in ("mqtt", "wamp") and not name.startswith("x_"):
            raise UsageError(
                f"{what}: ppt_scheme must be mqtt, wamp or begin with x_, not {name!r}"
            )
        sealed = wish.get(CIPHER) or (name == "wamp" and wish.get(SERIALIZER) != "cbor")
        if sealed or (name != "mqtt" and SERIALIZER not in wish):
            raise UsageError(f"{what}: nothing seals {_named(wish)}: connect(ppt_schemes=...) does")

    def unpack(self, what: str, args: Any, kwargs: Any, details: Mapping[str, Any]) -> Payload:
        """Return what was packed; ApplicationError where it cannot be read."""
        wish = wish_of(details)
        args = args if type(args) is list else [] if args is None else [args]
        if not wish:
            return args, kwargs or {}
        try:
            return self._unpacked(args, kwargs or {}, wish)
        except Exception as error:
            text = f"{what}: a payload of {_named(wish)} cannot be read"
            why = str(error) if isinstance(error, (ProtocolError, UsageError)) else "it is damaged"
            raise ApplicationError(UNREADABLE_PAYLOAD, f"{text}: {why}") from error

    def _unpacked(self, args: list[Any], kwargs: dict[str, Any], wish: dict[str, str]) -> Payload:
        scheme = self._schemes.get(wish[SCHEME])
        if scheme is None and wish.get(CIPHER):
            raise UsageError("nothing unseals it: connect(ppt_schemes=...) does")
        native = wish.get(SERIALIZER, NATIVE) == NATIVE
        if scheme is None and native:
            content = args[0] if len(args) == 1 and _is_content(args[0]) else None
            return _parts(content) if content is not None and not kwargs else (args, kwargs)
        if kwargs or len(args) != 1 or not isinstance(args[0], bytes):
            raise ProtocolError("it must be one binary value")
        if scheme is not None:
            opened, named = scheme.decode(args[0], wish)
            return list(opened), dict(named or {})
        return _parts(serializers.get(wish[SERIALIZER]).loads(args[0]))


def _is_content(value: Any) -> bool:
    return type(value) is dict and bool(value) and set(value) <= {"args", "kwargs"}


def _parts(content: Any) -> Payload:
    if type(content) is not dict:
        raise ProtocolError('it must hold {"args": ..., "kwargs": ...}')
    args, kwargs = content.get("args"), content.get("kwargs")
    if type(args) not in (list, type(None)) or type(kwargs) not in (dict, type(None)):
        raise ProtocolError("args must be a list, kwargs a dict")
    serializers.check_payload(args or [], kwargs or {})
    return args or [], kwargs or {}


def _named(wish: Mapping[str, str]) -> str:
    more = [wish[key] for key in (SERIALIZER, CIPHER) if wish.get(key)]
    return " ".join([f"ppt_scheme {wish[SCHEME]!r}", *(f"({', '.join(more)})",) * bool(more)])
