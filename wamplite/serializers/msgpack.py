"""MsgPack, through the library msgpack (its pure-Python fallback too).

Text and binary are told apart. What holds extension types, or is refused, is read by `reader.py`.
"""

from __future__ import annotations

import re
from functools import partial
from struct import calcsize, unpack
from typing import Any

from msgpack import Packer, unpackb

from ..core.errors import ProtocolError, UsageError
from .base import Serializer
from .flaws import judged
from .headers import FEW_VALUES, Format, Header, are_few, check_headers
from .payload import (
    LEVELS,
    MANY,
    MAX_LENGTH,
    NUL_RULES,
    SMALL,
    check_all,
    check_message,
    check_small,
)
from .reader import BINARY, DICT, LIST, TAG, TEXT, VALUE, as_text, cut, read
from .tags import extension

_SIZES = [1] * 128 + [0] * 32 + list(range(1, 33)) + [0] * 32 + [1] * 32
for _head, _size in {
    0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCA: 5, 0xCB: 9,
    0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9,
}.items():  # fmt: skip
    _SIZES[_head] = _size
_HEADERS = (
    {0x80 + length: Header(0, 2, length) for length in range(16)}
    | {0x90 + length: Header(0, 1, length) for length in range(16)}
    | {0xC4: Header(1, 0), 0xC5: Header(2, 0), 0xC6: Header(4, 0)}  # binary
    | {0xD9: Header(1, 0), 0xDA: Header(2, 0), 0xDB: Header(4, 0)}  # text
    | {0xDC: Header(2, 1), 0xDD: Header(4, 1), 0xDE: Header(2, 2), 0xDF: Header(4, 2)}
)
_FORMAT = Format("MsgPack", _SIZES, _HEADERS)
_CONTAINERS = {*range(0x80, 0xA0), *range(0xDC, 0xE0)}
_HARMLESS = bytes(set(range(256)) - _CONTAINERS)
_TINY = 64  # bytes: nor can these
# What stands for binary, extension types and floats, and NUL; without them nothing small has to be
# asked. In an id they stand for nothing.
_ODD = {0, *range(0xC4, 0xCC), *range(0xD4, 0xD9)}
_ARE_ODD = bytes(octet in _ODD for octet in range(256))
_ENDS_OF_ID = bytes([3] * 128 + [0] * 76 + [4, 5, 7, 11] + [0] * 48)  # by its head; 0: it is none
_EASY = 512  # bytes: of more, to look at the values may be as fast
# So many containers cannot nest too deep, nor make the library reserve much: fewer in a large one.
_FEW, _FEWER = LEVELS, 32

# A NUL with the head of a text before it, or what looks like one. Beginning with the NUL, the
# search leaps from one to the next; where there are many, looking at the values is faster.
_find_nul = re.compile(
    rb"\0(?:(?<=[\xa1-\xbf]\0)|(?<=\xd9.\0)|(?<=\xda..\0)|(?<=\xdb....\0))", re.DOTALL
).search

# What most large messages are: integers, short texts, few options, and arguments of which the last
# is a long text or binary. The length of that is the group.
_INTEGER = rb"[\0-\x7f]|\xcc.|\xcd..|\xce.{4}|\xcf.{8}"
_SHORT = b"|".join(bytes((0xA0 + size,)) + b".{%d}" % size for size in range(1, 32))
_SHORT = rb"(?:(?!.\0)(?:" + _SHORT + rb"))"  # text
_VALUES = rb"(?:" + _INTEGER + b"|" + _SHORT + rb"|\x80|\x81" + _SHORT + rb"[\xc2\xc3]){0,16}"
_LONG = rb"(?:\xd9(.)(?!\0)|\xda(..)(?!\0)|\xdb(.{4})(?!\0)|\xc4(.)|\xc5(..)|\xc6(.{4}))"
_begin_with_short = re.compile(
    rb"[\x91-\x9f]" + _VALUES + rb"[\x91-\x9f]" + _VALUES + _LONG, re.DOTALL
).match

FIRST_BUFFER = 512  # bytes; it grows. The library's own 256 KiB would be paid by every connection


class MsgPack(Serializer):
    """MsgPack with one Packer kept, which makes it three times as fast."""

    name = "msgpack"
    binary = True

    def __init__(self) -> None:
        try:
            self._pack = Packer(buf_size=FIRST_BUFFER).pack
        except TypeError:  # before 1.1, as Debian 12 and 13 have it, the size is fixed
            self._pack = Packer().pack

    def dumps(self, array: list[Any]) -> bytes:
        pack = self._pack  # not a method: quicker to call so
        try:
            packed: bytes = pack(array)
        except (TypeError, ValueError, OverflowError, RecursionError) as exc:
            raise UsageError(f"MsgPack cannot carry the message: {exc}") from exc
        return packed

    def loads(self, data: bytes) -> Any:
        size = len(data)
        try:
            if size > _EASY and _ends_with_long(data):
                return unpackb(data)
            if size > SMALL:
                return _large(data)
            if size > _TINY and len(data.translate(None, _HARMLESS)) > _FEW:
                check_headers(data, _FORMAT)
            array = unpackb(data)
            if size > _EASY or (
                1 in data.translate(_ARE_ODD) and 1 in _behind_id(data).translate(_ARE_ODD)
            ):
                check_small(array)
        except Exception:  # whatever a decoder says of hostile bytes: what is wrong, `read` says
            return judged(read(data, take))
        return array


def _behind_id(data: bytes) -> bytes:
    """Return what follows on one or two ids, where a message is a short list with a code."""
    if not data[1] < 0x80 < data[0] < 0xA0:
        return data
    end = _ENDS_OF_ID[data[2]]
    return data[end + 9 if data[end : end + 1] == b"\xcf" else end :]  # as the router draws them


def _ends_with_long(data: bytes) -> bool:
    """Tell whether a message is short values and a long text or binary: nothing has to be asked."""
    found = _begin_with_short(data)
    if found is None:
        return False
    size = found[found.lastindex or 0]
    return found.end() + int.from_bytes(size, "big") == len(data)


def _large(data: bytes) -> Any:
    if are_few(data, _FORMAT, FEW_VALUES):  # a long text, and little else
        array = _unpack_giving_way(data)
        check_small(array)
        return array
    if len(data) > MAX_LENGTH or len(data.translate(None, _HARMLESS)) > _FEWER:
        check_headers(data, _FORMAT)
    array = _unpack_giving_way(data)
    if 0 in data and (data.count(0) > MANY or _find_nul(data)):
        check_all(array, NUL_RULES)
    else:
        check_message(array)
    return array


def _let_go(value: Any) -> Any:
    """Called for each container of a large message: where Python code runs, other threads may."""
    return value


_unpack_giving_way = partial(unpackb, object_hook=_let_go, list_hook=_let_go)


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {0xCA: ">f", 0xCB: ">d"}
_NUMBERS |= dict(
    zip(range(0xCC, 0xD4), [">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"], strict=True)
)
_LENGTHS: dict[int, tuple[str, int]] = {}  # what has a length, and how wide that is
for _first, _kind, _widths in (
    (0xC4, BINARY, (1, 2, 4)), (0xC7, TAG, (1, 2, 4)), (0xD9, TEXT, (1, 2, 4)),
    (0xDC, LIST, (2, 4)), (0xDE, DICT, (2, 4)),
):  # fmt: skip
    _LENGTHS |= {_first + at: (_kind, width) for at, width in enumerate(_widths)}


def take(data: bytes, at: int) -> tuple[str, Any, int]:
    """Say what begins at an octet; see `reader.py`."""
    head = data[at]
    at += 1
    if head < 0x80 or head >= 0xE0:
        return VALUE, head if head < 0x80 else head - 256, at
    if head < 0xA0:
        return DICT if head < 0x90 else LIST, head & 15, at
    if head < 0xC0:
        return _sized(data, at, TEXT, head & 31)
    if head in _CONSTANTS:
        return VALUE, _CONSTANTS[head], at
    if head in _NUMBERS:
        octets = cut(data, at, calcsize(_NUMBERS[head]))
        return VALUE, unpack(_NUMBERS[head], octets)[0], at + len(octets)
    if 0xD4 <= head <= 0xD8:
        return _sized(data, at, TAG, 1 << (head - 0xD4))
    if head not in _LENGTHS:
        raise ProtocolError("MsgPack: a value must not begin with octet 0xc1")
    kind, width = _LENGTHS[head]
    return _sized(data, at + width, kind, int.from_bytes(cut(data, at, width), "big"))


def _sized(data: bytes, at: int, kind: str, length: int) -> tuple[str, Any, int]:
    if kind in (LIST, DICT):
        return kind, length, at
    if kind is TAG:  # an extension: its type stands before its octets
        number = int.from_bytes(cut(data, at, 1), "big", signed=True)
        return VALUE, extension(number, cut(data, at + 1, length)), at + 1 + length
    octets = cut(data, at, length)
    return VALUE, octets if kind is BINARY else as_text(octets), at + length


make = MsgPack
