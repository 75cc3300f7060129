"""What goes wrong in a client, in the log: whole once a minute, then a line each, then counted.

A handler may fail a thousand times a second, and the log may lie on an SD card. The same fault is
the same handler with the same class of exception. Nothing here raises, whatever an exception's own
methods do: an answer or a thread would be lost with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from ..core.errors import ApplicationError
from ..core.words import shorten
from ..limit import RateLimit
from ..locks import Lock

MINUTE = 60.0
LINES = 10  # of the same fault in a minute, the one with the traceback included

is_logged = True  # False in a program whose stderr is for its own words


class Faults:
    """What is logged of one session's handlers."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards both limits
        self._lines = RateLimit(LINES, MINUTE)
        self._tracebacks = RateLimit(1, MINUTE)

    def tell(
        self, level: str, what: str, whose: str, error: BaseException, traceback: bool = False
    ) -> None:
        """Log what `whose` raised while it did `what`, unless that was said often enough."""
        fault = (whose, class_name(error))
        with self._lock:
            now = time.monotonic()
            if not self._lines.allows(fault, now):
                return
            traceback = traceback and self._tracebacks.allows(fault, now)
            left_out = self._lines.take_left_out()
        rest = f" ({left_out} lines like these were left out)" if left_out else ""
        text = f"{what}: {whose} raised {shorten(said(error))}{rest}"
        log(level, text, error if traceback else None)

    def end(self) -> None:
        """Log how many lines were left out since the last one."""
        with self._lock:
            left_out = self._lines.take_left_out()
        if left_out:
            log("WARNING", f"{left_out} lines about exceptions of handlers were left out")


class Dropped:
    """The events of one session that came but cannot be read (the reading thread)."""

    def __init__(self) -> None:
        self.count = 0
        self._next = 0.0  # when the next line may be written

    def note(self, text: str) -> None:
        """Count an event; the first is logged, and then one in a minute."""
        self.count += 1
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + MINUTE
        log("WARNING", f"an event was dropped, the {self.count}. of this session: {text}")


def log(level: str, text: str, error: BaseException | None = None) -> None:
    """Write to the client's log, with the traceback of an error."""
    if not is_logged:
        return
    import logging  # 8 ms that most clients never need

    logger = logging.getLogger("wamplite.client")
    with suppress(BaseException):  # of an exception's own methods, called for its traceback
        logger.log(getattr(logging, level), "%s", text, exc_info=error)


def said(error: BaseException) -> str:
    """Return the class and text of an exception; of an ApplicationError, what it shows."""
    try:
        text = str(error)
    except BaseException:
        return class_name(error)
    if isinstance(error, ApplicationError):
        return text
    return f"{class_name(error)}: {text}" if text else class_name(error)


def class_name(error: BaseException) -> str:
    """Return the name of an exception's class, past whatever its metaclass says."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return shorten(name)


def contain(job: Callable[[], None]) -> None:
    """Run a job; what it raises is logged, and its thread goes on."""
    try:
        job()
    except BaseException as error:
        log("ERROR", f"a job of the client raised {said(error)}", error)
