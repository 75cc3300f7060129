"""The garbage collector of our own programs: spared what stays, when they start, run and end.

start ── nearly all that imports make stays ──> settle ── what comes and goes ──> end
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000  # that call the collector, until `settle`: more than a start makes
FULL = 100  # collections of garbage among what is young for one among all; Python's default: 10
_usual = gc.get_threshold()


def start() -> None:
    """Call it less: as Python has it, a client verb called it 50 times, 6 ms of its 130."""
    gc.set_threshold(NEW_OBJECTS)


def settle() -> None:
    """Have what is here by now never looked at for garbage again, and all of the rest seldom.

    Each time nothing else runs: 5 ms for what is imported, and a large message was enough for it.
    What is young is looked at as usual from now on. Without effect where nothing has been started.
    """
    if gc.get_threshold()[0] == NEW_OBJECTS:
        young, middle, _ = _usual
        gc.freeze()
        gc.set_threshold(young, middle, FULL)


def end() -> None:
    """Spare the interpreter's last collection, 8 ms, the look at all that there is."""
    gc.freeze()
