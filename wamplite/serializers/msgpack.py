"""MsgPack, through the library msgpack (its pure-Python fallback too).

Text and binary are told apart; extension types, timestamps among them, are refused.
"""

from __future__ import annotations

import re
from typing import Any

from msgpack import Packer, unpackb

from ..core.errors import ProtocolError, UsageError
from .base import Serializer
from .headers import Format, Header, check_headers
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
# What stands for binary, extension types and floats; without them nothing small has to be asked.
_ODD = {*range(0xC4, 0xCC), *range(0xD4, 0xD9)}
_EVEN = bytes(set(range(256)) - _ODD)
# So many containers cannot nest too deep, nor make the library reserve much: fewer in a large one.
_FEW, _FEWER = LEVELS, 32

# A NUL with the head of a text before it, or what looks like one. Beginning with the NUL, the
# search leaps from one to the next; where there are many, looking at the values is faster.
_find_nul = re.compile(
    rb"\0(?:(?<=[\xa1-\xbf]\0)|(?<=\xd9.\0)|(?<=\xda..\0)|(?<=\xdb....\0))", re.DOTALL
).search

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
        try:
            packed: bytes = self._pack(array)
        except (TypeError, ValueError, OverflowError, RecursionError) as exc:
            raise UsageError(f"MsgPack cannot carry the message: {exc}") from exc
        return packed

    def loads(self, data: bytes) -> Any:
        size = len(data)
        if size > _TINY:
            few = _FEW if size <= SMALL else _FEWER
            if size > MAX_LENGTH or len(data.translate(None, _HARMLESS)) > few:
                check_headers(data, _FORMAT)
        try:
            array = unpackb(data)
        except Exception as exc:  # whatever a decoder says of hostile bytes
            raise ProtocolError(f"not MsgPack: {exc or type(exc).__name__}") from exc
        if size > SMALL:
            if b"\0" in data and (data.count(0) > MANY or _find_nul(data)):
                check_all(array, NUL_RULES)
            else:
                check_message(array)
        elif size > _TINY or data.translate(None, _EVEN) or (b"\0" in data and _find_nul(data)):
            check_small(array)
        return array


make = MsgPack
