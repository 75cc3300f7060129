"""What framings share that keep the delimiter out of a frame by encoding it."""

from __future__ import annotations

from collections.abc import Mapping

from .cutter import OVERLONG
from .delimiter import Delimited
from .proof import GARBAGE, Proof

__all__ = ["Encoded", "Escaped"]


class Encoded(Delimited):
    """Frames in an encoding; those that break its rules are garbage. What they hold is proved."""

    _between_flags = b""

    def __init__(self, delimiter: bytes, max_bytes: int, proof: Proof, start: bytes = b"") -> None:
        super().__init__(delimiter, start, max_bytes)
        self.knows_start = bool(start) or bool(proof)
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


class Escaped(Encoded):
    """Frames in which an escape and another byte stand for a byte that must not be there.

    escaped: what each byte behind an escape stands for. An encoded frame may have twice the bytes.
    """

    def __init__(
        self,
        delimiter: bytes,
        escape: bytes,
        escaped: Mapping[bytes, bytes],
        max_bytes: int,
        proof: Proof,
        start: bytes = b"",
    ) -> None:
        super().__init__(delimiter, 2 * max_bytes, proof, start)
        self._most = max_bytes
        self._escape = escape
        self._escaped = escaped

    def _decode(self, frame: bytes) -> bytes | None:
        head, *parts = frame.split(self._escape)
        try:
            plain = head + b"".join(self._escaped[part[:1]] + part[1:] for part in parts)
        except KeyError:
            return None
        if len(plain) <= self._most:
            return plain
        self.count(OVERLONG, 1)
        return b""
