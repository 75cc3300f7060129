"""An outbox that outlives its process: what waits for longer than HOLD is written to a file.

    put ──> fresh ──(not confirmed after HOLD)──> file ──take──> flying ──confirm──> gone
                 └──────────── take ────────────────────────────────^

While the router is there nothing is written, which spares an SD card; while it is away, one
transaction in HOLD seconds writes all that has come. What has been committed (`stored_to`) is not
lost by kill -9 or a power cut. Before an event of the file is sent, the file records that: after a
crash it is sent again, marked. While the disk is full, events are kept in memory.

Lock order: the store's, then the outbox's. The devices' threads take only the outbox's.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter
from typing import Any

from ...locks import Latch
from ..settings import BufferSettings
from .file import DroppedRow, Store
from .memory import Drop, Outbox, WaitingEvent

__all__ = ["StoredOutbox"]

log = logging.getLogger(__name__)

HOLD = 0.5  # seconds that an event waits before it is written
PAUSE = 0.2  # seconds until a file that could not be read is asked again
RETRY = 5.0  # seconds between two attempts to write to a full disk


class StoredOutbox(Outbox):
    """First in, first out, in a file."""

    def __init__(self, settings: BufferSettings, drop: Drop) -> None:
        super().__init__(settings, drop)
        self._store = Store(settings.path)
        self._next = self._store.next
        self.restored: dict[str, int] = {}
        self._rows = 0  # in the file and not taken yet
        for port, (number, size) in self._store.tally().items():
            self.restored[port] = self._waiting[port] = number
            self._rows += number
            self._bytes += size
        self.stored_to = self._store.last()  # what has been committed
        self._storing_to = self.stored_to  # what is being written, or has been
        self._taken_to = 0
        self._gone_to = 0  # up to here the file has deleted
        self.trouble = ""
        self._retry_at = 0.0
        self._ending = Latch()
        self._thread = threading.Thread(target=self._run, name="wamplite-store", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def _number(self) -> int:
        return super()._number() + self._rows

    def _make_room(self, now: float) -> None:
        if not self._rows:
            super()._make_room(now)
            return
        # The writing thread drops the older ones in the file; here those in memory are bounded.
        while len(self._fresh) > self.settings.max_messages:
            self._forget(self._fresh.popleft(), "overflow")

    # ---- the publisher's thread

    def _has_any(self) -> bool:
        return self._rows > 0 or super()._has_any()

    def take(self, limit: int, seconds: float | None = None) -> list[WaitingEvent]:
        """Hand out the oldest, those of the file first, which the file records before."""
        with self._changed:
            self._changed.wait_for(self._has_some, seconds)
            if self._held:
                return []
            if not self._rows:
                return self._take_fresh(limit)
        with self._store.lock:
            try:
                batch = self._store.load(self._taken_to, limit)
            except sqlite3.DatabaseError as exc:
                self._suffer(exc)
                batch = []
            with self._changed:
                self._rows -= len(batch)
                self._flying.extend(batch)
                self._taken_to = batch[-1].seq if batch else self._taken_to
            if batch:
                self._tell_sent()
        if not batch:
            self._ending.wait(PAUSE)  # the file cannot be read now
        return batch

    def _take_fresh(self, limit: int) -> list[WaitingEvent]:
        """Hand out events in memory (the condition is held, and released meanwhile)."""
        self._expire(time.monotonic())
        batch = [self._fresh.popleft() for _ in range(min(limit, len(self._fresh)))]
        self._flying.extend(batch)
        self._full = self._full and not batch
        if batch:
            self._taken_to = batch[-1].seq
            if batch[0].seq <= self._storing_to:
                self._changed.release()
                try:
                    with self._store.lock:
                        self._tell_sent()
                finally:
                    self._changed.acquire()
        return batch

    def _tell_sent(self) -> None:
        """Record in the file what is sent now (the store's lock is held)."""
        gone_to = self._done_to()
        try:
            self._store.commit(gone_to=gone_to, sent_to=self._taken_to, following=self._next)
            self._gone_to = gone_to
        except sqlite3.DatabaseError as exc:
            self._suffer(exc)

    def _done_to(self) -> int:
        """Return the number up to which all have been confirmed."""
        with self._changed:
            return self._flying[0].seq - 1 if self._flying else self._taken_to

    # ---- the writing thread

    def _run(self) -> None:
        while not self._ending.wait(HOLD / 2):
            try:
                self._write(HOLD)
            except Exception:  # a fault of ours must not end the thread
                log.exception("outbox %s", self._store.path)

    def _write(self, hold: float) -> None:
        """Write what has waited for `hold` seconds, and delete what is confirmed."""
        if time.monotonic() < self._retry_at:
            return
        with self._store.lock:
            with self._changed:
                batch = self._unwritten(hold)
                self._storing_to = batch[-1].seq if batch else self._storing_to
                gone_to = self._done_to()
            try:
                drop, reasons = self._too_much()
                stale = self._gone_to < min(gone_to, self.stored_to)
                if not (batch or drop or stale):
                    return
                self._store.commit(
                    add=batch,
                    gone_to=gone_to,
                    drop=drop,
                    sent_to=self._taken_to,
                    following=self._next,
                )
            except sqlite3.DatabaseError as exc:
                self._suffer(exc)
                return
            self._wrote(batch, drop, reasons, gone_to)

    def _unwritten(self, hold: float) -> list[WaitingEvent]:
        flying = [entry for entry in self._flying if entry.seq > self.stored_to]
        found = [*flying, *self._fresh]
        return found if found and time.monotonic() - found[0].since >= hold else []

    def _too_much(self) -> tuple[list[DroppedRow], dict[int, str]]:
        """Find what the file holds beyond its bounds (the store's lock is held)."""
        now, settings = time.monotonic(), self.settings
        before = now - settings.max_age if settings.max_age > 0 else 0.0
        number = size = 0
        if settings.overflow == "drop-oldest":
            with self._changed:
                number = self._number() - settings.max_messages
                size = self._bytes - settings.max_bytes
        if not self._rows:
            return [], {}
        rows = self._store.oldest(self._taken_to, number, size, before)
        reasons = {}
        for at, row in enumerate(rows):
            reasons[row.seq] = "overflow" if at < number or size > 0 else "expired"
            size -= row.size
        return rows, reasons

    def _wrote(
        self,
        batch: list[WaitingEvent],
        drop: list[DroppedRow],
        reasons: dict[int, str],
        gone_to: int,
    ) -> None:
        """Update the queues after a commit."""
        with self._changed:
            self._gone_to = gone_to
            if batch:
                self.stored_to = batch[-1].seq
            while self._fresh and self._fresh[0].seq <= self.stored_to:
                self._fresh.popleft()
                self._rows += 1
            for row in drop:
                self._rows -= 1
                self._bytes -= row.size
                self._waiting[row.port] -= 1
                self._drop(row.port, reasons[row.seq], 1)
                if reasons[row.seq] == "overflow":
                    self._say_full()
            self._changed.notify_all()
        if self.trouble:
            log.warning("outbox %s: written again", self._store.path)
            self.trouble = ""

    def _suffer(self, exc: sqlite3.DatabaseError) -> None:
        """Keep events in memory while the disk is full; begin another file if this is damaged."""
        if not isinstance(exc, sqlite3.OperationalError):
            self._start_over(exc)
            return
        self._retry_at = time.monotonic() + RETRY
        if str(exc) != self.trouble:
            self.trouble = str(exc)
            log.error("outbox %s: %s; kept in memory until it works", self._store.path, exc)

    def _start_over(self, exc: sqlite3.DatabaseError) -> None:
        aside = self._store.start_over()
        log.error("outbox %s is damaged (%s): set aside as %s", self._store.path, exc, aside)
        with self._changed:
            alive = Counter(entry.port for entry in (*self._flying, *self._fresh))
            for port, number in list(self._waiting.items()):
                if number > alive[port]:
                    self._drop(port, "damaged", number - alive[port])
            self._waiting = alive
            self._bytes = sum(entry.size for entry in (*self._flying, *self._fresh))
            self._rows = 0
            self.stored_to = self._storing_to = self._taken_to

    # ---- its end

    def end(self) -> None:
        """Write all that has not been confirmed, and close the file."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(1.0)
        self._retry_at = 0.0
        self._write(-1.0)
        try:
            self._store.close(self._next)
        except sqlite3.DatabaseError as exc:
            log.error("outbox %s: %s", self._store.path, exc)

    def figures(self) -> dict[str, Any]:
        """Return what can be told about it."""
        figures = {"waiting": len(self), "stored_to": self.stored_to}
        return {**figures, "trouble": self.trouble} if self.trouble else figures
