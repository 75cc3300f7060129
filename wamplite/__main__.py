"""`wamplite`, and `python -m wamplite`: the command line, behind its imports.

They take a tenth of a second, ten times that on a small board: Ctrl-C ends the process meanwhile,
without a traceback. From there on it is heard by cli.main.
"""

from __future__ import annotations

import signal
import sys

from . import collector


def main() -> int:
    """Run the command line and return its exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    collector.start()
    from .cli import main as run

    try:
        return run()
    finally:
        collector.end()


if __name__ == "__main__":
    sys.exit(main())
