"""What all framings have: a proof of their frames, and whom they tell what they dropped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

from ..counts import GARBAGE_BYTES, Count
from .proof import GARBAGE, NO_PROOF, Proof

__all__ = ["BETWEEN", "CUT", "NOT_YET", "OVERLONG", "Anchored", "Cutter", "Taken", "partial"]

OVERLONG, CUT = "overlong", "cut off"  # why a frame is dropped, beside those of a proof
BETWEEN = b"\r\n\0 \x02\x03"  # what may stand between frames: line ends, STX, ETX


class Taken(NamedTuple):
    """What begins some bytes: a frame with its size, or none and why.

    size: of all that the device sent for it; 0: no frame begins there; None: that is not known yet.
    frame: b"" where it has nothing to decode.
    """

    size: int | None
    frame: bytes = b""
    flaw: str = ""


NOT_YET = Taken(None)


class Anchored(Protocol):
    """A framing that can tell of one place whether a frame begins there."""

    start: bytes
    gap: float
    knows_start: bool
    has_lines: bool

    def take(self, data: bytes, ended: bool) -> Taken:
        """Judge what begins `data`, a start; `ended`: for `gap` seconds nothing has come."""
        ...


class Cutter(ABC):
    """Counts runs of bytes of which no frame is made, by the reason."""

    has_lines = False

    def __init__(self, proof: Proof = NO_PROOF) -> None:
        self.count: Count = lambda reason, number: None
        self._proof = proof
        self._noise = False  # within garbage that has been counted

    @property
    @abstractmethod
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""

    @abstractmethod
    def _start_over(self) -> None:
        """Forget all that has come."""

    def reset(self) -> None:
        """Drop what is unfinished: the device is lost."""
        if self.pending:
            self.count(CUT, 1)
        self._start_over()

    def _drop_noise(self, size: int) -> None:
        """Count bytes that belong to no frame, and once that there are some."""
        if not self._noise:
            self.count(GARBAGE, 1)
        self.count(GARBAGE_BYTES, size)
        self._noise = True

    def _proved(self, frames: list[bytes], proof: Proof) -> list[bytes]:
        """Leave those out that the proof refutes."""
        return [frame for frame in frames if not self._is_refuted(frame, proof)]

    def _is_refuted(self, frame: bytes, proof: Proof) -> bool:
        flaw = proof.flaw(frame, 0)
        if flaw:
            self.count(flaw, 1)
            self.count(GARBAGE_BYTES, len(frame))
        return bool(flaw)


def partial(data: bytes, word: bytes) -> int:
    """Return how many bytes at the end of `data` may be the beginning of `word`."""
    return next((n for n in range(len(word) - 1, 0, -1) if data.endswith(word[:n])), 0)
