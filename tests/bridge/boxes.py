"""An outbox on disk that remembers what it counted, and a look into its file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.bridge.events import event
from tests.waiting import until
from wamplite.bridge.outbox.memory import WaitingEvent
from wamplite.bridge.outbox.stored import StoredOutbox
from wamplite.bridge.settings import BufferSettings


class StoredBox(StoredOutbox):
    """An outbox that keeps what it was told to count."""

    def __init__(self, path: Path, **more: object) -> None:
        self.dropped: Counter[str] = Counter()
        super().__init__(BufferSettings(path=str(path), **more), self._count)  # type: ignore[arg-type]

    def _count(self, port: str, reason: str, number: int) -> None:
        self.dropped[reason] += number

    def fill(self, *values: object) -> None:
        self.put("a", [event(value) for value in values])

    @property
    def handed_out(self) -> int:
        """How many events have been handed out and not confirmed."""
        return len(self._flying)

    def await_stored(self) -> None:
        until(lambda: self.stored_to == self._next - 1, "stored")

    def crash(self) -> None:
        """Leave the file as kill -9 leaves it, and let go of it."""
        self._ending.set()
        self._thread.join()
        self._store._database.close()


def rows(path: Path) -> list[int]:
    """Return the numbers of the events in a file that nobody has open."""
    with closing(sqlite3.connect(path)) as database:
        return [seq for (seq,) in database.execute("SELECT seq FROM event ORDER BY seq")]


def all_of(box: StoredBox, limit: int = 100) -> list[WaitingEvent]:
    """Take and confirm everything."""
    found: list[WaitingEvent] = []
    while len(box):
        batch = box.take(limit, 5.0)
        found += batch
        box.confirm(batch)
    return found
