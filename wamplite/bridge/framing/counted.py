"""What framings share that know the size of a frame before its end.

    fixed      [start] `size` bytes
    length     [start] length, that many bytes

Neither `start` nor the length is part of the frame. After a lost byte the next frame is found by
`start` or by a pause: a frame that has begun and gets no byte for `gap` seconds is garbage, and the
next byte begins a new one. A device that never pauses needs a start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ...keys import setting
from ...units import Duration
from .delimiter import partial
from .framing import StartSettings

__all__ = ["Counted", "CountedSettings"]


@dataclass(frozen=True, kw_only=True)
class CountedSettings(StartSettings):
    """Frames whose size is known before their end."""

    gap: float = setting(
        Duration(0, 60), "silence after which a frame that has begun is dropped; 0: never", 0.1
    )


class Counted(ABC):
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
