"""Frames of a fixed size, after an optional start."""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import setting
from ...schema import Whole
from .counted import Counted, CountedSettings
from .framing import framing_kind

__all__ = ["KIND", "Fixed", "FixedSettings"]


@dataclass(frozen=True, kw_only=True)
class FixedSettings(CountedSettings):
    """`size` bytes, after a start if there is one."""

    size: int = setting(Whole(1, 65536), "bytes of a frame, without its start", example=10)

    def make(self) -> Fixed:
        return Fixed(self.size, self.start, self.gap)


class Fixed(Counted):
    """Frames of `size` bytes."""

    def __init__(self, size: int, start: bytes = b"", gap: float = 0.0) -> None:
        super().__init__(start, gap)
        self._bytes = size

    def _size(self, begin: int) -> int | None:
        return self._bytes


KIND = framing_kind("fixed", FixedSettings, "size")
