#!/usr/bin/env python3
"""Run `wamplite` with a clock that a test moves: python tools/moved_clock.py FILE WORD ...

FILE holds the seconds by which the wall clock is off, as a number; it may change at any moment. The
monotonic clocks are left alone, as they are when somebody sets the clock of a machine.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def move(file: Path) -> None:
    """Let `time.time` be off by what a file says."""
    right = time.time

    def moved() -> float:
        return right() + float(file.read_text() or 0)

    time.time = moved


if __name__ == "__main__":
    move(Path(sys.argv[1]))
    from wamplite.cli import main

    sys.argv = ["wamplite", *sys.argv[2:]]
    sys.exit(main())
