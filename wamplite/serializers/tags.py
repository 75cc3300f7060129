"""What stands for something that WAMP has: CBOR tags, and the extension types of MsgPack.

A tag that is not listed means its content. Dates become text (RFC 3339, in UTC), decimal fractions
the nearest float. References to what stood earlier in a message are refused, never followed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from .flaws import Flaw

_EPOCH = datetime(1970, 1, 1)
_FIRST_DAY = date(1970, 1, 1)
_MOST_OCTETS = 128  # of a bignum that is looked at; more can be neither an integer nor a float
_TIMESTAMP, _UNDEFINED = -1, 0  # extension types of MsgPack; the second is that of JavaScript


def untagged(number: int, content: Any) -> Any:
    """Return what a CBOR tag and its content stand for, or a Flaw."""
    convert = TAGS.get(number)
    if convert is None or type(content) is Flaw:
        return content
    try:
        return convert(content)
    except (TypeError, ValueError, OverflowError):
        return Flaw(f"CBOR tag {number} must not stand before such a {_name(content)}", b"")


def extension(kind: int, content: bytes) -> Any:
    """Return what an extension type of MsgPack stands for, or a Flaw."""
    if kind == _UNDEFINED and content in (b"", b"\0"):
        return None
    if kind == _TIMESTAMP and len(content) in (4, 8, 12):
        try:
            return _timestamp(content)
        except (ValueError, OverflowError):
            return Flaw("a MsgPack timestamp must lie in the years 1 to 9999", b"")
    return Flaw(f"a MsgPack extension of type {kind} and {len(content)} octets means nothing", b"")


def _timestamp(content: bytes) -> str:
    if len(content) == 4:
        return _moment(int.from_bytes(content, "big"), 0)
    if len(content) == 8:
        both = int.from_bytes(content, "big")
        return _moment(both & 0x3_FFFF_FFFF, both >> 34)
    nanoseconds, seconds = struct.unpack(">Iq", content)
    return _moment(seconds, nanoseconds)


def _moment(seconds: int, nanoseconds: int) -> str:
    if not 0 <= nanoseconds < 1_000_000_000:
        raise ValueError(nanoseconds)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    digits = f"{nanoseconds:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def _from_seconds(content: Any) -> str:
    if type(content) is float:
        seconds = math.floor(content)
        microseconds = round((content - seconds) * 1_000_000)  # a float holds no more of a date
        return _moment(seconds + microseconds // 1_000_000, microseconds % 1_000_000 * 1000)
    return _moment(_typed(int, content), 0)


def _from_days(content: Any) -> str:
    return (_FIRST_DAY + timedelta(days=_typed(int, content))).isoformat()


def _typed(kind: type, content: Any) -> Any:
    if type(content) is not kind:
        raise TypeError(kind)
    return content


def _text(content: Any) -> Any:
    return _typed(str, content)


def _octets(content: Any) -> Any:
    return _typed(bytes, content)


def _positive(content: Any) -> int:
    """Return an integer, of 64 bits or not: the gate refuses it then, a fraction may use it."""
    octets = _octets(content).lstrip(b"\0")
    return int.from_bytes(octets[: _MOST_OCTETS + 1], "big")


def _negative(content: Any) -> int:
    return -1 - _positive(content)


def _decimal(content: Any) -> float:
    exponent, mantissa = _two_integers(content)
    return float(f"{mantissa}e{exponent}")


def _binary(content: Any) -> float:
    exponent, mantissa = _two_integers(content)
    return math.ldexp(mantissa, exponent)


def _two_integers(content: Any) -> tuple[int, int]:
    exponent, mantissa = _typed(list, content)
    if _typed(int, mantissa).bit_length() > 8 * _MOST_OCTETS:
        raise OverflowError("only its first octets were looked at")
    return _typed(int, exponent), mantissa


def _reference(_: Any) -> Flaw:
    return Flaw("a reference to what stood earlier in a message is not followed", b"")


def _name(content: Any) -> str:
    return type(content).__name__


TAGS: dict[int, Callable[[Any], Any]] = {
    0: _text,
    1: _from_seconds,
    2: _positive,
    3: _negative,
    4: _decimal,
    5: _binary,
    25: _reference,
    29: _reference,
    64: _octets,
    68: _octets,
    72: _octets,
    100: _from_days,
    1004: _text,
}
