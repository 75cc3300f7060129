"""Logging to stderr that never waits: a bounded queue, and a thread that writes.

stderr may be a pipe that nobody reads. Lines that do not fit into the queue are counted, and the
count is logged when there is room again. The same event is logged at most ten times a second; what
a line looks like is told in log_lines.py.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..limit import RateLimit
from . import log_lines

FORMATS = tuple(log_lines.FORMATS)
LEVELS = ("debug", "info", "warning", "error")
LINES = 1000  # waiting to be written
PER_SECOND = 10  # of one event
ENDING = 1.0  # seconds to write the last lines


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how much is logged, and how."""
    add = parser.add_argument
    add("--log-level", choices=LEVELS, default="info", help="default: %(default)s")
    add("--log-format", choices=FORMATS, default="text", help="default: %(default)s")


class BoundedHandler(logging.Handler):
    """Hands lines to a thread through a bounded queue, without waiting."""

    def __init__(self, render: log_lines.Render) -> None:
        super().__init__()
        self._render = render
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
            self._lines.put_nowait(self._render(record))
        except queue.Full:
            self._dropped += 1
        except Exception:
            self.handleError(record)

    def _tell_losses(self) -> None:
        if left_out := self._limit.left_out + self._dropped:
            self._lines.put_nowait(self._render(logging.makeLogRecord(losses(left_out))))
            self._limit.left_out = self._dropped = 0

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                os.write(
                    log_lines.STDERR, line
                )  # a blocked write to sys.stderr would hold its lock
            except OSError:  # the reader has closed it: the program goes on
                continue

    def finish(self) -> None:
        """Write what is queued, within ENDING seconds."""
        try:
            self._lines.put(None, timeout=ENDING)
        except queue.Full:
            return
        self._thread.join(ENDING)


def losses(lines: int) -> dict[str, object]:
    """Return the record that tells how many lines were left out, as a dict."""
    return {
        "name": "wamplite.log",
        "levelno": logging.WARNING,
        "levelname": "WARNING",
        "msg": "%d log lines left out",
        "args": (lines,),
        "fields": {"event": "lines_left_out", "lines": lines},
    }


@contextmanager
def to_stderr(level: str, format: str = "text") -> Iterator[None]:
    """Send the log to stderr while the block runs; `format` is a key of log_lines.FORMATS."""
    handler = BoundedHandler(log_lines.FORMATS[format](log_lines.is_journal()))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.finish()
