"""Telegrams of Modbus/TCP in a stream of bytes; pure.

    transaction (2)  0 (2)  size of what follows (2)  unit (1)  PDU: function, data

(MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3). The PDU is that of RTU; a checksum
there is none. A reply repeats the transaction of its request, so a late one is known for what it
is. There is no start to look for: bytes that are no telegram leave a stream that cannot be trusted.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["LAST_TRANSACTION", "NoTelegram", "Telegram", "Telegrams"]

HEADER = struct.Struct(">HHHB")
BEFORE_UNIT = 6  # bytes; the size counts from the unit on
SIZES = range(2 + 1, 254 + 1)  # of unit and PDU: function and a byte, up to 253 bytes
LAST_TRANSACTION = 0xFFFF


class NoTelegram(Exception):
    """Bytes that are no telegram of Modbus/TCP."""


class Telegram(NamedTuple):
    """A request or a reply."""

    transaction: int
    unit: int
    pdu: bytes

    def encoded(self) -> bytes:
        """Return its bytes."""
        return HEADER.pack(self.transaction, 0, 1 + len(self.pdu), self.unit) + self.pdu


class Telegrams:
    """Cuts a stream into telegrams."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Telegram]:
        """Take what was read; return the telegrams that it completed, or raise NoTelegram."""
        self._rest += data
        found = []
        while len(self._rest) >= HEADER.size:
            transaction, protocol, size, unit = HEADER.unpack_from(self._rest)
            if protocol or size not in SIZES:
                raise NoTelegram(f"not Modbus/TCP: {self._rest[: HEADER.size].hex(' ')}")
            end = BEFORE_UNIT + size
            if len(self._rest) < end:
                break
            found.append(Telegram(transaction, unit, self._rest[HEADER.size : end]))
            self._rest = self._rest[end:]
        return found

    def reset(self) -> None:
        """Drop what is unfinished: the connection is lost."""
        self._rest = b""
