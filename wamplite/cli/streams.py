"""The three standard streams as every verb may rely on them: there, and able to take any text.

A descriptor that is closed at the start would be given to the first socket or file, and be written
into by whoever writes to stderr: /dev/null stands there instead. What the locale's encoding does
not have is written as an escape, and what a peer or a file has told reaches a terminal without
anything that the terminal would obey. The escapes on stdout are those of JSON, which stays JSON.
"""

from __future__ import annotations

import codecs
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
    """Open what is closed, and let the encodings of stdout and stderr take every character."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
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
    """Write what is left; where nobody takes it, nobody hears of it: the exit code has told."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except ValueError:  # closed
            continue
        except OSError:  # the interpreter will flush once more
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)


def complain(text: str) -> None:
    """Say on stderr what is wrong; without effect where nobody reads it."""
    lines = (printable(line) for line in text.split("\n"))
    try:
        sys.stderr.write("wamplite: " + "\n".join(lines) + "\n")
        sys.stderr.flush()
    except OSError:
        return
