"""Frames that end with silence on the line, as those of Modbus RTU and many binary devices."""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import setting
from ...units import Duration
from .cutter import CUT, OVERLONG, Cutter
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "IdleGap", "IdleGapSettings"]


@dataclass(frozen=True, kw_only=True)
class IdleGapSettings(BoundedSettings):
    """The bytes between two silences."""

    gap: float = setting(Duration(0.001, 60), "silence that ends a frame", 0.1)

    def make(self) -> IdleGap:
        return IdleGap(self.gap, self.max_bytes, self.proof)


class IdleGap(Cutter):
    """Frames of at most `max_bytes` with at least `gap` seconds between them.

    The reading thread calls `idle` when nothing has come for that long. Where it was late, the
    times given to `feed` show the gap.
    """

    def __init__(self, gap: float, max_bytes: int = MAX_BYTES, proof: Proof = NO_PROOF) -> None:
        super().__init__(proof)
        self.knows_start = bool(proof)
        self.gap = gap
        self._max_bytes = max_bytes
        self._rest = b""
        self._dropping = False
        self._last: float | None = None

    @property
    def pending(self) -> bool:
        return bool(self._rest) or self._dropping

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        late = now is not None and self._last is not None and now - self._last >= self.gap
        frames = self.idle() if late else []
        self._last = now
        if not self._dropping:
            self._rest += data
        if len(self._rest) > self._max_bytes:
            self.count(OVERLONG, 1)
            self._rest, self._dropping = b"", True
        return frames

    def idle(self) -> list[bytes]:
        frame, self._rest, self._dropping = self._rest, b"", False
        return self._proved([frame], self._proof) if frame else []

    def reset(self) -> None:
        if self._rest:  # what is dropped already has been counted
            self.count(CUT, 1)
        self._start_over()

    def _start_over(self) -> None:
        self._rest, self._dropping, self._last = b"", False, None


KIND = framing_kind("idle-gap", IdleGapSettings, "gap")
