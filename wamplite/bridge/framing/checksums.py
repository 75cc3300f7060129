"""Checksums as devices compute them; pure.

A whole frame is all that its device sent for it: start, header, content, delimiter, trailer.
Positions count from the first byte behind the start, negative ones from the end of the whole frame.
"""

from __future__ import annotations

import zlib
from binascii import crc_hqx
from collections.abc import Callable
from functools import lru_cache, reduce
from operator import xor
from typing import Literal, NamedTuple

__all__ = ["END", "KINDS", "START", "WRONG", "Checksum", "WrongChecksum"]

START, END = "start", "end"  # positions: of the start's first byte, behind the last of the frame
WRONG = "wrong checksum"  # why a frame is dropped


def fletcher8(data: bytes) -> int:
    """Return the two sums of RFC 1145, the first one in the high byte: that of u-blox UBX."""
    first = second = 0
    for byte in data:
        first += byte
        second += first
    return (first & 0xFF) << 8 | (second & 0xFF)


def crc8(data: bytes) -> int:
    """Return the CRC of polynomial 07, begun with 00: CRC-8/SMBUS."""
    table = _table8()
    value = 0
    for byte in data:
        value = table[value ^ byte]
    return value


@lru_cache(1)
def _table8() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [(value << 1 ^ 0x107) if value & 0x80 else value << 1 for value in table]
    return table


def reflected(polynomial: int, begin: int, end: int = 0) -> Callable[[bytes], int]:
    """Return a CRC of 16 bits that takes each byte's lowest bit first; `end` is XORed in last."""

    def crc(data: bytes) -> int:
        table = _table16(polynomial)
        value = begin
        for byte in data:
            value = value >> 8 ^ table[(value ^ byte) & 0xFF]
        return value ^ end

    return crc


@lru_cache(2)
def _table16(polynomial: int) -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [(value >> 1 ^ polynomial) if value & 1 else value >> 1 for value in table]
    return table


def voltronic(data: bytes) -> int:
    """Return the CRC of XMODEM, each of its bytes that means more, "(", LF or CR, raised by one."""
    sent = crc_hqx(data, 0).to_bytes(2, "big")
    return int.from_bytes(bytes(byte + (byte in b"(\n\r") for byte in sent), "big")


class Sum(NamedTuple):
    """A kind of checksum: how many bytes it has, and how they are computed."""

    width: int
    compute: Callable[[bytes], int]


NEGATED = Sum(1, lambda data: -sum(data) & 0xFF)
KINDS = {
    "sum8": Sum(1, lambda data: sum(data) & 0xFF),
    "sum8-negated": NEGATED,
    "sum8-inverted": Sum(1, lambda data: ~sum(data) & 0xFF),
    "sum6": Sum(1, lambda data: (sum(data) & 0x3F) + 0x20),  # a printable character: teleinfo
    "sum16": Sum(2, lambda data: sum(data) & 0xFFFF),
    "sum16-negated": Sum(2, lambda data: -sum(data) & 0xFFFF),
    "xor": Sum(1, lambda data: reduce(xor, data, 0)),
    "lrc": NEGATED,  # as Modbus has it
    "fletcher8": Sum(2, fletcher8),
    "crc8": Sum(1, crc8),
    "crc16-modbus": Sum(2, reflected(0xA001, 0xFFFF)),
    "crc16-arc": Sum(2, reflected(0xA001, 0)),
    "crc16-x25": Sum(2, reflected(0x8408, 0xFFFF, 0xFFFF)),
    "crc16-ccitt": Sum(2, lambda data: crc_hqx(data, 0xFFFF)),
    "crc16-xmodem": Sum(2, lambda data: crc_hqx(data, 0)),
    "crc16-voltronic": Sum(2, voltronic),  # inverters
    "crc32": Sum(4, zlib.crc32),
}


class WrongChecksum(str):
    """Why a frame is dropped, with what the device told and what was computed.

    kind: of the checksum. found, computed: its bytes in the order in which they are sent, in hex,
    or the text that they are; both are empty where the frame is too short for it.
    """

    kind: str
    found: str
    computed: str

    def __new__(cls, kind: str, found: str = "", computed: str = "") -> WrongChecksum:
        wrong = super().__new__(cls, WRONG)
        wrong.kind, wrong.found, wrong.computed = kind, found, computed
        return wrong

    @property
    def told(self) -> str:
        """What is wrong, in words."""
        if not self.computed:
            return f"{self.kind}: the frame is too short for it"
        return f"{self.kind}: found {self.found}, computed {self.computed}"


class Checksum:
    """A checksum, where it stands and what it covers.

    kind: one of KINDS. over: the positions at which the covered bytes begin and end (that one is
    not covered), the first may be START, the last END; None: all behind the start and before the
    checksum. at: where it stands; None: at the end, before `behind` bytes. byteorder: of its bytes.
    in_hex: it is text, two hex digits a byte, instead of bytes.
    """

    def __init__(
        self,
        kind: str,
        over: tuple[int | str, int | str] | None = None,
        at: int | None = None,
        byteorder: Literal["big", "little"] = "big",
        in_hex: bool = False,
        behind: int = 0,
    ) -> None:
        self.width, self._compute = KINDS[kind]
        self._kind = kind
        self.size = 2 * self.width if in_hex else self.width
        self.at = -self.size - behind if at is None else at
        self.over = over or (0, self.at)
        self._byteorder = byteorder
        self._in_hex = in_hex

    @property
    def needs(self) -> int | None:
        """How many bytes behind the start are enough to check it; None: all of the frame."""
        begin, end = self.over
        if self.at < 0 or isinstance(end, str) or end < 0 or (begin != START and int(begin) < 0):
            return None
        return max(self.at + self.size, end)

    @property
    def reach(self) -> int:
        """How many bytes behind the start a frame must have at least."""
        places = [place for place in (self.at, *self.over) if not isinstance(place, str)]
        return max(self.at + self.size, *map(abs, places))

    def places(self, size: int, start: int) -> tuple[int, int, int]:
        """Return where it stands in a whole frame of so many bytes, and what it covers: from, to.

        start: how many of them are the start's. What the frame is too short for is below 0.
        """
        begin, end = (_place(position, size, start) for position in self.over)
        return _place(self.at, size, start), begin, end

    def flaw(self, whole: bytes, start: int) -> WrongChecksum | None:
        """Return what is wrong with the checksum of a frame whose start has so many bytes."""
        at, begin, end = self.places(len(whole), start)
        found = whole[at : at + self.size] if at >= 0 else b""
        if len(found) < self.size or not 0 <= begin <= end <= len(whole):
            return WrongChecksum(self._kind)
        computed = self._compute(whole[begin:end]).to_bytes(self.width, self._byteorder)
        if not self._in_hex:
            if found == computed:
                return None
            return WrongChecksum(self._kind, shown(found), shown(computed))
        text = computed.hex().upper()
        if found.upper() == text.encode():
            return None
        return WrongChecksum(self._kind, ascii(found.decode("latin-1"))[1:-1], text)


def shown(data: bytes) -> str:
    return data.hex(" ").upper()


def _place(position: int | str, size: int, start: int) -> int:
    if isinstance(position, str):
        return 0 if position == START else size
    return position + (start if position >= 0 else size)
