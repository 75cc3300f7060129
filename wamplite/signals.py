"""Waiting on the main thread until a signal ends the program.

SIGINT and SIGTERM end it, SIGALRM too, and SIGHUP where there is a terminal that may hang up. The
other signals that kill a program by default (SIGUSR1, SIGUSR2, SIGHUP without a terminal) are
logged, and the program goes on. A signal that is ignored, or has a handler of the user's, keeps it.

There are two ways. `Ending` blocks the signals and waits for them: for our own programs, which
enter it before they start a thread. `with_signals` sets handlers that open a Gate: for a program of
the user's, whose threads run already and take any signal that they do not block (pthreads(7)).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from _thread import allocate_lock
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import FrameType
from typing import Any

from .locks import Latch

ENDING = (signal.SIGINT, signal.SIGTERM)
MEANINGS = {
    signal.SIGHUP: "there is nothing to read again",
    signal.SIGUSR1: "there is nothing to tell",
    signal.SIGUSR2: "it means nothing here",
}
# Seconds that the main thread waits in one piece. The kernel may hand a signal to another thread
# (signal(7)); Python runs the handler once the main thread runs again.
HEARING = 0.5


@cache  # the answer at the start counts: once the terminal has hung up, it cannot be opened
def has_terminal() -> bool:
    """Tell whether this process has a controlling terminal."""
    return can_open_terminal()


def can_open_terminal() -> bool:
    """Tell whether the terminal is there now."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def has_hung_up() -> bool:
    """Tell whether there was a terminal, and there is none any more."""
    return has_terminal() and not can_open_terminal()


def heard() -> dict[int, bool]:
    """Return the signals that we handle, and whether each ends the program."""
    ending: dict[int, bool] = dict.fromkeys(ENDING, True)
    others = {**dict.fromkeys(MEANINGS, False), signal.SIGHUP: has_terminal(), signal.SIGALRM: True}
    usual = {number: ends for number, ends in others.items() if is_usual(number)}
    return ending | usual


def is_usual(number: int) -> bool:
    """Tell whether a signal has its default action; under `nohup` SIGHUP is ignored."""
    return signal.getsignal(number) is signal.SIG_DFL


class Ending:
    """Keeps the signals that end a program for `wait` while its block runs; main thread only.

    They are blocked, and each thread inherits the mask: enter before any thread is started.
    """

    def __enter__(self) -> Ending:
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, heard())
        return self

    def __exit__(self, *_: object) -> None:
        while signal.sigtimedwait(ENDING, 0) is not None:  # it has ended already
            continue
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def wait(
        self,
        seconds: float,
        figures: Callable[[], str] | None = None,
        hangup: Callable[[], None] | None = None,
    ) -> bool:
        """Wait at most so many seconds; tell whether a signal has come that ends the program.

        figures: returns what is logged at SIGUSR1. hangup: called at SIGHUP, which then ends the
        program only where its terminal has hung up.
        """
        numbers = heard()
        deadline = time.monotonic() + seconds
        while True:
            received = signal.sigtimedwait(numbers, max(0.0, deadline - time.monotonic()))
            if received is None:
                return False
            # CPython hands out an unset record where SIGCONT comes after the time is up.
            if received.si_signo not in numbers:
                continue
            if received.si_signo == signal.SIGHUP and hangup is not None and not has_hung_up():
                hangup()
                continue
            if numbers[received.si_signo]:
                return True
            log_other(received.si_signo, figures)

    def release(self) -> None:
        """Let the next SIGINT or SIGTERM kill the process, now and after the block."""
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def log_other(number: int, figures: Callable[[], str] | None = None) -> None:
    """Log a signal at which the program goes on."""
    import logging  # 8 ms; most programs never get here

    meaning = MEANINGS[signal.Signals(number)]
    if number == signal.SIGUSR1 and figures is not None:
        meaning = figures()
    for line in meaning.splitlines():
        logging.getLogger("wamplite").warning("%s: %s", signal.Signals(number).name, line)


class Gate:
    """A gate that is opened once, by any thread or by a signal's handler."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let the waiting thread go on."""
        with suppress(RuntimeError):  # it is open already
            self._lock.release()

    def wait(self) -> None:
        """Wait until it is open."""
        while not self._lock.acquire(timeout=HEARING):
            continue


def until_signal(on_end: list[Callable[[], None]], ended: Latch) -> None:
    """Wait for a signal that ends the program, or until a session has ended."""
    gate = Gate()
    on_end.append(gate.open)
    if ended.is_set():
        return
    with_signals(gate, gate.wait)
    with suppress(ValueError):
        on_end.remove(gate.open)


def with_signals(gate: Gate, wait: Callable[[], None]) -> None:
    """Call `wait` with our handlers of signals set, then put back those of before.

    Python runs the handlers in the main thread, here always within `wait`.
    """
    if threading.current_thread() is not threading.main_thread():
        wait()
        return

    def on_end(_number: int, _frame: FrameType | None) -> None:
        gate.open()

    def on_other(number: int, _frame: FrameType | None) -> None:
        log_other(number)

    before: dict[int, Any] = {}
    try:
        for number, ends in heard().items():
            before[number] = signal.signal(number, on_end if ends else on_other)
        wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
