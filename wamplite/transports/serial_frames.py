"""Frames for a line that loses and damages bytes: COBS, a checksum, a zero byte at the end (pure).

    frame = COBS(header | message | CRC-32 of both, little-endian) 0x00

    header  bits 0-3  serializer, as in RawSocket: 1 JSON, 2 MessagePack, 3 CBOR; 0: no message
            bits 4-5  number of the session, chosen anew with each HELLO: what is left of the one
                      before, in some buffer, can never be taken for a part of this one
            bit  6    RESET: the sender has no session, the receiver drops its own
            bit  7    keep-alive: a sign of life, without a message

COBS leaves no zero byte within a frame, so whatever has happened, the next zero byte is an end: a
damaged frame costs itself, and the one behind it where the damage hit the zero byte between them.
Nothing is sent again. docs/serial-line.md tells all that two ends must agree on.
"""

from __future__ import annotations

from binascii import crc32
from typing import NamedTuple

END = b"\0"
RESET = 0x40
KEEP_ALIVE = 0x80
NUMBERS = 4  # of sessions that can be told apart
SERIALIZERS = {"json": 1, "msgpack": 2, "cbor": 3}
OVERHEAD = 5  # bytes of header and checksum
RUN = 254  # the longest run of bytes without a zero that one code stands for


class Frame(NamedTuple):
    """A frame that arrived whole."""

    header: int
    message: bytes

    @property
    def serializer(self) -> int:
        """What the message is written in."""
        return self.header & 15

    @property
    def number(self) -> int:
        """The number of the session it belongs to."""
        return self.header >> 4 & 3

    @property
    def is_reset(self) -> bool:
        """Tell whether the sender has no session."""
        return bool(self.header & RESET)


def header(serializer: str, number: int) -> int:
    """Return the header of a message within a session."""
    return SERIALIZERS[serializer] | number << 4


def encode(head: int, message: bytes = b"") -> bytes:
    """Return a frame as it stands on the line."""
    body = bytes((head,)) + message
    return stuff(body + crc32(body).to_bytes(4, "little")) + END


def decode(stuffed: bytes) -> Frame | None:
    """Return the frame between two zero bytes; None where it is damaged."""
    data = unstuff(stuffed)
    if data is None or len(data) < OVERHEAD:
        return None
    body = data[:-4]
    if crc32(body) != int.from_bytes(data[-4:], "little"):
        return None
    return Frame(body[0], body[1:])


def stuff(data: bytes) -> bytes:
    """Return `data` in COBS, without its end."""
    parts: list[bytes] = []
    runs = data.split(END)
    for at, run in enumerate(runs, 1):
        start = 0
        while len(run) - start >= RUN:
            parts += (b"\xff", run[start : start + RUN])
            start += RUN
        rest = run[start:]
        if rest or not start or at < len(runs):  # the last run may end with a code of its own
            parts += (bytes((len(rest) + 1,)), rest)
    return b"".join(parts)


def unstuff(stuffed: bytes) -> bytes | None:
    """Return what COBS stands for; None where a code points beyond the end."""
    parts = []
    at, end = 0, len(stuffed)
    while at < end:
        code = stuffed[at]
        after = at + code
        if not code or after > end:
            return None
        parts.append(stuffed[at + 1 : after])
        if code <= RUN and after < end:
            parts.append(END)
        at = after
    return b"".join(parts)


def longest(message: int) -> int:
    """Return how many bytes a frame takes at most, for a message of so many."""
    size = message + OVERHEAD
    return size + size // RUN + 2


class Unframer:
    """Bytes in, frames out. Holds no more than the longest frame.

    `damaged` counts what lay between two zero bytes and was no frame, `overlong` what was longer
    than the longest frame.
    """

    __slots__ = ("_most", "_rest", "_skipping", "damaged", "limit", "overlong")

    def __init__(self, limit: int) -> None:
        self.limit = limit  # bytes of a message
        self.damaged = 0
        self.overlong = 0
        self._most = longest(limit) - 1  # the end is not kept
        self._rest = bytearray()
        self._skipping = False  # in the middle of something overlong

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes."""
        frames: list[Frame] = []
        *ends, rest = data.split(END)
        for end in ends:
            self._keep(end)
            if self._rest and not self._skipping:
                self._finish(frames)
            self._rest.clear()
            self._skipping = False
        self._keep(rest)
        return frames

    def _keep(self, part: bytes) -> None:
        if self._skipping or not part:
            return
        if len(self._rest) + len(part) > self._most:
            self.overlong += 1
            self._skipping = True
            self._rest.clear()
        else:
            self._rest += part

    def _finish(self, frames: list[Frame]) -> None:
        frame = decode(bytes(self._rest))
        if frame is None:
            self.damaged += 1
        elif len(frame.message) > self.limit:
            self.overlong += 1
        else:
            frames.append(frame)
