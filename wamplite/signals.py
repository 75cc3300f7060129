"""Waiting until a program is told to end: SIGINT and SIGTERM, where this is the main thread.

A signal's handler may run in the middle of anything, so all it does is release one plain lock.
"""

from __future__ import annotations

import signal
import threading
from _thread import allocate_lock
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)
# Seconds: a signal may reach another thread, and then does not wake an endless wait of this one.
HEARING = 0.5


def told_to_end(seconds: float) -> bool:
    """Wait at most so long for a signal that ends the program; every thread must block them."""
    told = signal.sigtimedwait(ENDING, seconds)
    # CPython hands out an unset record where SIGCONT comes after the time is up.
    return told is not None and told.si_signo in ENDING


class Gate:
    """A lock that is opened once; anybody may, a signal's handler too."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let whoever waits go on."""
        with suppress(RuntimeError):  # it is open
            self._lock.release()

    def wait(self) -> None:
        """Wait until it is open."""
        while not self._lock.acquire(timeout=HEARING):
            continue


def until_signal(on_end: list[Callable[[], None]], ended: threading.Event) -> None:
    """Wait for a signal that ends programs, or until a session has ended."""
    gate = Gate()
    on_end.append(gate.open)
    if ended.is_set():
        return
    with_signals(gate, gate.wait)
    with suppress(ValueError):
        on_end.remove(gate.open)


def with_signals(gate: Gate, wait: Callable[[], None]) -> None:
    """Wait with the signals' handlers in place, and put back those that were there."""
    if threading.current_thread() is not threading.main_thread():
        wait()
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        gate.open()

    before: dict[signal.Signals, Any] = {}
    try:
        for number in ENDING:
            before[number] = signal.signal(number, on_signal)
        wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
