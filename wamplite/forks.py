"""What a fork copies and two processes cannot share: sockets, request ids, locks, threads.

A forked child has none of the parent's threads, its locks may be held for ever, and whatever it
sends goes out under the parent's ids. So what is made of these is watched: in the child it is
disowned, closes the child's copy of its descriptors, which ends nothing, and refuses every use by
UsageError. Ending it there does nothing. Nor can it be pickled.

    watch(session) ... os.fork() ──> in the child: session.disown()
"""

from __future__ import annotations

import os
from typing import Any, NoReturn, Protocol
from weakref import WeakSet

from .core.errors import UsageError


class Watched(Protocol):
    """What cannot be shared by two processes."""

    def disown(self) -> None:
        """Become unusable in a forked child: no other thread is there, locks may be held."""


_watched: WeakSet[Watched] = WeakSet()
_process = os.getpid()


def watch(owned: Watched) -> None:
    """Call `owned.disown()` in each child that is forked while it lives."""
    _watched.add(owned)


def parent() -> int:
    """Return the process that what is being disowned belongs to."""
    return _process


def _in_child() -> None:
    global _process
    for owned in list(_watched):
        owned.disown()
    _watched.clear()
    _process = os.getpid()


os.register_at_fork(after_in_child=_in_child)


class Elsewhere:
    """A lock that another process has: whoever wants it is told so."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> NoReturn:
        raise UsageError(self._text)

    def __exit__(self, *_: object) -> None:
        """Nobody was let in."""


class OfOneProcess:
    """A base for what belongs to the process that made it."""

    what = "session"
    again = "connect anew"
    owner = 0  # the process that it belongs to, where that is not this one

    def disown(self) -> None:
        """Belong to the parent, in a forked child."""
        self.owner = parent()

    def check_process(self) -> None:
        """Refuse to be used in a forked child."""
        if self.owner:
            raise UsageError(f"{self.told()}; {self.again} after a fork")

    def told(self) -> str:
        """Say whose it is."""
        return f"this {self.what} belongs to process {self.owner or os.getpid()}"

    def __reduce__(self) -> Any:
        raise UsageError(f"{self.told()} and cannot be pickled; {self.again} in the other process")
