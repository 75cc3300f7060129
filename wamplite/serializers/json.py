"""JSON, through the standard library, or through orjson where it is installed.

Bytes travel as text: NUL, then base64 (RFC "Binary conversion of JSON Strings"). Of a key that
comes twice the last one wins. The depth is counted on the bytes, before a decoder recurses.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from functools import partial
from typing import Any, NoReturn

from ..core.errors import ProtocolError, UsageError
from .base import Serializer
from .payload import (
    LEVELS,
    MAX_CONTAINERS,
    MAX_LENGTH,
    Rules,
    check_all,
    check_message,
    check_surrogates,
    raise_too_deep,
    raise_too_many,
)

try:
    import orjson
except ImportError:  # the extra `fast` is not installed
    orjson = None  # type: ignore[assignment]

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TOO_DEEP = b"[" * (LEVELS + 1)
_SQUARE = bytes.maketrans(b"{}", b"[]")
_DIGITS = bytes(ord("0") if octet in b"0123456789" else ord(" ") for octet in range(256))
_FEWEST_DIGITS = b"0" * 19  # of an integer from 2**63 on
_MOST_DIGITS = 20  # of 2**64-1; a sign may stand before them
_HUGE = 2.0**63  # orjson turns integers from here on into floats without a word


def check_depth(data: bytes) -> None:
    """Refuse what nests too deep, or opens too many containers, before it is decoded."""
    if data.count(b"[") + data.count(b"{") <= LEVELS:
        return
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(data.split(b'"')[::2]).translate(_SQUARE, _NOT_BRACKETS)
    if len(brackets) > 2 * MAX_CONTAINERS:
        raise_too_many()
    for _ in range(LEVELS):  # each time the innermost containers go
        if not brackets:
            return
        if _TOO_DEEP in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    if b"[" in brackets:
        raise_too_deep()


def _to_text(value: Any) -> str:
    if type(value) is bytes:
        return "\0" + b64encode(value).decode()
    raise TypeError(f"a value must not be {type(value).__name__}")


def _from_base64(text: str) -> bytes:
    """Read base64 and nothing else: reading loosely and comparing is three times as fast."""
    data = a2b_base64(text)
    return data if b2a_base64(data, newline=False) == text.encode() else b64decode(text, None, True)


def _to_bytes(value: Any) -> Any:
    """Turn text that begins with NUL into the bytes it stands for, in a decoded value."""
    if type(value) is str and value[:1] == "\0":
        try:
            return _from_base64(value[1:])
        except ValueError as exc:
            raise ProtocolError(f"JSON: after NUL there must be base64: {exc}") from exc
    if type(value) is list:
        return list(map(_to_bytes, value))
    if type(value) is dict:
        return {key: _to_bytes(item) for key, item in value.items()}
    return value


def _to_int(digits: str) -> int:
    number = int(digits) if len(digits) <= _MOST_DIGITS else 1 << 64
    if not -(1 << 63) <= number < 1 << 64:
        raise ProtocolError("an integer must lie between -2**63 and 2**64-1")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolError(f"JSON: {name} is not a number that JSON knows")


_decode = json.JSONDecoder(parse_int=_to_int, parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_to_text
).encode
_SURROGATES = Rules(texts=check_surrogates, keys=check_surrogates)


class Json(Serializer):
    """JSON by the standard library."""

    name = "json"
    binary = False

    def dumps(self, array: list[Any]) -> bytes:
        try:
            return _encode(array).encode()
        except (TypeError, ValueError, RecursionError) as exc:
            raise UsageError(f"JSON cannot carry the message: {exc}") from exc

    def loads(self, data: bytes) -> Any:
        check_depth(data)
        try:
            array = _decode(data.decode())
        except (ValueError, RecursionError) as exc:
            raise ProtocolError(f"not JSON: {exc}") from exc
        if b"\\u" in data:
            array = _to_bytes(array)
            check_all(array, _SURROGATES)
        else:
            check_message(array)
        return array


class _Huge(Exception):
    """A float that may have been an integer."""


def _check_huge(floats: Iterable[float]) -> None:
    if max(map(abs, floats)) >= _HUGE:
        raise _Huge


class FastJson(Json):
    """JSON by orjson; what it reads differently from the standard library is read again by that."""

    def __init__(self) -> None:
        self._dumps = partial(orjson.dumps, default=_to_text)

    def dumps(self, array: list[Any]) -> bytes:
        try:
            return self._dumps(array)
        except (TypeError, ValueError) as exc:
            raise UsageError(f"JSON cannot carry the message: {exc}") from exc

    def loads(self, data: bytes) -> Any:
        check_depth(data)
        try:
            array = orjson.loads(data)
        except ValueError as exc:
            raise ProtocolError(f"not JSON: {exc}") from exc
        if b"\\u0000" in data:
            array = _to_bytes(array)
        if len(data) > MAX_LENGTH or _FEWEST_DIGITS in data.translate(_DIGITS):
            try:
                check_message(array, _check_huge)
            except _Huge:
                return super().loads(data)
        return array


def make() -> Json:
    """Return the faster of the two."""
    return FastJson() if orjson else Json()
