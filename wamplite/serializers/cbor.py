"""CBOR, through the library cbor2 (version 5 or 6).

What holds a tag, or anything else that is not plain, is read by `reader.py`: cbor2 never sees a tag
but those that mean nothing to it, or a date, and what it makes of them is refused by its kind.
Containers without a length are taken, within the same bounds as all others.
"""

from __future__ import annotations

import re
from struct import unpack
from typing import Any

import cbor2

from ..core.errors import ProtocolError, UsageError
from .base import Serializer
from .flaws import Flaw, judged
from .headers import ENDLESS, FEW_VALUES, Format, Header, are_few, check_headers
from .payload import (
    LEVELS,
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
from .pieces import Form
from .reader import BINARY, DICT, LIST, STOP, TAG, TEXT, VALUE, as_text, cut, read

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

# What octets could be, wherever they stand. A few that nest need no walk in a small message: lists
# and dicts that are short or never end (there is no break), dates, and tags without a meaning.
_NESTING = bytes({*range(0x80, 0x99), *range(0x9C, 0xC2), *range(0xC6, 0xD8)})
# Long lists reserve memory; tags become numbers, share, refer or compile; 0xf7 marks the end.
_STRANGE = bytes({0x99, 0x9A, 0x9B, *range(0xC2, 0xC6), *range(0xD8, 0xE0), 0xF7, 0xF8, 0xFF})
_CLASSES = bytes(2 if octet in _STRANGE else octet in _NESTING for octet in range(256))


def _is_tame(data: bytes) -> bool:
    """Tell whether a small message may be decoded unread: its lies and depth can do no harm."""
    classes = data.translate(_CLASSES)
    return 2 not in classes and (len(data) <= LEVELS or classes.count(1) <= LEVELS)


def _may_hold_nul(data: bytes) -> bool:
    return 0 in data and (data.count(0) > MANY or _find_nul(data) is not None)


def _may_be_low(data: bytes) -> bool:
    return 0x3B in data and (data.count(0x3B) > MANY or _find_low(data) is not None)


class Cbor(Serializer):
    """CBOR; tags are read, and never written."""

    name = "cbor"
    binary = True

    def dumps(self, array: list[Any]) -> bytes:
        try:
            return cbor2.dumps(array)
        except Exception as exc:  # its versions disagree on what they raise
            raise UsageError(f"CBOR cannot carry the message: {exc}") from exc

    @property
    def form(self) -> Form:
        return Form(self.dumps, _ends, b"")

    def loads(self, data: bytes) -> Any:
        try:
            return self._plain(data)
        except ProtocolError:
            return judged(read(data, take))

    def _plain(self, data: bytes) -> Any:
        if len(data) <= SMALL and _is_tame(data):
            array, end = _decoded(b"\x82" + data + b"\xf7")  # cbor2 itself ignores what follows
            if end is not cbor2.undefined:
                raise ProtocolError("CBOR: octets follow the message")
        else:
            few = are_few(data, _FORMAT, FEW_VALUES)
            if not few:
                check_headers(data, _FORMAT)
            array = _decoded(data)
            if few:
                check_all(array, _ODD_RULES)
                return array
        if _may_be_low(data) or (len(data) > SMALL and _may_hold_nul(data)):
            check_all(array, _ODD_RULES)
        elif len(data) > SMALL:
            check_message(array)
        else:
            check_small(array)
        return array


def _ends(value: Any) -> tuple[bytes, bytes]:
    """Return the head of a list or dict; it has no end."""
    length, major = len(value), 0x80 if type(value) is list else 0xA0
    if length < 24:
        return bytes([major + length]), b""
    info, width = next((info, width) for info, width in _WIDTHS.items() if length >> 8 * width == 0)
    return bytes([major + info]) + length.to_bytes(width, "big"), b""


def _let_go(decoder: Any, value: Any) -> Any:
    """Called for each dict of a large message: where Python code runs, other threads may."""
    return value


def _decoded(data: bytes) -> Any:
    try:
        if len(data) > SMALL:
            return cbor2.loads(data, object_hook=_let_go)
        return cbor2.loads(data)
    except Exception as exc:  # whatever a decoder says of hostile bytes
        raise ProtocolError(f"not CBOR: {exc or type(exc).__name__}") from exc


_KINDS = {2: BINARY, 3: TEXT, 4: LIST, 5: DICT, 6: TAG}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}  # 23: undefined
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}


def take(data: bytes, at: int) -> tuple[str, Any, int]:
    """Say what begins at an octet; see `reader.py`."""
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info == 31:
        if major == 7:
            return STOP, None, at
        if major not in (2, 3, 4, 5):
            raise ProtocolError("CBOR: only text, binary, arrays and maps may have no length")
        return _KINDS[major], ENDLESS, at
    number = info
    if info in _WIDTHS:
        octets = cut(data, at, _WIDTHS[info])
        number, at = int.from_bytes(octets, "big"), at + len(octets)
    elif info > 23:
        raise ProtocolError(f"CBOR: {data[at - 1]:#04x} is the head of nothing")
    if major < 2:
        return VALUE, -1 - number if major else number, at
    if major == 7:
        return VALUE, _special(info, number), at
    if major > 3:
        return _KINDS[major], number, at
    octets = cut(data, at, number)
    return VALUE, octets if major == 2 else as_text(octets), at + number


def _special(info: int, number: int) -> Any:
    if info in _FLOATS:
        return unpack(_FLOATS[info], number.to_bytes(1 << (info - 24), "big"))[0]
    if info == 24 and number < 32:
        raise ProtocolError(f"CBOR: a simple value of two octets must not be {number}")
    if number in _SIMPLE:
        return _SIMPLE[number]
    return Flaw(f"the simple value {number} of CBOR means nothing", b"")


make = Cbor
