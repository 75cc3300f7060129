"""Frames whose size is known before their end: a fixed size, or a length prefix.

    Fixed            [start] `size` bytes
    LengthPrefixed   [start] length, that many bytes

Neither `start` nor the length is part of the frame. After a lost byte the next frame is found by
`start` or by a pause: a frame that has begun and gets no byte for `gap` seconds is garbage, and the
next byte begins a new one. A device that never pauses needs a start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from .delimited import partial

__all__ = ["Fixed", "LengthPrefixed"]


class _Counted(ABC):
    """Find the start, get the size, take as many bytes."""

    def __init__(self, start: bytes, gap: float) -> None:
        self.overlong = 0
        self.garbage = 0
        self.gap = gap
        self.knows_start = bool(start)
        self._start = start
        self._rest = b""
        self._noise = False  # within garbage that has been counted

    @property
    def pending(self) -> bool:
        return bool(self._rest)

    def reset(self) -> bool:
        cut, self._rest, self._noise = self.pending, b"", False
        return cut

    def idle(self) -> list[bytes]:
        if self.pending and not self._noise:
            self.garbage += 1
        self.reset()
        return []

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        self._rest += data
        frames: list[bytes] = []
        at = 0
        while (begin := self._seek(at)) is not None:
            at = begin
            size = self._size(begin)
            if size is None:
                break
            if size < 0:
                at = begin + 1  # no frame begins here
                continue
            head = begin + self._head()
            if len(self._rest) < head + size:
                break
            self._noise = False
            if size:
                frames.append(self._rest[head : head + size])
            at = head + size
        else:
            at = len(self._rest) - partial(self._rest[at:], self._start)
        self._rest = self._rest[at:]
        return frames

    def _seek(self, at: int) -> int | None:
        """Find where the next frame begins; None when its start has not come yet."""
        begin = self._rest.find(self._start, at)
        found = 0 <= begin < len(self._rest)
        end = begin if found else len(self._rest) - partial(self._rest[at:], self._start)
        if end > at and not self._noise:
            self._noise = True
            self.garbage += 1
        return begin if found else None

    def _head(self) -> int:
        return len(self._start)

    @abstractmethod
    def _size(self, begin: int) -> int | None:
        """Return the size of the frame that begins there; None: not known yet, -1: no frame."""


class Fixed(_Counted):
    """Frames of `size` bytes."""

    def __init__(self, size: int, start: bytes = b"", gap: float = 0.0) -> None:
        super().__init__(start, gap)
        self._bytes = size

    def _size(self, begin: int) -> int | None:
        return self._bytes


class LengthPrefixed(_Counted):
    """Frames of at most `max_bytes` bytes behind a length prefix."""

    def __init__(
        self,
        length_bytes: int = 1,
        byteorder: str = "big",
        includes_header: bool = False,
        *,
        start: bytes = b"",
        gap: float = 0.0,
        max_bytes: int = 4096,
    ) -> None:
        super().__init__(start, gap)
        self._length_bytes = length_bytes
        self._byteorder: Literal["big", "little"] = "little" if byteorder == "little" else "big"
        self._included = len(start) + length_bytes if includes_header else 0
        self._max_bytes = max_bytes

    def _head(self) -> int:
        return len(self._start) + self._length_bytes

    def _size(self, begin: int) -> int | None:
        field = self._rest[begin + len(self._start) : begin + self._head()]
        if len(field) < self._length_bytes:
            return None
        size = int.from_bytes(field, self._byteorder) - self._included
        if 0 <= size <= self._max_bytes:
            return size
        if not self._noise:
            self._noise = True
            self.overlong += size > 0
            self.garbage += size < 0
        return -1
