"""Replies of Modbus RTU in a stream of bytes: which one a request is owed, and where it is; pure.

A reply names its unit and its function and repeats a count or an address; it does not name its
request. So it fits every request of the same shape: who sends the next one must know that no reply
to an earlier one can come any more (see `raw`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..framing.checksums import KINDS

__all__ = ["Expected", "Found", "checksum", "expected_reply", "find", "with_checksum"]

BITS, REGISTERS = (1, 2), (3, 4)
WRITE_ONE, WRITE_MANY = (5, 6), (15, 16)
SHORTEST_REQUEST = 8  # bytes: unit, function, address, count or value, checksum
REFUSED = 0x80  # of the function, in a reply that is an exception
REFUSAL = 5  # bytes: unit, function, code of the exception, checksum


class Expected(NamedTuple):
    """The reply that a request is owed: how it begins, and its size with the checksum, in bytes."""

    request: bytes
    head: bytes
    size: int

    @property
    def unit(self) -> int:
        """The unit that owes it."""
        return self.head[0]

    @property
    def shapes(self) -> tuple[tuple[bytes, int], ...]:
        """The beginnings and sizes that it may have: as a reply, and as an exception."""
        refusal = bytes([self.head[0], self.head[1] | REFUSED])
        return (self.head, self.size), (refusal, REFUSAL)

    @property
    def echo(self) -> bytes:
        """The request, where it cannot be mistaken for the reply; some adapters return it."""
        return b"" if self.head[1] in WRITE_ONE else self.request


class Found(NamedTuple):
    """A reply in the bytes: whose it is (a position in the list of those that are owed)."""

    number: int
    at: int  # of its first byte
    end: int  # behind its last byte
    is_whole: bool  # False: its checksum is wrong


def expected_reply(request: bytes) -> Expected | None:
    """Return what a request is owed; None for a broadcast, and for what is no request."""
    if len(request) < SHORTEST_REQUEST or checksum(request[:-2]) != request[-2:]:
        return None
    unit, function, count = request[0], request[1], int.from_bytes(request[4:6], "big")
    if function in BITS or function in REGISTERS:
        size = (count + 7) // 8 if function in BITS else 2 * count
        head = bytes([unit, function, size & 0xFF])
        size += len(head) + 2
    elif function in WRITE_ONE or function in WRITE_MANY:
        head, size = request[:6], SHORTEST_REQUEST
    else:
        return None
    return Expected(request, head, size) if unit else None


def find(data: bytes, owed: Sequence[Expected], is_over: bool = False) -> Found | None:
    """Find the first reply in the bytes, whole or damaged; a whole one is preferred.

    Bytes before it are noise. While more may come (not is_over), a reply that has begun is waited
    for, whatever stands behind its beginning.
    """
    damaged = None
    at = 0
    while at < len(data):
        for number, expected in enumerate(owed):
            echo = expected.echo
            if echo and data.startswith(echo, at):
                at += len(echo) - 1
                break
            for head, size in expected.shapes:
                piece = data[at : at + size]
                if not (piece.startswith(head) or head.startswith(piece)):
                    continue
                if len(piece) == size:
                    found = Found(number, at, at + size, checksum(piece[:-2]) == piece[-2:])
                    if found.is_whole:
                        return found
                    damaged = damaged or found
                elif not is_over:
                    return None
        at += 1
    return damaged


def checksum(data: bytes) -> bytes:
    """Return the two bytes of the CRC of Modbus."""
    return KINDS["crc16-modbus"].compute(data).to_bytes(2, "little")


def with_checksum(data: bytes) -> bytes:
    """Return a telegram: unit and PDU, and behind them the CRC."""
    return data + checksum(data)
