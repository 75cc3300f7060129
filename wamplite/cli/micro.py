"""Print uwamp.py, the client for boards with MicroPython or CircuitPython: one file, to be copied.

wamplite micro >uwamp.py
mpremote cp uwamp.py :
"""

from __future__ import annotations

import argparse
import pkgutil
import sys


def configure(parser: argparse.ArgumentParser) -> None:
    """`wamplite micro` takes no arguments."""


def run(options: argparse.Namespace) -> int:
    """Print the file."""
    source = pkgutil.get_data("wamplite.micro", "uwamp.py")
    if source is None:
        raise FileNotFoundError("wamplite/micro/uwamp.py is missing from this installation")
    sys.stdout.write(source.decode())
    return 0
