"""The frames of WAMP-RawSocket: a header of four octets and a payload; pure (RFC "RawSocket").

RRRR XTTT | 24 bit length | payload    T: 0 message, 1 PING, 2 PONG; X: 2^24 octets exactly
"""

from __future__ import annotations

from struct import Struct

from ..core.errors import ProtocolError, UsageError
from .base import MOST, MessageTooLarge

MESSAGE, PING, PONG = 0, 1, 2
X_BIT = 0x0800_0000
MOST_PARTS = 1024
NO_PARTS: list[bytes] = []  # of what is complete: made once, it lies amid nothing that others free
_HEADER = Struct(">I")
_header, _packed = _HEADER.unpack_from, _HEADER.pack


def frame(payload: bytes, kind: int = MESSAGE) -> bytes:
    """Return the payload with its header."""
    size = len(payload)
    if size >= MOST:
        if size > MOST:
            raise UsageError(f"a RawSocket frame holds at most {MOST} octets, not {size}")
        size = X_BIT
    return _packed(kind << 24 | size) + payload


class Framer:
    """Bytes in; payloads and PINGs out. Knows no socket.

    After a violation `error` is set, what was complete before it has been returned, and no more
    is read. A payload is collected as it comes: a declared length allocates nothing.
    """

    __slots__ = (
        "_is_between", "_kind", "_limit", "_longest", "_missing", "_parts", "_rest", "_size",
        "error", "knows_pings", "pings",
    )  # fmt: skip

    def __init__(self, limit: int) -> None:
        self.accept(limit)
        self.error: ProtocolError | None = None
        self.pings: list[bytes] = []  # payloads to answer; the reader takes them
        self.knows_pings = False  # one PING or PONG came
        self._is_between = True  # two frames: nothing of the next one is here, and no error
        self._rest = b""  # less than a header
        self._parts = NO_PARTS  # of the unfinished frame, where octets are missing
        self._kind = MESSAGE
        self._size = 0  # of its payload
        self._missing = 0

    def accept(self, limit: int) -> None:
        """Take payloads of up to so many octets from now on."""
        self._limit = limit
        self._longest = min(limit, MOST - 1)  # without the X bit, which MOST itself has

    @property
    def buffered(self) -> int:
        """How many octets of an unfinished frame are here."""
        missing = self._missing
        return max(self._size - missing, 0) if missing else 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads of the messages that `data` completes."""
        end, limit = len(data), self._longest
        if self._is_between and 4 < end <= limit + 4:
            (size,) = _header(data)
            if size == end - 4:  # one message, and nothing else: so are most receives
                return [data[4:]]
        elif self.error is not None:
            return []
        payloads: list[bytes] = []
        pos = self._resume(data, payloads) if self._missing else 0
        if self._rest:
            data, self._rest = self._rest + data, b""
        end = len(data)
        last = end - 4
        while pos <= last:
            (size,) = _header(data, pos)
            start = pos + 4
            if size and size <= limit:  # a message: type and reserved bits are 0
                pos = start + size
                if pos <= end:
                    payloads.append(data[start:pos])
                else:
                    self._begin(MESSAGE, data[start:], pos - end)
            else:
                pos = self._other(size, data, start, payloads)
        if pos < end:
            self._rest = data[pos:]
        self._is_between = not (self._missing or self._rest or self.error)
        return payloads

    def check(self) -> None:
        """Raise the violation that was found, if any."""
        if self.error is not None:
            raise type(self.error)(*self.error.args)  # a fresh one: it holds the frames it passes

    def _other(self, header: int, data: bytes, start: int, payloads: list[bytes]) -> int:
        """Read what is not an ordinary message; return where the next frame starts.

        After a violation that is the end of what is here.
        """
        kind, size = header >> 24 & 7, header & 0xFFFFFF
        if header & X_BIT:
            size = MOST if not size else self._fail(f"the X bit with a length of {size}")
        if header >> 28 or kind > PONG:
            self._fail(f"reserved bits or frame type in {header:08x}")
        elif size > self._limit:
            text = f"a frame of {size} octets, the limit is {self._limit}"
            self._fail(text, MessageTooLarge)
        elif not size and kind == MESSAGE:
            self._fail("a message of no octets")
        if self.error is not None:
            return len(data)
        stop = start + size
        if stop <= len(data):
            self._done(kind, data[start:stop], payloads)
        else:
            self._begin(kind, data[start:], stop - len(data))
        return stop

    def _begin(self, kind: int, part: bytes, missing: int) -> None:
        self._kind, self._parts, self._size = kind, [part], len(part) + missing
        self._missing = missing

    def _resume(self, data: bytes, payloads: list[bytes]) -> int:
        """Go on with an unfinished frame; return where the next one starts."""
        stop, parts = self._missing, self._parts
        parts.append(data if len(data) <= stop else data[:stop])
        self._missing = max(stop - len(data), 0)
        if not self._missing:
            self._parts = NO_PARTS
            self._done(self._kind, b"".join(parts), payloads)
        elif len(parts) > MOST_PARTS:  # a dribble: its parts weigh more than their octets
            self._parts = [b"".join(parts)]
        return min(stop, len(data))

    def _done(self, kind: int, payload: bytes, payloads: list[bytes]) -> None:
        if kind == MESSAGE:
            payloads.append(payload)
            return
        self.knows_pings = True
        if kind == PING:
            self.pings.append(payload)

    def _fail(self, what: str, kind: type[ProtocolError] = ProtocolError) -> int:
        if self.error is None:
            self.error = kind(f"RawSocket: {what}")
        return 0
