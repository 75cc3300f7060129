"""Lines of text: a line ends at LF or CRLF, and neither is part of it.

Until the first LF a CR ends a line too, for the device may end its lines with CR only; after it, a
CR that no LF follows is a byte like others (binary data between lines holds some). A line longer
than the bound is dropped whole, and the next CR or LF ends it, as at the beginning. Lines that hold
only white space are no frames.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .cutter import OVERLONG, Cutter
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Proof

__all__ = ["KIND", "Lines", "LinesSettings"]

_CR_OR_LF = re.compile(rb"[\r\n]")
_LF = re.compile(rb"\n")


@dataclass(frozen=True, kw_only=True)
class LinesSettings(BoundedSettings):
    """A line without its end: LF, CRLF, or CR as long as no LF came; blank lines are dropped."""

    has_line_ends = True

    def make(self) -> Lines:
        return Lines(self.max_bytes, self.proof)


class Lines(Cutter):
    """Lines of at most `max_bytes`, ended by LF, CRLF or CR."""

    gap = 0.0
    has_lines = True

    def __init__(self, max_bytes: int = MAX_BYTES, proof: Proof = NO_PROOF) -> None:
        super().__init__(proof)
        self.knows_start = bool(proof)
        self.max_bytes = max_bytes
        self._start_over()

    def _start_over(self) -> None:
        self._rest = b""
        self._end = _CR_OR_LF
        self._dropping = False

    @property
    def pending(self) -> bool:
        return bool(self._rest.strip())

    def idle(self) -> list[bytes]:
        return []

    def feed(self, data: bytes, now: float | None = None) -> list[bytes]:
        buffer = self._rest + data
        frames: list[bytes] = []
        start = 0
        while True:
            match = self._end.search(buffer, start)
            end = match.start() if match else len(buffer)
            if not self._dropping and end - start > self.max_bytes + 1:
                start += self.max_bytes + 2
                self._drop()
                continue
            if match is None:
                break
            line = buffer[start:end]
            start = end + 1
            if match[0] == b"\n":
                self._end = _LF
                line = line.removesuffix(b"\r")
            if self._dropping:
                self._dropping = False
            elif len(line) > self.max_bytes:
                self.count(OVERLONG, 1)
            elif line.strip():
                frames.append(line)
        self._rest = b"" if self._dropping else buffer[start:]
        return self._proved(frames, self._proof) if self._proof else frames

    def _drop(self) -> None:
        self.count(OVERLONG, 1)
        self._dropping = True
        self._end = _CR_OR_LF


KIND = framing_kind("lines", LinesSettings)
