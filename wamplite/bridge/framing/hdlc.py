"""Asynchronous HDLC, as PPP (RFC 1662) and SHDLC have it: frames between flags, 0x7E."""

from __future__ import annotations

from dataclasses import dataclass

from .encoded import Escaped
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "Hdlc", "HdlcSettings"]

FLAG, ESCAPE = b"\x7e", b"\x7d"
ESCAPED = {bytes([byte]): bytes([byte ^ 0x20]) for byte in range(256)}


@dataclass(frozen=True, kw_only=True)
class HdlcSettings(BoundedSettings):
    """Between flags, 0x7E, one of which may end a frame and begin the next; escaped by 0x7D."""

    def make(self) -> Hdlc:
        return Hdlc(self.max_bytes, self.proof)


class Hdlc(Escaped):
    """Frames of at most `max_bytes` bytes between flags; an escape before a flag takes it back."""

    def __init__(self, max_bytes: int = MAX_BYTES, proof: Proof = NO_PROOF) -> None:
        super().__init__(FLAG, ESCAPE, ESCAPED, max_bytes, proof, start=FLAG)


KIND = framing_kind("hdlc", HdlcSettings)
