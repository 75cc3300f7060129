"""The outbox's file: an SQLite database that survives kill -9 and power loss.

Each method is one transaction, and one thread at a time may call: the journal's lock. `sent_to` is
the highest number that may have been sent: an event at or below it that is found after a crash was
perhaps published, and is sent marked. An event keeps the seconds of the boot in which it was put;
the table `boot` says how they become UTC, as well as that boot ever knew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ...core.errors import UsageError
from ...storage.database import FileFormat, is_damage, is_read_only, open_private, unusable
from ..clock import BootClock, Reckoning
from ..device.names import holders
from .queue import OVERHEAD, EarlierBoot, StoredRow, WaitingEvent

__all__ = ["OutboxFile"]

RESERVE = 10_000  # numbers that may be given out until the file is updated
DRIFT = 0.1  # seconds by which a boot's reckoning may change before the file is told
SCHEMA = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boot (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, booted REAL NOT NULL, synchronized INTEGER);
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, port TEXT NOT NULL, boot INTEGER NOT NULL, since REAL NOT NULL,
    data BLOB NOT NULL);
"""
FROM_1 = f"""
ALTER TABLE event RENAME TO old;
{SCHEMA}
INSERT INTO boot SELECT 1, value, (SELECT coalesce(avg(at - since), 0) FROM old), 0
    FROM state WHERE name = 'boot';
INSERT INTO event SELECT seq, port, 1, since, data FROM old;
DROP TABLE old;
"""
UNKNOWN = Reckoning(0.0, False)  # of a boot that the file knows nothing about
FORMAT = FileFormat(0x77616D70, 2, SCHEMA, "FULL", {1: FROM_1})  # 0x77616D70 is "wamp"


class OutboxFile:
    """One open file, with what was found at its opening.

    following: the number for the next event. last: the highest number of an event. tally: number
    and size in memory of the events of each port. latest: UTC of the newest event of an earlier
    boot whose clock seemed to be right, 0 if there is none.

    Raises UsageError for what no waiting mends, sqlite3.OperationalError while a disk is full or
    read-only, and sqlite3.DatabaseError where the file is damaged.
    """

    def __init__(self, path: str, clock: BootClock) -> None:
        self.path = path
        self._clock = clock
        self._opened = clock.now().elapsed
        self._database = self._open()
        try:
            self._read_state()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            return open_private(self.path, FORMAT)
        except sqlite3.OperationalError as exc:
            if "locked" in str(exc):
                users = ", ".join(holders(self.path)) or "another bridge"
                raise UsageError(f"outbox {self.path}: in use by {users}") from exc
            wrong = "" if is_damage(exc) or is_read_only(self.path) else unusable(self.path)
            if wrong:
                raise UsageError(f"outbox {self.path}: {wrong}") from exc
            raise

    def _read_state(self) -> None:
        self.last = int(self._database.execute("SELECT max(seq) FROM event").fetchone()[0] or 0)
        self._found_sent_to = int(self._state("sent_to", 0))
        self._reserved = int(self._state("next", 1))
        self.following = max(self._reserved, self.last + 1)
        self._boots: dict[int, Reckoning] = {}
        self._boot = 0
        for number, boot, booted, synchronized in self._database.execute("SELECT * FROM boot"):
            known = None if synchronized is None else bool(synchronized)
            self._boots[number] = Reckoning(booted, known)
            self._boot = number if boot == self._clock.boot else self._boot
        self._boot = self._boot or max(self._boots, default=0) + 1
        self.tally, self.latest = self._read_tally(), self._read_latest()

    def _state(self, name: str, default: Any) -> Any:
        row = self._database.execute("SELECT value FROM state WHERE name=?", (name,)).fetchone()
        return row[0] if row else default

    def _read_tally(self) -> dict[str, tuple[int, int]]:
        rows = self._database.execute(
            "SELECT port, count(*), sum(length(data)) FROM event GROUP BY port"
        ).fetchall()
        return {port: (number, size + number * OVERHEAD) for port, number, size in rows}

    def _read_latest(self) -> float:
        found = self._database.execute("SELECT boot, max(since) FROM event GROUP BY boot")
        times = [
            self._reckoning(boot).booted + since
            for boot, since in found
            if boot != self._boot and self._reckoning(boot).synchronized is not False
        ]
        return max(times, default=0.0)

    # ---- reading

    def load(self, after: int, limit: int) -> list[WaitingEvent]:
        """Return the oldest events with higher numbers than `after`."""
        rows = self._database.execute(
            "SELECT seq, port, since, data, boot FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        ).fetchall()
        present = self._clock.reckoning()
        events = []
        for seq, port, since, data, boot in rows:
            origin = None if boot == self._boot else EarlierBoot(since, self._reckoning(boot))
            here, sent = self._here(boot, since, present), seq <= self._found_sent_to
            events.append(WaitingEvent(seq, port, here, data, sent, origin))
        return events

    def oldest(self, after: int, number: int, size: int, before: float) -> list[StoredRow]:
        """Return the oldest: at least `number`, at least `size` bytes, all from before `before`."""
        found: list[StoredRow] = []
        present = self._clock.reckoning()
        for seq, port, length, since, boot in self._database.execute(
            "SELECT seq, port, length(data), since, boot FROM event WHERE seq > ? ORDER BY seq",
            (after,),
        ):
            reason = "overflow" if len(found) < number or size > 0 else "expired"
            if reason == "expired" and self._here(boot, since, present) >= before:
                break
            found.append(StoredRow(seq, port, length + OVERHEAD, reason))
            size -= length + OVERHEAD
        return found

    def _reckoning(self, boot: int) -> Reckoning:
        return self._boots.get(boot, UNKNOWN)

    def _here(self, boot: int, since: float, present: Reckoning) -> float:
        """Return when an event was put, in seconds of this boot.

        The time for which the machine was off counts only where both boots have had their time from
        the network: else a clock that was set by hours would make events look old. Without it the
        age begins anew.
        """
        there = self._reckoning(boot)
        if boot == self._boot:
            return since
        if there.synchronized and present.synchronized:
            return min(self._opened, there.booted + since - present.booted)
        return self._opened

    # ---- writing

    def commit(
        self,
        *,
        add: Sequence[WaitingEvent] = (),
        gone_to: int = 0,
        sent_to: int = 0,
        following: int = 0,
    ) -> None:
        """Add events, delete those up to `gone_to`, record `sent_to`: all of it or nothing."""
        execute, set_state = self._database.execute, "INSERT OR REPLACE INTO state VALUES (?, ?)"
        booted, reserved = self._clock.reckoning(), self._reserved
        execute("BEGIN IMMEDIATE")
        try:
            if changed := self._has_changed(booted):
                execute(
                    "INSERT OR REPLACE INTO boot VALUES (?, ?, ?, ?)",
                    (self._boot, self._clock.boot, booted.booted, booted.synchronized),
                )
            self._database.executemany(
                "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)", map(self._row, add)
            )
            execute("DELETE FROM event WHERE seq <= ?", (gone_to,))
            execute(set_state, ("sent_to", max(sent_to, self._found_sent_to)))
            if following >= reserved - RESERVE // 2:
                reserved = following + RESERVE
                execute(set_state, ("next", reserved))
            execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                execute("ROLLBACK")
            with suppress(sqlite3.Error):  # on a full disk, the log itself may be what fills it
                execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raise
        self._reserved = reserved
        if changed:
            self._boots[self._boot] = booted

    def _row(self, entry: WaitingEvent) -> tuple[int, str, int, float, bytes]:
        boot = self._boot if entry.origin is None else 0  # its own boot was in a file before
        return entry.seq, entry.port, boot, entry.since, entry.data

    def _has_changed(self, reckoning: Reckoning) -> bool:
        """Tell whether the file is to be told of it; not of a clock that cannot be right."""
        told = self._boots.get(self._boot)
        if told is None:
            return True
        if reckoning.utc(self._clock.now().elapsed) is None:
            return False
        moved = abs(reckoning.booted - told.booted) > DRIFT
        return moved or reckoning.synchronized != told.synchronized

    def abandon(self) -> None:
        """Let go of a file as it is."""
        with suppress(sqlite3.Error):
            self._database.close()

    def close(self, following: int) -> None:
        """Record the exact next number, forget boots without events, and close the file."""
        execute = self._database.execute
        try:
            execute("INSERT OR REPLACE INTO state VALUES ('next', ?)", (following,))
            execute("DELETE FROM boot WHERE number NOT IN (SELECT boot FROM event)")
        finally:
            self._database.close()
