"""Consistent Overhead Byte Stuffing (Cheshire, Baker 1999), frames ended by 0x00."""

from __future__ import annotations

from dataclasses import dataclass

from ...transports.serial_frames import unstuff
from .encoded import Encoded
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "Cobs", "CobsSettings"]


@dataclass(frozen=True, kw_only=True)
class CobsSettings(BoundedSettings):
    """Consistent Overhead Byte Stuffing, ended by a zero byte."""

    def make(self) -> Cobs:
        return Cobs(self.max_bytes, self.proof)


class Cobs(Encoded):
    """Frames of at most `max_bytes` bytes in COBS (1 more in 254), ended by 0x00."""

    def __init__(self, max_bytes: int = MAX_BYTES, proof: Proof = NO_PROOF) -> None:
        super().__init__(b"\0", max_bytes + max_bytes // 254 + 1, proof)

    def _decode(self, frame: bytes) -> bytes | None:
        return unstuff(frame)


KIND = framing_kind("cobs", CobsSettings)
