"""What all framings have: a proof of their frames, and counts of what they dropped."""

from __future__ import annotations

from .proof import GARBAGE, NO_PROOF, WRONG, Proof

__all__ = ["OVERLONG", "Cutter", "partial"]

OVERLONG = "overlong"  # why a frame is dropped, beside those of a proof


class Cutter:
    """Counts runs of bytes of which no frame was made, by reason, since it was made."""

    def __init__(self, proof: Proof = NO_PROOF) -> None:
        self.overlong = 0  # frames above the bound
        self.wrong = 0  # frames that their checksum refutes
        self.garbage = 0  # runs of bytes that belong to no frame
        self.garbage_bytes = 0  # ... and how many those are
        self._proof = proof
        self._noise = False  # within garbage that has been counted

    def _tally(self, flaw: str) -> None:
        """Count a run of bytes of which no frame is made, and why."""
        self.wrong += flaw == WRONG
        self.garbage += flaw == GARBAGE
        self.overlong += flaw == OVERLONG

    def _drop_noise(self, size: int) -> None:
        """Count bytes that belong to no frame, and once that there are some."""
        self.garbage += not self._noise
        self.garbage_bytes += size
        self._noise = True

    def _proved(self, frames: list[bytes], proof: Proof) -> list[bytes]:
        """Leave those out that the proof refutes."""
        return [frame for frame in frames if not self._is_refuted(frame, proof)]

    def _is_refuted(self, frame: bytes, proof: Proof) -> bool:
        flaw = proof.flaw(frame, 0)
        if flaw:
            self._tally(flaw)
            self.garbage_bytes += len(frame)
        return bool(flaw)


def partial(data: bytes, word: bytes) -> int:
    """Return how many bytes at the end of `data` may be the beginning of `word`."""
    return next((n for n in range(len(word) - 1, 0, -1) if data.endswith(word[:n])), 0)
