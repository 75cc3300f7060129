"""CBOR, through the library cbor2 (version 5 or 6).

Every tag is refused, and with them bignums, dates, shared references and cycles; so are undefined
and simple values. Containers without a length are taken, within the same bounds as all others.
"""

from __future__ import annotations

import re
from typing import Any

import cbor2

from ..core.errors import ProtocolError, UsageError
from .base import Serializer
from .headers import ENDLESS, Format, Header, check_headers
from .payload import (
    MANY,
    SMALL,
    Rules,
    check_all,
    check_finite,
    check_ints,
    check_message,
    check_nul,
    check_small,
)

_WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_SIZES = [0] * 256
_HEADERS: dict[int, Header] = {}
for _length in range(24):
    _SIZES[_length] = _SIZES[0x20 + _length] = 1  # integers
    _SIZES[0x40 + _length] = _SIZES[0x60 + _length] = 1 + _length  # binary, text
    _HEADERS[0x80 + _length] = Header(0, 1, _length)
    _HEADERS[0xA0 + _length] = Header(0, 2, _length)
for _info, _width in _WIDTHS.items():
    _SIZES[_info] = _SIZES[0x20 + _info] = 1 + _width
    _HEADERS[0x40 + _info] = _HEADERS[0x60 + _info] = Header(_width, 0)
    _HEADERS[0x80 + _info], _HEADERS[0xA0 + _info] = Header(_width, 1), Header(_width, 2)
for _head, _size in {0xF4: 1, 0xF5: 1, 0xF6: 1, 0xF9: 3, 0xFA: 5, 0xFB: 9}.items():
    _SIZES[_head] = _size  # false, true, null, floats
_HEADERS |= {0x5F: Header(0, 1, ENDLESS), 0x7F: Header(0, 1, ENDLESS)}  # text in pieces
_HEADERS |= {0x9F: Header(0, 1, ENDLESS), 0xBF: Header(0, 2, ENDLESS)}
_FORMAT = Format("CBOR", _SIZES, _HEADERS, stop=0xFF)

# A NUL with the head of a text before it, or what looks like one. Beginning with the NUL, the
# search leaps from one to the next; where there are many, looking at the values is faster.
_find_nul = re.compile(
    rb"\0(?:(?<=[\x61-\x77]\0)|(?<=\x78.\0)|(?<=\x79..\0)|(?<=\x7a....\0)|(?<=\x7b.{8}\0))",
    re.DOTALL,
).search
# An integer below -2**63, or what looks like one.
_find_low = re.compile(rb"\x3b[\x80-\xff]").search
_ODD_RULES = Rules(check_finite, check_ints, check_nul)


def _may_hold_nul(data: bytes) -> bool:
    return b"\0" in data and (data.count(0) > MANY or _find_nul(data) is not None)


def _may_be_low(data: bytes) -> bool:
    return b"\x3b" in data and (data.count(0x3B) > MANY or _find_low(data) is not None)


class Cbor(Serializer):
    """CBOR without its tags."""

    name = "cbor"
    binary = True

    def dumps(self, array: list[Any]) -> bytes:
        try:
            return cbor2.dumps(array)
        except Exception as exc:  # its versions disagree on what they raise
            raise UsageError(f"CBOR cannot carry the message: {exc}") from exc

    def loads(self, data: bytes) -> Any:
        check_headers(data, _FORMAT)
        try:
            array = cbor2.loads(data)
        except Exception as exc:  # whatever a decoder says of hostile bytes
            raise ProtocolError(f"not CBOR: {exc or type(exc).__name__}") from exc
        if _may_be_low(data) or (len(data) > SMALL and _may_hold_nul(data)):
            check_all(array, _ODD_RULES)
        elif len(data) > SMALL:
            check_message(array)
        else:
            check_small(array)
        return array


make = Cbor
