"""Frames behind a length prefix, after an optional start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...config import Location
from ...keys import setting
from ...schema import Flag, Text, Whole
from .counted import Counted, CountedSettings
from .framing import MAX_BYTES, BoundedSettings, framing_kind

__all__ = ["KIND", "LengthPrefixed", "LengthSettings"]


@dataclass(frozen=True, kw_only=True)
class LengthSettings(BoundedSettings, CountedSettings):
    """As many bytes as a length prefix says."""

    length_bytes: int = setting(Whole(1, 4), "bytes of the length: 1, 2 or 4", 1)
    byteorder: str = setting(Text("big", "little"), "which byte of the length comes first", "big")
    includes_header: bool = setting(Flag(), "the length counts the start and itself too", False)

    def check(self, at: Location) -> None:
        if self.length_bytes == 3:
            (at / "length_bytes").wrong("expected 1, 2 or 4, not 3")

    def make(self) -> LengthPrefixed:
        return LengthPrefixed(
            self.length_bytes,
            self.byteorder,
            self.includes_header,
            start=self.start,
            gap=self.gap,
            max_bytes=self.max_bytes,
        )


class LengthPrefixed(Counted):
    """Frames of at most `max_bytes` bytes behind a length prefix."""

    def __init__(
        self,
        length_bytes: int = 1,
        byteorder: str = "big",
        includes_header: bool = False,
        *,
        start: bytes = b"",
        gap: float = 0.0,
        max_bytes: int = MAX_BYTES,
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


KIND = framing_kind("length", LengthSettings, "length_bytes")
