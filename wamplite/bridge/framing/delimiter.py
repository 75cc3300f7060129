"""Frames between an optional start and a delimiter, both of any length; neither is part of it.

Bytes before `start` are garbage. Where `start` comes again within a frame, the end of the first
frame was lost: it is garbage, and the second one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import setting
from ...schema import Bytes
from .framing import MAX_BYTES, BoundedSettings, StartSettings, framing_kind

__all__ = ["KIND", "Delimited", "DelimiterSettings", "partial"]


@dataclass(frozen=True, kw_only=True)
class DelimiterSettings(BoundedSettings, StartSettings):
    """The bytes before a delimiter, or between a start and a delimiter; neither is part of it."""

    delimiter: bytes = setting(
        Bytes(), "what ends a frame, of one byte or more", b"\n", example="\r\n"
    )

    def make(self) -> Delimited:
        return Delimited(self.delimiter, self.start, self.max_bytes)


class Delimited:
    """Frames of 1 to `max_bytes` bytes between an optional start and a delimiter."""

    gap = 0.0

    def __init__(self, delimiter: bytes, start: bytes = b"", max_bytes: int = MAX_BYTES) -> None:
        self.overlong = 0
        self.garbage = 0
        self.knows_start = bool(start)
        self._delimiter = delimiter
        self._start = start
        self._max_bytes = max_bytes
        self._forget()

    def _forget(self) -> None:
        self._rest = b""
        self._inside = not self._start
        self._noise = False  # within garbage that has been counted

    @property
    def pending(self) -> bool:
        return bool(self._rest) and self._inside and not self._noise

    def reset(self) -> bool:
        cut = self.pending
        self._forget()
        return cut

    def idle(self) -> list[bytes]:
        return []

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        self._rest += data
        frames: list[bytes] = []
        while self._seek() and (frame := self._next()) is not None:
            if frame := self._newest(frame):
                frames.append(frame)
        return frames

    def _seek(self) -> bool:
        """Drop the bytes before the start; False when there is no start yet."""
        if self._inside:
            return True
        before, start, after = self._rest.partition(self._start)
        if not start:
            keep = partial(self._rest, self._start)
            before, after = self._rest[: len(self._rest) - keep], self._rest[-keep:] * bool(keep)
        self._count_noise(before)
        self._rest = after
        self._inside = bool(start)
        self._noise = self._noise and not start
        return self._inside

    def _count_noise(self, data: bytes) -> None:
        if data.strip(b"\r\n\0 ") and not self._noise:  # these may stand between frames
            self._noise = True
            self.garbage += 1

    def _next(self) -> bytes | None:
        """Take the bytes before the delimiter; None when there is no delimiter yet."""
        frame, delimiter, after = self._rest.partition(self._delimiter)
        if delimiter:
            self._rest = after
            self._inside = not self._start
            return frame
        if len(self._rest) >= self._max_bytes + len(self._delimiter):
            self._give_up()
            return b"" if self._start else None
        return None

    def _give_up(self) -> None:
        """Drop a frame that is too long, up to the next start or else the next delimiter."""
        if not self._noise:
            self.overlong += 1
        self._noise = True
        if self._start:
            self._inside = False
        else:
            self._rest = self._rest[len(self._rest) - len(self._delimiter) + 1 :]

    def _newest(self, frame: bytes) -> bytes:
        """Return the bytes after the last start in a frame; b"" where it is dropped."""
        if self._noise and not self._start:  # the end of a frame that is too long
            self._noise = False
            return b""
        if self._start and self._start in frame:
            self.garbage += 1
            frame = frame[frame.rindex(self._start) + len(self._start) :]
        if len(frame) > self._max_bytes:
            self.overlong += 1
            return b""
        return self._plain(frame)

    def _plain(self, frame: bytes) -> bytes:
        return frame


def partial(data: bytes, word: bytes) -> int:
    """Return how many bytes at the end of `data` may be the beginning of `word`."""
    return next((n for n in range(len(word) - 1, 0, -1) if data.endswith(word[:n])), 0)


KIND = framing_kind("delimiter", DelimiterSettings, "delimiter")
