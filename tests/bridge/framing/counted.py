"""What a framing tells of what it drops."""

from __future__ import annotations

from collections import Counter

from wamplite.bridge.framing.framing import Framing

__all__ = ["told"]


def told(*framings: Framing) -> Counter[str]:
    """Return the numbers by their reason, as framings tell them from now on."""
    counts: Counter[str] = Counter()

    def count(reason: str, number: int) -> None:
        counts[reason] += number

    for framing in framings:
        framing.count = count
    return counts
