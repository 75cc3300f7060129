"""What keeps the events of an outbox in a file: a thread that writes, and gives them back.

    fresh ──(not confirmed after `write_every`)──> file ──load──> flying ──confirmed──> deleted

While the router is there nothing is written, which spares an SD card; while it is away, what has
come in `write_every` seconds is written together, in batches of a bounded size. What has been
committed (`stored_to`) is not lost by kill -9 or a power cut. Before an event of the file is sent,
the file records that: after a crash it is sent again, marked.

A disk that is full or read-only, at the start or later, is lived with: events stay in memory within
the same bounds, the oldest of the file are dropped for them and deleted later, and it is tried
again. A file that is damaged, or cannot be read for GIVE_UP seconds, is set aside.

Locks: `_lock` before the outbox's condition. The devices' threads take only the condition, so they
never wait for a disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

from ...core.errors import UsageError
from ...locks import Condition, Latch, Lock
from ...storage.database import is_damage, set_aside
from ..clock import MADE, BootClock
from ..settings import BufferSettings
from .file import OutboxFile
from .queue import Found, Queue, WaitingEvent

__all__ = ["EventJournal"]

log = logging.getLogger(__name__)

LOOK = 0.25  # seconds between two looks at what is to be done, at most
PAUSE = 0.2  # seconds until a file that could not be read is asked again
RETRY = 5.0  # seconds between two attempts to write to a full disk
GIVE_UP = 60.0  # seconds for which a file may be unreadable
ENDING = 1.0  # seconds to wait for the disk at the end
BATCH = 256  # events of one transaction
BATCH_BYTES = 256 * 1024

TROUBLES = (sqlite3.DatabaseError, OSError)


class EventJournal:
    """One file, and the thread that writes it. `trouble` says what prevents it, "" if nothing."""

    def __init__(
        self,
        settings: BufferSettings,
        queue: Queue,
        changed: Condition,
        found: Found,
        clock: BootClock,
    ) -> None:
        self.path = settings.path
        self.trouble = ""
        self._write_every = settings.write_every
        self._queue = queue
        self._changed = changed  # guards the queue
        self._found = found
        self._clock = clock
        self._lock = Lock()  # guards the file and all below, and the order of what is done to it
        self._file: OutboxFile | None = None
        self._gone_to = 0  # up to here the file has deleted
        self._retry_at = 0.0
        self._unreadable_since = float("inf")
        self._ending = Latch()
        self._thread = threading.Thread(target=self._run, name="wamplite-store", daemon=True)

    def start(self) -> None:
        """Open the file and begin to write; UsageError for a file that is not ours to use."""
        with self._lock:
            self._open()
            if self.trouble:
                self._number_by_time()
        self._thread.start()

    def figures(self) -> dict[str, Any]:
        """Return what can be told about the file."""
        with self._changed:
            stored_to = self._queue.stored_to
        figures: dict[str, Any] = {"stored_to": stored_to}
        return figures | {"trouble": self.trouble} if self.trouble else figures

    # ---- opening (`_lock` is held)

    def _open(self) -> None:
        """Open the file and take in what it holds, unless the disk prevents it now."""
        try:
            file = self._opened()
        except TROUBLES as exc:
            self._suffer(exc)
            return
        with self._changed:
            in_between = self._queue.flying > 0 and bool(file.tally)
            if not in_between:
                self._queue.find(file.tally, file.last, file.following)
                for port, (number, _) in file.tally.items():
                    self._found(port, number)
                self._changed.notify_all()
        if in_between:  # what the file holds is older, and has to wait for what flies
            file.abandon()
            return
        self._file, self._gone_to = file, 0
        self._clock.earliest = max(MADE, file.latest)
        self._commit()  # reserves the next numbers

    def _opened(self) -> OutboxFile:
        try:
            return OutboxFile(self.path, self._clock)
        except (sqlite3.DatabaseError, ValueError, TypeError) as exc:  # a disk may change values
            if isinstance(exc, UsageError) or not is_damage(exc):
                raise
            self._set_aside(exc)
            return OutboxFile(self.path, self._clock)

    def _set_aside(self, exc: Exception) -> None:
        aside = set_aside(self.path)
        log.error("outbox %s is damaged (%s): set aside as %s", self.path, exc, aside)

    def _number_by_time(self) -> None:
        """Go on from the milliseconds of the time, for the file does not note the next number."""
        moment = self._clock.now()
        if moment.shown >= MADE:
            with self._changed:
                self._queue.following = max(self._queue.following, int(moment.shown * 1000))

    # ---- the publisher's thread

    def load(self, limit: int) -> list[WaitingEvent]:
        """Hand out the oldest events of the file, which records before that they are sent."""
        with self._lock:
            batch = self._read(limit)
            if batch:
                self._record()
        if not batch:
            self._ending.wait(PAUSE)  # the file cannot be read now
        return batch

    def _read(self, limit: int) -> list[WaitingEvent]:
        with self._changed:
            after, wanted = self._queue.left_to, self._queue.stored
        if self._file is None or not wanted:
            return []
        try:
            batch = self._file.load(after, limit)
            if not batch:
                raise sqlite3.DatabaseError(f"{wanted} events are missing")
        except sqlite3.DatabaseError as exc:
            now = self._clock.now().elapsed
            self._unreadable_since = min(self._unreadable_since, now)
            if now - self._unreadable_since > GIVE_UP:
                self._start_over(exc)
            else:
                self._suffer(exc)
            return []
        self._unreadable_since = float("inf")
        with self._changed:
            self._queue.load(batch)
        return batch

    def record_sent(self) -> None:
        """Record in the file what has been handed out; return once it is there."""
        with self._lock:
            self._record()

    def _record(self) -> None:
        if self._clock.now().elapsed >= self._retry_at:
            self._commit()

    # ---- the writing thread

    def _run(self) -> None:
        while not self._ending.wait(min(LOOK, self._write_every / 2)):
            try:
                with self._lock:
                    self._look(self._clock.now().elapsed - self._write_every)
            except Exception:  # a fault of ours must not end the thread
                log.exception("outbox %s", self.path)

    def _look(self, before: float) -> None:
        """Do what is to be done; write what was put before that time."""
        now = self._clock.now().elapsed
        if self._file is None and now >= self._retry_at:
            try:
                self._open()
            except UsageError as exc:  # its user has to mend it, and may do so while we run
                self._suffer(exc)
        if self._file is not None:
            self._trim(self._file, now)
        if self._file is not None and now >= self._retry_at:
            self._write(before)

    def _trim(self, file: OutboxFile, now: float) -> None:
        """Drop what the file holds beyond the bounds; it is deleted with what is confirmed."""
        with self._changed:
            after, stored = self._queue.left_to, self._queue.stored
            number, size = self._queue.excess()
            before = self._queue.expired_before(now)
        if not stored:
            self._clock.earliest = MADE  # nothing is left that speaks against the clock
            return
        try:
            rows = file.oldest(after, number, size, before)
        except sqlite3.DatabaseError as exc:
            self._suffer(exc)
            return
        with self._changed:
            self._queue.drop_stored(rows)

    def _write(self, before: float) -> None:
        """Delete what is done, then write what was put before that time, batch by batch."""
        with self._changed:
            is_stale = self._gone_to < min(self._queue.done_to, self._queue.stored_to)
        if (is_stale or self.trouble) and not self._commit():
            return
        while batch := self._begin(before):
            are_stored = False
            try:
                are_stored = self._commit(batch)
            finally:
                with self._changed:
                    self._queue.end_storing(are_stored)
                    self._changed.notify_all()
            if not are_stored:
                return
        if self.trouble:
            log.warning("outbox %s: written again", self.path)
            self.trouble = ""

    def _begin(self, before: float) -> list[WaitingEvent]:
        with self._changed:
            return self._queue.begin_storing(before, BATCH, BATCH_BYTES)

    def _commit(self, batch: Sequence[WaitingEvent] = ()) -> bool:
        """Write events, and what the queue knows; False where that is not possible now."""
        if self._file is None:
            return False
        with self._changed:
            gone_to, sent_to = self._queue.done_to, self._queue.sent_to
            following = self._queue.following
        try:
            self._file.commit(add=batch, gone_to=gone_to, sent_to=sent_to, following=following)
        except sqlite3.DatabaseError as exc:
            self._suffer(exc)
            return False
        self._gone_to = gone_to
        return True

    # ---- disks that fail

    def _suffer(self, exc: Exception) -> None:
        """Keep events in memory while the disk does not work; begin anew if the file is damaged."""
        if self._file is not None and is_damage(exc):
            self._start_over(exc)
            return
        self._retry_at = self._clock.now().elapsed + RETRY
        if not self.trouble:
            log.error("outbox %s: %s; events are kept in memory until it works", self.path, exc)
        self.trouble = str(exc)

    def _start_over(self, exc: Exception) -> None:
        """Give a file up, with what it holds; the next look begins another."""
        assert self._file is not None
        self._file.abandon()
        self._file = None
        self._unreadable_since = float("inf")
        with self._changed:
            self._queue.lose_stored("damaged")
        try:
            self._set_aside(exc)
        except OSError as error:
            self._suffer(error)

    # ---- its end

    def end(self) -> None:
        """Write all that has not been confirmed, and close the file."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(ENDING)
        if not self._lock.acquire(timeout=ENDING):
            log.error("outbox %s: the disk does not answer, what is in memory is lost", self.path)
            return
        try:
            self._retry_at = 0.0
            self._look(float("inf"))
            if self._file is None:  # it was damaged, and has been set aside
                self._look(float("inf"))
            if self._file is not None:
                self._file.close(self._queue.following)
        except sqlite3.DatabaseError as exc:
            log.error("outbox %s: %s", self.path, exc)
        finally:
            self._lock.release()
