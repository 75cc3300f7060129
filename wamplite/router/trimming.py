"""Memory that was freed goes back to the system: the allocator alone would keep most of it.

What is asked for is done a moment later, once for all who ask until then: a second apart at least,
so that nobody who sends much makes the router spend its time on this.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ..locks import Lock

DELAY = 1.0  # seconds until it is done
MUCH = 64 * 1024  # bytes of a message, decoded ten times as large, that are worth it


class Trimming:
    """Asks the allocator for what was freed; from any thread."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._later = later
        self._asked = Lock()  # held from the first who asks until it is done

    def soon(self) -> None:
        """Give memory back in a moment; asked before what is large is made."""
        if self._asked.acquire(blocking=False):
            _find_malloc_trim()  # what is imported amid it would hold the memory around it
            self._later(DELAY, self._run)

    def _run(self) -> None:
        self._asked.release()
        trim()


def trim() -> None:
    """Give memory back now, where the C library can."""
    malloc_trim = _find_malloc_trim()
    if malloc_trim is not None:
        malloc_trim(0)


@cache
def _find_malloc_trim() -> Callable[[int], int] | None:
    try:
        import ctypes  # 1 MB, and most routers never need it

        return ctypes.CDLL(None).malloc_trim
    except (ImportError, OSError, AttributeError):  # not glibc
        return None
