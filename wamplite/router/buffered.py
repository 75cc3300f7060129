"""The bound on what all connections together hold: left over in outboxes, or half received.

Each connection has bounds of its own; a thousand of them would still be 2 GiB. A connection is
noted when what it holds grows, which a small message never makes it do. What has shrunk since is
found out only when the noted sum passes the bound: so a note costs the same however many there are.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Holder(Protocol):
    """A connection, as this bound sees it."""

    @property
    def held(self) -> int:
        """How many bytes it holds now; 0 once it has ended."""

    def evict(self) -> None:
        """End it: it is the largest, and all together hold too much."""


class Buffered:
    """What all connections together hold."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()  # guards the next three
        self._noted: dict[Holder, int] = {}  # -> as it was when it last grew
        self._sum = 0  # of the noted
        self._evicted: set[Holder] = set()  # those on their way out do not count any more

    def note(self, holder: Holder) -> None:
        """Note what a connection holds, and end the largest if that is too much in all."""
        with self._lock:
            held = 0 if holder in self._evicted else holder.held
            self._sum += held - self._noted.pop(holder, 0)
            if held:
                self._noted[holder] = held
            largest = self._find_largest() if self._sum > self._most else None
        if largest is not None:
            largest.evict()

    def forget(self, holder: Holder) -> bool:
        """Forget a connection that has ended; True if it was ended here."""
        with self._lock:
            self._sum -= self._noted.pop(holder, 0)
            evicted = holder in self._evicted
            self._evicted.discard(holder)
        return evicted

    def _find_largest(self) -> Holder | None:
        """Count again; return who is to go, if it is still too much (under the lock)."""
        self._noted = {holder: size for holder in self._noted if (size := holder.held)}
        self._sum = sum(self._noted.values())
        if self._sum <= self._most:
            return None
        largest = max(self._noted, key=self._noted.__getitem__)
        self._sum -= self._noted.pop(largest)
        self._evicted.add(largest)
        return largest
