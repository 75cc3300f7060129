"""What waits to be written: pure, without a lock and without whatever will take it.

    put ──> entries, in order ──> next: bytes to write ──> took: so many have gone
                 └── drop_oldest: events that may be dropped, but never the half-written one

An entry is a frame: it goes whole or, while none of it has gone, not at all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


class ByteOutbox:
    """Entries of bytes, the first of them perhaps half gone. `left` bytes in `waiting` entries."""

    __slots__ = ("_entries", "_gone", "left", "waiting")

    def __init__(self) -> None:
        self._entries: list[tuple[bytes, bool]] = []  # (entry, droppable); empty costs little
        self._gone = 0  # bytes of the first entry
        self.left = 0
        self.waiting = 0

    def put(self, entries: Sequence[bytes], droppable: bool = False) -> None:
        """Add entries behind those that wait."""
        for entry in entries:
            self._entries.append((entry, droppable))
            self.left += len(entry)
        self.waiting += len(entries)

    def next(self, most: int) -> bytes | memoryview:
        """Return bytes to write: the rest of the first entry, or as many small ones as `most`."""
        head = self._entries[0][0]
        if self._gone or len(head) >= most:
            return memoryview(head)[self._gone :]
        parts, size = [], 0
        for entry, _ in self._entries:
            size += len(entry)
            if size > most:
                break
            parts.append(entry)
        return b"".join(parts)

    def took(self, number: int) -> None:
        """Take so many bytes off the front: they have gone."""
        self.left -= number
        number += self._gone
        gone = 0
        for entry, _ in self._entries:
            if number < len(entry):
                break
            number -= len(entry)
            gone += 1
        del self._entries[:gone]
        self.waiting -= gone
        self._gone = number

    def drop_oldest(self, size: int, waiting: int = sys.maxsize) -> int:
        """Drop the oldest droppable entries until both bounds are kept; return how many went."""
        dropped, entries = 0, self._entries
        at = 1 if self._gone else 0  # else the next frame would begin in the middle of this one
        while at < len(entries) and (self.left > size or self.waiting > waiting):
            entry, droppable = entries[at]
            if droppable:
                del entries[at]
                self.left -= len(entry)
                self.waiting -= 1
                dropped += 1
            else:
                at += 1
        return dropped

    def clear(self) -> None:
        """Forget all: nobody will take it."""
        self._entries.clear()
        self.left = self.waiting = self._gone = 0
