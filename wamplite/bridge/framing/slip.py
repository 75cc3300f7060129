"""SLIP, RFC 1055: frames ended (and, by most senders, begun) by 0xC0."""

from __future__ import annotations

from dataclasses import dataclass

from .encoded import Escaped
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "Slip", "SlipSettings"]

END, ESCAPE = b"\xc0", b"\xdb"
ESCAPED = {b"\xdc": END, b"\xdd": ESCAPE}


@dataclass(frozen=True, kw_only=True)
class SlipSettings(BoundedSettings):
    """RFC 1055, ended by 0xC0."""

    def make(self) -> Slip:
        return Slip(self.max_bytes, self.proof)


class Slip(Escaped):
    """Frames of at most `max_bytes` bytes in SLIP, ended by 0xC0."""

    def __init__(self, max_bytes: int = MAX_BYTES, proof: Proof = NO_PROOF) -> None:
        super().__init__(END, ESCAPE, ESCAPED, max_bytes, proof)


KIND = framing_kind("slip", SlipSettings)
