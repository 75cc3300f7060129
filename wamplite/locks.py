"""Locks that stay whole where a signal's handler raises, as Ctrl-C does, at whatever moment.

A signal's handler runs in the main thread, after any call that returns there. Between taking a lock
and the first instruction that releases it again there must be no such moment, else it is held for
ever and everybody hangs who comes later:

    Lock       CPython 3.14 has one in `with lock:` (its issue 148874), older ones have none
    Condition  the standard one has two: its __enter__ and __exit__ are Python that calls the lock's
    Latch      the standard Event is built on a condition

What takes a lock here is an iterator, for nothing looks for signals after a step of `for`; what
releases it is the lock's own function, found without a call of Python.
"""

from __future__ import annotations

import sys
import threading
from _thread import TIMEOUT_MAX, allocate_lock
from collections import deque
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any


class Unbroken:
    """A lock round another one."""

    __slots__ = ("_lock", "_taking", "acquire", "locked", "release")

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._taking = iter(self._lock.acquire, None)
        self.acquire = self._lock.acquire
        self.release = self._lock.release
        self.locked = self._lock.locked

    def __enter__(self) -> None:
        for _ in self._taking:
            return

    __exit__: Any = property(attrgetter("_lock.__exit__"))


if TYPE_CHECKING or sys.version_info < (3, 14):
    Lock = threading.Lock
else:
    Lock = Unbroken


class Condition(threading.Condition):
    """A condition variable.

    lock: a Lock that is taken far more often than anybody waits, by itself: that is quicker. None:
    one that may be taken several times by one thread, by the condition.
    """

    def __init__(self, lock: Any = None) -> None:
        self._inner = threading.RLock() if lock is None else lock
        self._taking = iter(self._inner.acquire, None)
        super().__init__(self._inner)

    def __enter__(self) -> bool:
        for _ in self._taking:
            return True
        return False

    __exit__: Any = property(attrgetter("_inner.__exit__"))


class Latch:
    """A flag that threads wait for."""

    __slots__ = ("_asleep", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._asleep: deque[Any] = deque()  # the locks of those who wait

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._is_set

    def set(self) -> None:
        """Set it, and wake all who wait."""
        self._is_set = True
        with suppress(IndexError):
            while True:
                self._asleep.popleft().release()

    def clear(self) -> None:
        """Reset it: who waits from now on waits for the next `set`."""
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most `timeout` seconds; return whether it is."""
        if self._is_set:
            return True
        mine = allocate_lock()
        mine.acquire()
        self._asleep.append(mine)
        try:
            if self.is_set():  # `set` may have looked before we came
                return True
            seconds = -1.0 if timeout is None else min(max(0.0, timeout), TIMEOUT_MAX)
            return mine.acquire(True, seconds) or self._is_set
        finally:
            with suppress(ValueError):
                self._asleep.remove(mine)
