"""SLIP, RFC 1055: frames ended (and, by most senders, begun) by 0xC0."""

from __future__ import annotations

from dataclasses import dataclass

from .cutter import OVERLONG
from .encoded import Encoded
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "Slip", "SlipSettings"]


@dataclass(frozen=True, kw_only=True)
class SlipSettings(BoundedSettings):
    """RFC 1055, ended by 0xC0."""

    def make(self) -> Slip:
        return Slip(self.max_bytes, self.proof)


class Slip(Encoded):
    """Frames of at most `max_bytes` bytes in SLIP (escaped: up to twice as many), ended by 0xC0."""

    def __init__(self, max_bytes: int = MAX_BYTES, proof: Proof = NO_PROOF) -> None:
        super().__init__(b"\xc0", 2 * max_bytes, proof)
        self._most = max_bytes

    def _decode(self, frame: bytes) -> bytes | None:
        plain = from_slip(frame)
        if plain is None or len(plain) <= self._most:
            return plain
        self.count(OVERLONG, 1)
        return b""


def from_slip(data: bytes) -> bytes | None:
    """Replace the escapes of SLIP; None where an escape is not valid (RFC 1055)."""
    head, *escaped = data.split(b"\xdb")
    try:
        return head + b"".join(_ESCAPED[part[:1]] + part[1:] for part in escaped)
    except KeyError:
        return None


_ESCAPED = {b"\xdc": b"\xc0", b"\xdd": b"\xdb"}


KIND = framing_kind("slip", SlipSettings)
