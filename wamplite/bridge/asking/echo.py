"""What a device or an adapter sends back of what was written to it: it is no reply; pure.

The echo of a text is each of its lines, without control characters, whatever line end the device
puts behind them; the echo of bytes is those bytes. What comes before the echo, and all that is not
the echo, is passed on.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ..framing.cutter import partial

__all__ = ["Echo"]

LINE_ENDS = b"\r\n"
LINE = re.compile(rb"([^\x00-\x1f]+)([\r\n]?)")  # a Ctrl-Z is not echoed, as a rule


class EchoPart(NamedTuple):
    """Bytes that are expected back until a monotonic time."""

    data: bytes
    has_end: bool  # a line end comes behind them
    until: float


class Echo:
    """Takes the echo out of what a device sends, on its thread; any thread may expect one."""

    def __init__(self) -> None:
        self._parts: deque[EchoPart] = deque()
        self._held = b""  # may be the beginning of an echo

    @property
    def is_owed(self) -> bool:
        """Whether an echo has not come yet."""
        return bool(self._parts)

    def expect(self, data: bytes, is_text: bool, until: float) -> None:
        """Expect what was written to come back until a monotonic time."""
        lines = LINE.findall(data) if is_text else [(data, b"")]
        self._parts.extend(EchoPart(line, bool(end), until) for line, end in lines)

    def forget(self) -> None:
        """Expect nothing: the device is lost."""
        self._parts.clear()
        self._held = b""

    def sift(self, data: bytes, now: float) -> Iterator[bytes]:
        """Yield what is no echo of what has come by now; what came before an echo apart."""
        while self._parts and now >= self._parts[0].until:
            self._parts.popleft()
        self._held += data
        while self._parts:
            begin, end = self._find(self._parts[0])
            piece, self._held = self._held[:begin], self._held[end:]
            yield piece
            if begin == end:
                return
            self._parts.popleft()
        piece, self._held = self._held, b""
        yield piece

    def _find(self, part: EchoPart) -> tuple[int, int]:
        """Return where the part begins and ends; twice where it may begin, if it is not whole."""
        held, size = self._held, len(part.data)
        at = held.find(part.data)
        while at >= 0 and part.has_end and held[at + size : at + size + 1].strip(LINE_ENDS):
            at = held.find(part.data, at + 1)
        if at < 0:
            at = len(held) - partial(held, part.data)
            return at, at
        end = at + size + part.has_end
        return (at, end) if end <= len(held) else (at, at)
