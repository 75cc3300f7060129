"""Frames of a fixed size, after an optional start."""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import setting
from ...schema import Whole
from .counted import Counted, CountedSettings
from .framing import framing_kind
from .proof import NO_PROOF, Extent, Proof

__all__ = ["KIND", "Fixed", "FixedSettings"]


@dataclass(frozen=True, kw_only=True)
class FixedSettings(CountedSettings):
    """`size` bytes, after a start if there is one."""

    size: int = setting(Whole(1, 65536), "bytes of a frame, without its start", example=10)

    @property
    def extent(self) -> Extent:
        return Extent(len(self.start), self.size, True, len(self.end), what="end")

    @property
    def sizes(self) -> range:
        size = self.size + (len(self.start) if self.keep else 0)
        return range(size, size + 1)

    def make(self) -> Fixed:
        return Fixed(self.size, self.start, self.gap, keep=self.keep, proof=self.proof)


class Fixed(Counted):
    """Frames of `size` bytes behind their start."""

    def __init__(
        self,
        size: int,
        start: bytes = b"",
        gap: float = 0.0,
        *,
        keep: bool = False,
        proof: Proof = NO_PROOF,
    ) -> None:
        super().__init__(start, gap, keep, proof)
        self._bytes = len(start) + size

    def _head(self) -> int:
        return len(self.start)

    def _size(self, begin: int) -> int | None:
        return self._bytes


KIND = framing_kind("fixed", FixedSettings, "size")
