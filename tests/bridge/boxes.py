"""An outbox on disk that remembers what it counted, and a look into its file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.bridge.events import event
from tests.waiting import until
from wamplite.bridge.clock import BootClock
from wamplite.bridge.outbox.journal import EventJournal
from wamplite.bridge.outbox.outbox import Outbox
from wamplite.bridge.outbox.queue import WaitingEvent
from wamplite.bridge.settings import BufferSettings


class StoredBox(Outbox):
    """An outbox that keeps what it was told to count."""

    def __init__(self, path: Path, clock: BootClock | None = None, **more: object) -> None:
        self.dropped: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        settings = BufferSettings(path=str(path), **more)  # type: ignore[arg-type]
        super().__init__(settings, self._count, self._find, clock)

    def _count(self, port: str, reason: str, number: int) -> None:
        self.dropped[reason] += number

    def _find(self, port: str, number: int) -> None:
        self.found[port] += number

    @property
    def journal(self) -> EventJournal:
        assert self._journal is not None
        return self._journal

    @property
    def database(self) -> sqlite3.Connection:
        """What the journal writes to."""
        assert self.journal._file is not None
        return self.journal._file._database

    @property
    def trouble(self) -> str:
        return self.journal.trouble

    @property
    def stored_to(self) -> int:
        return self._queue.stored_to

    def fill(self, *values: object) -> None:
        self.put("a", [event(value) for value in values])

    @property
    def handed_out(self) -> int:
        """How many events have been handed out and not confirmed."""
        return self._queue.flying

    def await_stored(self) -> None:
        until(lambda: self.stored_to == self._queue.following - 1, "stored")

    def crash(self) -> None:
        """Leave the file as kill -9 leaves it, and let go of it."""
        self.journal._ending.set()
        self.journal._thread.join()
        if self.journal._file is not None:
            self.database.close()


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
