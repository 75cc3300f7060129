"""`wamplite`, and `python -m wamplite`: the command line, behind its imports.

They take a tenth of a second, ten times that on a small board: Ctrl-C ends the process meanwhile,
without a traceback. From there on it is heard by cli.main.
"""

from __future__ import annotations

import gc
import signal
import sys

# New objects that call the collector. By Python's default (700 in 3.11) the imports of a client
# verb call it 50 times, for objects that all stay: 6 ms of 130.
NEW_OBJECTS = 10_000


def main() -> int:
    """Run the command line and return its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(NEW_OBJECTS)
    from .cli import main as run

    try:
        return run()
    finally:
        gc.freeze()  # else the interpreter's last collection looks at all that there is: 8 ms


if __name__ == "__main__":
    sys.exit(main())
