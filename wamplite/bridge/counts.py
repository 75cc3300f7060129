"""The counts of one port, which add up: read = published + dropped, by reason + waiting.

A frame counts once for each event that is made of it, or once, under the reason, when none is. What
waited on disk from an earlier run counts as read too. Replies to commands are not readings and are
counted apart.

Whatever drops something that a device has sent is handed `count` and tells it the reason and the
number at once; nobody else keeps counters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..locks import Lock

__all__ = [
    "APART",
    "FAILED_REQUESTS",
    "GARBAGE_BYTES",
    "LATE_REPLIES",
    "MOST_REASONS",
    "NOT_PUBLISHED",
    "OTHER",
    "Count",
    "Counts",
]

Count = Callable[[str, int], None]  # the reason, and how many

# What is counted by `count` too, and is no frame
GARBAGE_BYTES = "garbage_bytes"  # that belong to no frame
LATE_REPLIES = "late_replies"  # that came too late, and were thrown away
FAILED_REQUESTS = "failed_requests"
APART = (GARBAGE_BYTES, LATE_REPLIES, FAILED_REQUESTS)

MOST_REASONS = 100  # why frames are refused; a decoder of the user's may say anything
OTHER = "other reasons"
NOT_PUBLISHED = "not published"  # readings for which there is no `publish`


@dataclass(slots=True)
class Counts:
    """What became of all that a port has read; any thread may count."""

    frames: int = 0  # all of them, replies too
    replies: int = 0  # frames that answered a command, or came too late to do so
    bad: int = 0  # frames that could not be understood, or came in part
    read: int = 0
    published: int = 0
    resent: int = 0  # published once more because the router had not confirmed them
    apart: dict[str, int] = field(default_factory=lambda: dict.fromkeys(APART, 0))
    dropped: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)  # guards all above

    def count(self, reason: str, number: int = 1) -> None:
        """Count frames of which no event was made, by the reason; or what is counted apart."""
        if not number:
            return
        with self._lock:
            if reason in self.apart:
                self.apart[reason] += number
                return
            self.frames += number
            self.bad += number
            self.read += number
            if reason not in self.dropped and len(self.dropped) >= MOST_REASONS:
                reason = OTHER
            self.dropped[str(reason)] = self.dropped.get(reason, 0) + number

    def decoded(self) -> None:
        """Count a frame that was understood."""
        with self._lock:
            self.frames += 1

    def replied(self) -> None:
        """Count a frame that was a reply."""
        with self._lock:
            self.frames += 1
            self.replies += 1

    def took(self, number: int) -> None:
        """Count events that were made of frames."""
        with self._lock:
            self.read += number

    def confirm(self, number: int) -> None:
        """Count events that the router has confirmed."""
        with self._lock:
            self.published += number

    def resend(self, number: int) -> None:
        """Count events that are published once more."""
        with self._lock:
            self.resent += number

    def ignore(self, number: int) -> None:
        """Count readings for which no `publish` is configured."""
        if number:
            with self._lock:
                self.read += number
                self.dropped[NOT_PUBLISHED] = self.dropped.get(NOT_PUBLISHED, 0) + number

    def drop(self, reason: str, number: int = 1) -> None:
        """Count events that were dropped; they have been counted as read."""
        with self._lock:
            self.dropped[reason] = self.dropped.get(reason, 0) + number

    def snapshot(self) -> dict[str, Any]:
        """Return all counts of one moment."""
        with self._lock:
            return {
                "frames": self.frames,
                "bad_frames": self.bad,
                "replies": self.replies,
                "read": self.read,
                "published": self.published,
                "resent": self.resent,
                "dropped": dict(sorted(self.dropped.items())),
                **self.apart,
            }
