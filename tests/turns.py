"""Turns among the workers of pytest-xdist: a test marked `alone` has the machine to itself.

The locks are on two files of the suite, so nothing has to be made and cleared away, and two runs of
one clone take turns too. A test that wants to be alone holds the door while it waits: those that
come later queue behind it, or it would wait until all of them have run.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DOOR, MACHINE = Path(__file__).parent / "conftest.py", Path(__file__)


@contextmanager
def turn(alone: bool, door: Path = DOOR, machine: Path = MACHINE) -> Iterator[None]:
    """Hold the machine, alone or together with others."""
    with opened(machine) as held:
        with opened(door) as waiting:
            fcntl.flock(waiting, fcntl.LOCK_EX)
            fcntl.flock(held, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file anew: a lock belongs to the opening, and ends with its descriptor."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
