"""What framings share that keep the delimiter out of a frame by encoding it."""

from __future__ import annotations

from .delimiter import Delimited

__all__ = ["Encoded"]


class Encoded(Delimited):
    """Frames in an encoding; those that break its rules are garbage."""

    def _plain(self, frame: bytes) -> bytes:
        plain = self._decode(frame)
        if plain is None:
            self.garbage += 1
        return plain or b""

    def _decode(self, frame: bytes) -> bytes | None:
        raise NotImplementedError
