"""Events in a file: how what a feature keeps of them is written and read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import serializers
from .journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY, topic TEXT NOT NULL, publication INTEGER NOT NULL,
    time REAL NOT NULL, session INTEGER NOT NULL, data BLOB NOT NULL);
"""


class StoredEvents:
    """Events by number; what they say is JSON as WAMP has it, so binary values survive."""

    def __init__(self, path: str) -> None:
        self._journal = Journal(path, SCHEMA)
        self._json = serializers.get("json")

    @property
    def faults(self) -> int:
        """How many could not be written or deleted."""
        return self._journal.faults

    def load(self) -> list[tuple[int, str, int, float, int, list[Any]]]:
        """Return all: number, topic, publication, time, session, and what was said (see `add`)."""
        rows = self._journal.load("SELECT * FROM event ORDER BY number")
        return [(*row[:5], self._json.loads(row[5])) for row in rows]

    def add(
        self,
        number: int,
        topic: str,
        publication: int,
        time: float,
        session: int,
        said: list[Any],
        done: Callable[[], None] | None = None,
    ) -> None:
        """Write an event; `done` is called, by another thread, once it is stored.

        said: args, kwargs, details, and the options that say who gets it.
        """

        def values() -> list[Any]:
            return [number, topic, publication, time, session, self._json.dumps(said)]

        self._journal.put("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?)", values, done)

    def remove(self, number: int, done: Callable[[], None] | None = None) -> None:
        """Delete an event."""
        self._journal.put("DELETE FROM event WHERE number = ?", lambda: [number], done)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._journal.close()
