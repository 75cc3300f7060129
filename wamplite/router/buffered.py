"""The bound on what all connections together hold: left over in outboxes, or half received.

Each connection has bounds of its own; a thousand of them would still be 2 GiB. A connection is
noted when what it holds grows, which a small message never makes it do. What has shrunk since is
found out only when the noted sum passes the bound: so a note costs the same however many there are.
"""

from __future__ import annotations

from typing import Protocol

from ..locks import Condition, Lock

PATIENCE = 0.5  # seconds that a reader waits for others to go


class Holder(Protocol):
    """A connection, as this bound sees it."""

    @property
    def held(self) -> int:
        """How many bytes it holds now; 0 once it has ended."""

    def evict(self) -> None:
        """End it: it is the largest, and all together hold too much."""


class TotalBound:
    """What all connections together hold."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()  # guards the next three
        self._gone = Condition(self._lock)  # notified when one that was evicted has gone
        self._noted: dict[Holder, int] = {}  # -> as it was when it last grew
        self._sum = 0  # of the noted
        self._evicted: dict[Holder, int] = {}  # on their way out: they do not count any more

    def note(self, holder: Holder) -> None:
        """Note what a connection holds, and end the largest if that is too much in all."""
        with self._lock:
            held = 0 if holder in self._evicted else holder.held
            self._sum += held - self._noted.pop(holder, 0)
            if held:
                self._noted[holder] = held
            largest = self._find_largest() if self._sum > self.most else None
        if largest is not None:
            largest.evict()

    @property
    def is_full(self) -> bool:
        """Tell whether `wait` may wait."""
        return bool(self._evicted)

    def wait(self, holder: Holder) -> None:
        """Wait a moment where those that were ended still hold too much beside all others.

        For who reads more, before it does; not for who has the routing role.
        """
        if self._evicted:
            with self._lock:
                self._gone.wait_for(lambda: self._has_room(holder), PATIENCE)

    def forget(self, holder: Holder) -> bool:
        """Forget a connection that has ended; True if it was ended here."""
        with self._lock:
            self._sum -= self._noted.pop(holder, 0)
            if holder not in self._evicted:
                return False
            del self._evicted[holder]
            self._gone.notify_all()
        return True

    def _has_room(self, holder: Holder) -> bool:
        going = sum(self._evicted.values())
        return not going or holder in self._evicted or self._sum + going <= self.most

    def _find_largest(self) -> Holder | None:
        """Count again; return who is to go, if it is still too much (under the lock)."""
        self._noted = {holder: size for holder in self._noted if (size := holder.held)}
        self._sum = sum(self._noted.values())
        if self._sum <= self.most:
            return None
        largest = max(self._noted, key=self._noted.__getitem__)
        self._evicted[largest] = size = self._noted.pop(largest)
        self._sum -= size
        return largest
