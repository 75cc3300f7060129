"""What framings share that keep the delimiter out of a frame by encoding it."""

from __future__ import annotations

from .delimiter import Delimited
from .proof import GARBAGE, Proof

__all__ = ["Encoded"]


class Encoded(Delimited):
    """Frames in an encoding; those that break its rules are garbage. What they hold is proved."""

    def __init__(self, delimiter: bytes, max_bytes: int, proof: Proof) -> None:
        super().__init__(delimiter, max_bytes=max_bytes)
        self.knows_start = bool(proof)
        self._content = proof

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        return self._proved(super().feed(data, now), self._content)

    def _plain(self, frame: bytes) -> bytes:
        plain = self._decode(frame)
        if plain is None:
            self.count(GARBAGE, 1)
        return plain or b""

    def _decode(self, frame: bytes) -> bytes | None:
        raise NotImplementedError
