"""The three standard streams, made so that every verb can use them: open, and for any text.

The kernel would give the number of a descriptor that is closed at the start to the first socket
or file, and text for stderr would be written into that: it is opened on /dev/null instead.
Characters that the locale's encoding lacks are written as escapes, on stdout as escapes of JSON.
Text of a peer or a file is printed without the control characters that a terminal acts on.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO, cast

from ..core.words import printable

ESCAPES = {"stdout": "wamplite-json", "stderr": "backslashreplace"}


def as_json(error: UnicodeError) -> tuple[str, int]:
    r"""Return what cannot be written as JSON would escape it: \u00b0, \ud83d\ude00."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end


codecs.register_error(ESCAPES["stdout"], as_json)


def prepare() -> None:
    """Open closed streams, and let stdout and stderr take every character."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number (open(2)): this one
    sys.stdin = sys.stdin or _opened(0, "r")
    sys.stdout = sys.stdout or _opened(1, "w")
    sys.stderr = sys.stderr or _opened(2, "w")
    for name, errors in ESCAPES.items():
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _opened(number: int, mode: str) -> TextIO:
    return cast("TextIO", open(number, mode, closefd=False, encoding="utf-8"))


def settle() -> None:
    """Flush stdout and stderr; errors are dropped, for the exit code has been decided."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except ValueError:  # closed
            continue
        except OSError:  # the interpreter flushes again at its exit
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)


def columns() -> int:
    """Return how wide what is printed may be: $COLUMNS, else the terminal's width, else 80.

    As `shutil`, whose import takes 3 ms, and which argparse would ask for each argument of a verb.
    """
    with contextlib.suppress(KeyError, ValueError):
        if (given := int(os.environ["COLUMNS"])) > 0:
            return given
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def complain(text: str) -> None:
    """Print a message on stderr; without effect where its reader has closed it."""
    lines = (printable(line) for line in text.split("\n"))
    try:
        sys.stderr.write("wamplite: " + "\n".join(lines) + "\n")
        sys.stderr.flush()
    except OSError:
        return
