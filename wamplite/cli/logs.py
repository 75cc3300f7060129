"""Logging to stderr that never waits: a bounded queue, and a thread that writes.

stderr may be a pipe that nobody reads. Lines that do not fit into the queue are counted, and the
count is logged when there is room again. A line is at most 500 bytes, its control characters are
escaped (a URI may hold a terminal's commands), and the same event is logged at most ten times a
second.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.words import printable
from ..limit import RateLimit

LEVELS = ("debug", "info", "warning", "error")
STDERR = 2
LINES = 1000  # waiting to be written
LENGTH = 500  # bytes of a line, the newline included
PER_SECOND = 10  # of one event
ENDING = 1.0  # seconds to write the last lines


class BoundedHandler(logging.Handler):
    """Hands lines to a thread through a bounded queue, without waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: queue.Queue[bytes | None] = queue.Queue(LINES)
        self._limit = RateLimit(PER_SECOND, 1.0)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="wamplite-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, or count it (`logging` holds the lock of this handler)."""
        if not self._limit.allows((record.name, record.msg), time.monotonic()):
            return
        try:
            self._tell_losses()
            self._lines.put_nowait(one_line(self.format(record)))
        except queue.Full:
            self._dropped += 1
        except Exception:
            self.handleError(record)

    def _tell_losses(self) -> None:
        if left_out := self._limit.left_out + self._dropped:
            self._lines.put_nowait(b"%d log lines left out\n" % left_out)
            self._limit.left_out = self._dropped = 0

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                os.write(STDERR, line)  # a blocked write to sys.stderr would hold its lock
            except OSError:  # the reader has closed it: the program goes on
                continue

    def finish(self) -> None:
        """Write what is queued, within ENDING seconds."""
        try:
            self._lines.put(None, timeout=ENDING)
        except queue.Full:
            return
        self._thread.join(ENDING)


def one_line(text: str) -> bytes:
    """Return a line of at most LENGTH bytes: control characters escaped, the middle left out."""
    escaped = printable(text[:LENGTH])
    if len(text) > LENGTH:
        escaped += printable(text[-LENGTH:])
    line = escaped.encode(errors="backslashreplace")
    if len(line) >= LENGTH:
        head, tail = line[: LENGTH // 3], line[-LENGTH // 2 :]
        line = (
            head.decode(errors="ignore").encode() + b"..." + tail.decode(errors="ignore").encode()
        )
    return line + b"\n"


def is_journal() -> bool:
    """Tell whether stderr leads to systemd's journal (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        stderr = os.fstat(STDERR)
    except OSError:  # closed
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


@contextmanager
def to_stderr(level: str) -> Iterator[None]:
    """Send the log to stderr while the block runs."""
    handler = BoundedHandler()
    time_ = "" if is_journal() else "%(asctime)s "  # the journal adds its own
    handler.setFormatter(logging.Formatter(f"{time_}%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.finish()
