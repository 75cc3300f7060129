"""A file that follows what is kept in memory: SQLite, written by a thread of its own.

    put (the routing role) ──> waiting ──> one transaction for all that waits ──> done, each

Whoever holds the routing role never waits for a disk: it puts down what is to be written, and is
told when it has been. What has been told so outlives kill -9 (WAL, synchronous=NORMAL: a power cut
may cost the last moments, and never the file). What nobody waits for is held back for HOLD seconds,
for the sake of SD cards. A disk that is full costs what was to be written, which is counted in
`faults` and logged once a minute; nobody is kept waiting for it, who was to be told is told. The
file is `behind` from then on, until all of it is replaced. A damaged file is set aside.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..core.errors import UsageError
from ..locks import Condition
from .database import FileFormat, is_damage, open_private, set_aside, unusable

logger = logging.getLogger("wamplite.router")

APPLICATION = 0x77616D71  # "wamq"
FORMAT = 1
HOLD = 0.5  # seconds
MOST = 10_000  # statements that wait
CHECKED = 500  # statements, until what the disk says is looked at
QUIET = 60.0  # seconds between two warnings
CLOSING = 5.0  # seconds for the thread to end
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # even the words for it may be damaged

Values = Callable[[], Sequence[Any]]  # made by the writing thread


class Statement(NamedTuple):
    """One thing to write, and whom to tell."""

    sql: str
    values: Values
    done: Callable[[], None] | None
    clearing: str = ""  # executed before: then `values` returns rows, which replace all there were


class Journal:
    """One file, open for this process only. Raises UsageError where it cannot be had."""

    def __init__(self, path: str, schema: str, on_behind: Callable[[], None] | None = None) -> None:
        self.path = path
        self.faults = 0  # statements that could not be written
        self.behind = False  # some could not, and the file is not what it should be
        self._on_behind = on_behind  # called each time that something could not be written
        self._schema = schema
        self._database = self._open()
        self._changed = Condition()  # guards the next three
        self._waiting: list[Statement] = []
        self._urgent = False
        self._ended = False
        self._unchecked = 0  # statements written since it was looked at
        self._warned = -QUIET
        self._thread = threading.Thread(target=self._run, name="wamplite-journal", daemon=True)
        self._thread.start()

    def load(self, sql: str) -> list[Any]:
        """Return rows that are in the file, none where it is damaged; before anything is put."""
        try:
            return self._database.execute(sql).fetchall()
        except DAMAGE as error:
            self.start_anew(str(error))
            return []

    def start_anew(self, why: str) -> None:
        """Set the file aside for its damage, and begin another; before anything is put."""
        self._database.close()
        self._set_aside(why)
        self._database = self._open_checked()

    def put(self, sql: str, values: Values, done: Callable[[], None] | None = None) -> None:
        """Have a statement executed; `done` is called by the writing thread once it is stored.

        Any thread; it never waits.
        """
        with self._changed:
            if len(self._waiting) < MOST and not self._ended:
                self._waiting.append(Statement(sql, values, done))
                if done is not None or len(self._waiting) == 1:
                    self._urgent = self._urgent or done is not None
                    self._changed.notify()
                return
            self.faults += 1
        self._fall_behind("more waits to be written than the disk takes")
        if done is not None:
            done()

    def replace(self, clearing: str, sql: str, rows: Values) -> None:
        """Have all rows of a table replaced, at once or not at all; `clearing` deletes them."""
        with self._changed:
            if not self._ended:
                self._waiting.append(Statement(sql, rows, None, clearing))
                self._changed.notify()

    def close(self) -> None:
        """Write what waits, and close the file."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(CLOSING)

    # ---- the writing thread

    def _run(self) -> None:
        try:
            while batch := self._next():
                self._write(batch)
                for statement in batch:
                    if statement.done is not None:
                        statement.done()
        finally:
            self._database.close()

    def _next(self) -> list[Statement]:
        """Wait for something to write; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            self._changed.wait_for(lambda: self._urgent or self._ended, HOLD)
            batch, self._waiting, self._urgent = self._waiting, [], False
        return batch

    def _write(self, batch: list[Statement]) -> None:
        execute = self._database.execute
        try:
            execute("BEGIN IMMEDIATE")
            for statement in batch:
                if statement.clearing:
                    execute(statement.clearing)
                    self._database.executemany(statement.sql, statement.values())
                else:
                    execute(statement.sql, statement.values())
            execute("COMMIT")
            self.behind = self.behind and not any(statement.clearing for statement in batch)
            self._check(len(batch))
        except Exception as error:  # a disk, or a value: nobody may wait for ever
            self.faults += sum(not statement.clearing for statement in batch)
            self._fall_behind(str(error))
            with suppress(sqlite3.Error):
                if self._database.in_transaction:
                    execute("ROLLBACK")

    def _check(self, number: int) -> None:
        """Move what is in the log into the file, now and then: else nobody hears that it fails."""
        self._unchecked += number
        if self._unchecked >= CHECKED:
            self._unchecked = 0
            self._database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _fall_behind(self, why: str) -> None:
        self.behind = True
        self._warn(why)
        if self._on_behind is not None:
            self._on_behind()

    def _warn(self, why: str) -> None:
        now = time.monotonic()
        if now - self._warned >= QUIET:
            self._warned = now
            logger.warning("%s: %d things could not be stored: %s", self.path, self.faults, why)

    # ---- opening

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_checked()
        except DAMAGE as error:
            if not is_damage(error):
                raise UsageError(f"{self.path}: {self._explained(error)}") from error
            self._set_aside(str(error))
            return self._open_checked()

    def _open_checked(self) -> sqlite3.Connection:
        return open_private(self.path, FileFormat(APPLICATION, FORMAT, self._schema, "NORMAL"))

    def _set_aside(self, why: str) -> None:
        aside = set_aside(self.path)
        logger.error("%s is damaged (%s): set aside as %s", self.path, why, aside)

    def _explained(self, error: Exception) -> str:
        if "locked" in str(error):
            return "another router uses it"
        return unusable(self.path) or str(error)
