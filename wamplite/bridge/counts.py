"""The books of one device: frames = published + dropped, by reason + waiting.

Each entry has one writer: the port's thread writes `frames` and the reasons of the intake, the
publisher's thread writes `published`, `resent` and its own reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """What became of the frames; made by the bridge, read when its figures are logged."""

    frames: int = 0
    published: int = 0
    resent: int = 0  # published once more because nobody had confirmed them
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, number: int = 1) -> None:
        """Count frames that went no further."""
        self.dropped[reason] = self.dropped.get(reason, 0) + number
