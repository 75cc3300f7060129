"""What a fork copies and two processes cannot share: sockets, request ids, locks, threads.

A forked child has none of the parent's threads, its locks may be held for ever, and what it sends
goes out under the parent's ids. So sessions, routers and the like are watched: in the child they
are disowned. Then they close the child's copies of their descriptors, which ends nothing, and raise
UsageError at every use; ending them there does nothing. They cannot be pickled.

    watch(session) ... os.fork() ──> in the child: session.disown()
"""

from __future__ import annotations

import os
from typing import Any, NoReturn, Protocol
from weakref import WeakSet

from .core import ids
from .core.errors import UsageError


class Watched(Protocol):
    """An object that two processes cannot share."""

    def disown(self) -> None:
        """Become unusable: called in a forked child, which has no other thread."""


_watched: WeakSet[Watched] = WeakSet()
_process = os.getpid()


def watch(owned: Watched) -> None:
    """Call `owned.disown()` in each child that is forked while it lives."""
    _watched.add(owned)


def parent() -> int:
    """Return the id of the process that owns what is being disowned."""
    return _process


def _in_child() -> None:
    global _process
    for owned in list(_watched):
        owned.disown()
    _watched.clear()
    _process = os.getpid()


os.register_at_fork(after_in_child=_in_child)
os.register_at_fork(after_in_child=ids.begin_anew)


class Elsewhere:
    """Takes the place of a lock in a forked child: entering it raises UsageError."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> NoReturn:
        raise UsageError(self._text)

    def __exit__(self, *_: object) -> None:
        """Do nothing: it was never entered."""


class OfOneProcess:
    """A base for what belongs to the process that made it."""

    what = "session"
    again = "connect anew"
    owner = 0  # the id of the process that owns it, in a forked child; else 0

    def disown(self) -> None:
        """Note that the parent owns it; called in a forked child."""
        self.owner = parent()

    def check_process(self) -> None:
        """Raise UsageError in a forked child."""
        if self.owner:
            raise UsageError(f"{self.whose()}; {self.again} after a fork")

    def whose(self) -> str:
        """Return the text that names its process."""
        return f"this {self.what} belongs to process {self.owner or os.getpid()}"

    def __dir__(self) -> list[str]:
        """Leave out what is ours: users look for their verbs."""
        ours = set(OfOneProcess.__dict__)
        return [name for name in super().__dir__() if name[0] == "_" or name not in ours]

    def __reduce__(self) -> Any:
        raise UsageError(f"{self.whose()} and cannot be pickled; {self.again} in the other process")
