"""A record of the log as a line: in words, or as an object of JSON.

Either is at most 500 bytes, and control characters are escaped: a URI may hold a terminal's
commands. For systemd's journal a line begins with its priority, `<6>`, and tells no time: the
journal keeps both (sd-daemon(3), systemd.exec(5) SyslogLevelPrefix=).
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from ..core.words import printable

STDERR = 2
LENGTH = 500  # bytes of a line, the newline included
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
CRITICAL = 2  # the priority of all above

Render = Callable[[logging.LogRecord], bytes]


def text(for_journal: bool) -> Render:
    """Return what makes a line in words of a record."""
    time_ = "" if for_journal else "%(asctime)s "
    whole = logging.Formatter(f"{time_}%(levelname)s %(name)s: %(message)s")
    if not for_journal:
        return lambda record: one_line(whole.format(record))
    return lambda record: one_line(prefix(record) + whole.format(record))


def as_json(for_journal: bool) -> Render:
    """Return what makes a line of JSON of a record: its fields by name, and its text."""
    errors = logging.Formatter()

    def render(record: logging.LogRecord) -> bytes:
        told: dict[str, Any] = {} if for_journal else {"time": iso(record.created)}
        told |= {"level": record.levelname.lower(), "logger": record.name}
        told |= getattr(record, "fields", {})
        told["message"] = record.getMessage()
        if record.exc_info:
            told["exception"] = errors.formatException(record.exc_info)
        before = prefix(record) if for_journal else ""
        return f"{before}{fitting(told, LENGTH - 1 - len(before))}\n".encode()

    return render


FORMATS: dict[str, Callable[[bool], Render]] = {"text": text, "json": as_json}


def prefix(record: logging.LogRecord) -> str:
    """Return the priority of a record as the journal reads it."""
    return f"<{PRIORITIES.get(record.levelno, CRITICAL)}>"


def iso(seconds: float) -> str:
    """Return a time since 1970 as RFC 3339 has it, in UTC."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03}Z"


def fitting(told: dict[str, Any], most: int) -> str:
    """Return an object as JSON of at most `most` bytes: the longest text is cut while it is not."""
    while len(line := json.dumps(told, separators=(",", ":"))) > most:
        sizes = {key: len(said) for key, said in told.items() if isinstance(said, str)}
        longest = max(sizes, key=sizes.__getitem__)
        told[longest] = f"{told[longest][: sizes[longest] * 2 // 3]}..."
    return line


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
