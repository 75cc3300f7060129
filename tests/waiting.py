"""Waiting for what happens in another thread or process, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 20.0  # seconds: the machine may be busy; nothing here should need more than one
PAUSE = 0.002


def until(
    holds: Callable[[], object], what: str = "what it waits for", seconds: float = PATIENCE
) -> None:
    """Wait until something holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not after {seconds} s: {what}"
        time.sleep(PAUSE)
