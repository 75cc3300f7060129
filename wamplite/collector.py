"""The garbage collector of our own programs: spared what stays, when they start and when they end.

start ── nearly all that imports make stays ──> settle ── called as Python has it ──> end
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000  # that call the collector, until `settle`: more than a start makes
_usual = gc.get_threshold()


def start() -> None:
    """Call it less: as Python has it, a client verb called it 50 times, 6 ms of its 130."""
    gc.set_threshold(NEW_OBJECTS)


def settle() -> None:
    """Call it as usual from now on, and never for what is there by now: once, after a start."""
    if gc.get_threshold() != _usual:
        gc.freeze()
        gc.set_threshold(*_usual)


def end() -> None:
    """Spare the interpreter's last collection, 8 ms, the look at all that there is."""
    gc.freeze()
