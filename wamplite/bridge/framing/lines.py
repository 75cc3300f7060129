"""Bytes in, frames out: where one frame of a serial device ends and the next begins.

Every framing is bounded, finds the next frame after lost or foreign bytes, and counts what it
dropped: `overlong` frames, and `garbage`, runs of bytes that belong to no frame. The same bytes
make the same frames, in whatever pieces they come.

`Lines`: a line ends at LF or CRLF. Until the first LF a CR ends a line too, for the device may end
its lines with CR only; after it, a CR is a byte like others (binary data between lines holds some).
A line longer than the bound is dropped whole, and the next CR or LF ends it, as at the beginning.
Lines that hold only white space are no frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from ..settings import FramingSettings
from .counted import Fixed, LengthPrefixed
from .delimited import Cobs, Delimited, Slip
from .idle_gap import IdleGap

__all__ = ["FRAMINGS", "MAX_BYTES", "Framing", "Lines", "make_framing"]

MAX_BYTES = 4096

_CR_OR_LF = re.compile(rb"[\r\n]")
_LF = re.compile(rb"\n")


class Framing(Protocol):
    """Cuts a stream into frames.

    knows_start: a frame is found by its start, so the first after an opening is whole.
    gap: seconds without a byte after which `idle` has to be called while a frame is `pending`;
    0: never.
    """

    overlong: int
    garbage: int
    knows_start: bool
    gap: float

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        ...

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        """Take what was read, at the monotonic time `now`; return the frames that it completed."""
        ...

    def idle(self) -> list[bytes]:
        """Note that nothing has come for `gap` seconds; return the frames that this completed."""
        ...

    def reset(self) -> bool:
        """Drop what is unfinished: the device is lost. True where a frame was cut off by that."""
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


# The framings that need no settings.
FRAMINGS: dict[str, Callable[[], Framing]] = {"lines": Lines, "cobs": Cobs, "slip": Slip}


def make_framing(settings: FramingSettings) -> Framing:
    """Return the framing that the settings describe."""
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
