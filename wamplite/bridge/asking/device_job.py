"""Something to do with a device, in the thread of its commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...core import uris
from ...core.errors import CallTimeout
from ...locks import Latch

__all__ = ["DeviceJob"]

LONGEST_QUEUED = 30.0  # seconds that a job waits in the queue


class DeviceJob:
    """Something to do with the device, and the thread that waits for its result."""

    def __init__(self, what: str, run: Callable[[], Any]) -> None:
        self.what = what
        self.since = time.monotonic()
        self._run = run
        self._done = Latch()
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do it; called on the thread of the commands."""
        if time.monotonic() - self.since > LONGEST_QUEUED:
            self.fail(
                CallTimeout(uris.TIMEOUT, f"{self.what}: not its turn within {LONGEST_QUEUED:g} s")
            )
            return
        try:
            self._result = self._run()
        except BaseException as exc:
            self._error = exc
        self._done.set()

    def fail(self, error: BaseException) -> None:
        """End it without having done it."""
        self._error = error
        self._done.set()

    @property
    def error(self) -> BaseException | None:
        """The exception it ended with, or None."""
        return self._error

    def result(self) -> Any:
        """Wait until it is done; returns its result or raises its exception."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result
