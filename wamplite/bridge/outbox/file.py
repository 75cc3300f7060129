"""The outbox's file: an SQLite database that survives kill -9 and power loss.

WAL, synchronous=FULL, and an exclusive lock, so that two bridges never share a file. Each method is
one transaction. `sent_to` is the highest number that may have been sent: an event at or below it
that is found after a crash was perhaps published, and is sent marked. A damaged file is set aside;
a file of a newer wamplite or of another program is refused.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...core.errors import UsageError
from ...storage.private_file import make_private
from ..device.names import holders
from .memory import OVERHEAD, WaitingEvent

__all__ = ["Store"]

log = logging.getLogger(__name__)

FORMAT = 1
APPLICATION = 0x77616D70  # "wamp"
RESERVE = 10_000  # numbers that may be given out until the file is updated
SCHEMA = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, port TEXT NOT NULL, since REAL NOT NULL, at REAL NOT NULL,
    data BLOB NOT NULL);
"""


class DroppedRow(NamedTuple):
    """The facts that are counted when an event is dropped."""

    seq: int
    port: str
    size: int


def unusable(path: str) -> str:
    """Return what prevents an outbox's file from being made or written, or ""."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    for place in (folder, Path(path)):
        if place.exists() and not os.access(place, os.W_OK):
            return f"{place} cannot be written"
    return "it is a folder" if Path(path).is_dir() else ""


class Store:
    """One open file. Hold `lock` over calls that have to stay together."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.RLock()  # guards the database, and the order of what is done to it
        self._database = self._open()
        self._found_sent_to = int(self._state("sent_to", 0))
        self.next = self._prepare()

    # ---- opening

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_checked()
        except sqlite3.DatabaseError as exc:
            if isinstance(exc, sqlite3.OperationalError):
                raise UsageError(f"outbox {self.path}: {self._explained(exc)}") from exc
            aside = set_aside(self.path)
            log.error("outbox %s is damaged (%s): set aside as %s", self.path, exc, aside)
            return self._open_checked()

    def _explained(self, exc: sqlite3.OperationalError) -> str:
        if "locked" in str(exc):
            return f"in use by {', '.join(holders(self.path)) or 'another bridge'}"
        return unusable(self.path) or str(exc)

    def _open_checked(self) -> sqlite3.Connection:
        make_private(str(self.path))
        database = sqlite3.connect(
            self.path, timeout=1.0, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._refuse_foreign(database)
            for pragma in ("cache_size=-512", "journal_mode=WAL", "journal_size_limit=4194304"):
                database.execute(f"PRAGMA {pragma}")
            database.execute("PRAGMA synchronous=FULL")
            database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(found)
            database.execute(f"PRAGMA application_id={APPLICATION}")
            database.execute(f"PRAGMA user_version={FORMAT}")
        except BaseException:
            database.close()
            raise
        return database

    def _refuse_foreign(self, database: sqlite3.Connection) -> None:
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != APPLICATION:
            raise UsageError(f"outbox {self.path}: the database of another program")
        if version > FORMAT:
            raise UsageError(
                f"outbox {self.path}: written by a newer wamplite (format {version});"
                f" this one knows format {FORMAT}"
            )

    def _prepare(self) -> int:
        """Return the next number; convert the times of an earlier boot into times of this one."""
        boot, now = boot_id(), time.monotonic()
        with self.lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if self._state("boot", "") != boot:
                self._database.execute(
                    "UPDATE event SET since = ? - max(0, ? - at)", (now, time.time())
                )
                self._set("boot", boot)
            following = max(int(self._state("next", 1)), self.last() + 1)
            self._set("next", following + RESERVE)
        self._reserved = following + RESERVE
        return following

    def _state(self, name: str, default: Any) -> Any:
        row = self._database.execute("SELECT value FROM state WHERE name=?", (name,)).fetchone()
        return row[0] if row else default

    def _set(self, name: str, value: object) -> None:
        self._database.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    # ---- reading

    def tally(self) -> dict[str, tuple[int, int]]:
        """Return number and size in memory of the events of each port."""
        with self.lock:
            rows = self._database.execute(
                "SELECT port, count(*), sum(length(data)) FROM event GROUP BY port"
            ).fetchall()
        return {port: (number, size + number * OVERHEAD) for port, number, size in rows}

    def last(self) -> int:
        """Return the highest number in the file, 0 if it is empty."""
        with self.lock:
            return int(self._database.execute("SELECT max(seq) FROM event").fetchone()[0] or 0)

    def load(self, after: int, limit: int) -> list[WaitingEvent]:
        """Return the oldest events with higher numbers than `after`."""
        with self.lock:
            rows = self._database.execute(
                "SELECT seq, port, since, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, limit),
            ).fetchall()
        sent_to = self._found_sent_to
        return [
            WaitingEvent(seq, port, since, data, seq <= sent_to) for seq, port, since, data in rows
        ]

    def oldest(self, after: int, number: int, size: int, before: float) -> list[DroppedRow]:
        """Return the oldest: at least `number`, at least `size` bytes, all from before `before`."""
        found: list[DroppedRow] = []
        with self.lock:
            for seq, port, length, since in self._database.execute(
                "SELECT seq, port, length(data), since FROM event WHERE seq > ? ORDER BY seq",
                (after,),
            ):
                if len(found) >= number and size <= 0 and since >= before:
                    break
                found.append(DroppedRow(seq, port, length + OVERHEAD))
                size -= length + OVERHEAD
        return found

    # ---- transactions

    def commit(
        self,
        *,
        add: Sequence[WaitingEvent] = (),
        gone_to: int = 0,
        drop: Iterable[DroppedRow] = (),
        sent_to: int = 0,
        following: int = 0,
    ) -> None:
        """Add events, delete confirmed and dropped ones, record `sent_to`: all of it or nothing."""
        offset = time.time() - time.monotonic()
        with self.lock:
            execute = self._database.execute
            execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(
                    "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)",
                    [(e.seq, e.port, e.since, e.since + offset, e.data) for e in add],
                )
                execute("DELETE FROM event WHERE seq <= ?", (gone_to,))
                self._database.executemany(
                    "DELETE FROM event WHERE seq = ?", [(row.seq,) for row in drop]
                )
                self._set("sent_to", max(sent_to, self._found_sent_to))
                if following >= self._reserved - RESERVE // 2:
                    self._reserved = following + RESERVE
                    self._set("next", self._reserved)
                execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    execute("ROLLBACK")
                raise

    def close(self, following: int) -> None:
        """Record the exact next number, and close the file."""
        with self.lock:
            try:
                self._set("next", following)
            finally:
                self._database.close()

    def start_over(self) -> Path:
        """Set the file aside, for it is damaged, and begin another; returns the new name."""
        with self.lock:
            self._database.close()
            aside = set_aside(self.path)
            self._database = self._open_checked()
            return aside


def set_aside(path: str) -> Path:
    """Rename a file and the two that SQLite keeps beside it; returns the new name."""
    aside = Path(f"{path}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.replace(path + suffix, f"{aside}{suffix}")
    return aside


def boot_id() -> str:
    """Return the id of this boot: monotonic times can be compared only within one boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{time.time_ns()}"
