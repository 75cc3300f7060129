"""Bytes in, frames out: where one frame of a serial device ends and the next begins.

Every framing is bounded, finds its way back after lost or foreign bytes, and counts what it
dropped: `overlong` frames, and `garbage`, stretches of bytes that belong to no frame. The same
bytes make the same frames, however they come in pieces.

`Lines`: a line ends at LF or CRLF. A stream in which no LF has come yet may be a device that ends
its lines with CR alone, so until the first LF a CR ends a line too; after it, a CR is a byte like
others (binary between text holds some). A line longer than the bound is dropped whole, and after it
nothing is taken for granted: the next CR or LF ends it. Lines of white space alone are no frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from .counted_frames import Fixed, LengthPrefixed
from .delimited_frames import Cobs, Delimited, Slip
from .idle_gap import IdleGap
from .settings import FramingSettings

__all__ = ["FRAMINGS", "MAX_BYTES", "Framing", "Lines", "make_framing"]

MAX_BYTES = 4096

_CR_OR_LF = re.compile(rb"[\r\n]")
_LF = re.compile(rb"\n")


class Framing(Protocol):
    """Cuts a stream into frames.

    knows_start: its frames cannot begin in the middle, so the first after an opening is whole.
    gap: after so many seconds without a byte, while something is `pending`, `idle` wants to be
    called; 0: never.
    """

    overlong: int
    garbage: int
    knows_start: bool
    gap: float

    @property
    def pending(self) -> bool:
        """Tell whether a frame has begun and not ended."""
        ...

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        """Take what was read (at that time, if known) and return the frames that it completed."""
        ...

    def idle(self) -> list[bytes]:
        """Hear that nothing has come for `gap` seconds; return what that completed."""
        ...

    def reset(self) -> bool:
        """Forget what is unfinished (the line was cut); True when that was something."""
        ...


class Lines:
    """Lines of at most `max_bytes` (and a CR), ended by LF, CRLF or CR."""

    knows_start = False
    gap = 0.0

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.overlong = 0
        self.garbage = 0
        self._start_over()

    def _start_over(self) -> None:
        self._rest = b""
        self._end = _CR_OR_LF
        self._dropping = False

    @property
    def pending(self) -> bool:
        return bool(self._rest.strip())

    def reset(self) -> bool:
        cut = self.pending
        self._start_over()
        return cut

    def idle(self) -> list[bytes]:
        return []

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        buffer = self._rest + data
        frames: list[bytes] = []
        start = 0
        while True:
            match = self._end.search(buffer, start)
            end = match.start() if match else len(buffer)
            if not self._dropping and end - start > self.max_bytes + 1:
                start += self.max_bytes + 2
                self._drop()
                continue
            if match is None:
                break
            line = buffer[start:end]
            if line.strip() and not self._dropping:
                frames.append(line)
            self._dropping = False
            if match[0] == b"\n":
                self._end = _LF
            start = end + 1
        self._rest = b"" if self._dropping else buffer[start:]
        return frames

    def _drop(self) -> None:
        self.overlong += 1
        self._dropping = True
        self._end = _CR_OR_LF


# Those that need no settings.
FRAMINGS: dict[str, Callable[[], Framing]] = {"lines": Lines, "cobs": Cobs, "slip": Slip}


def make_framing(settings: FramingSettings) -> Framing:
    """Make the framing that the settings describe."""
    return _MAKERS[settings.kind](settings)


_MAKERS: dict[str, Callable[[FramingSettings], Framing]] = {
    "lines": lambda settings: Lines(settings.max_bytes),
    "delimiter": lambda settings: Delimited(settings.delimiter, settings.start, settings.max_bytes),
    "fixed": lambda settings: Fixed(settings.size, settings.start, settings.gap),
    "length": lambda settings: LengthPrefixed(
        settings.length_bytes,
        settings.byteorder,
        settings.includes_header,
        start=settings.start,
        gap=settings.gap,
        max_bytes=settings.max_bytes,
    ),
    "cobs": lambda settings: Cobs(settings.max_bytes),
    "slip": lambda settings: Slip(settings.max_bytes),
    "idle-gap": lambda settings: IdleGap(settings.gap, settings.max_bytes),
}
