"""How foreign text is shown: what a peer, a file or a person wrote, in answers, logs, a terminal.

Nothing of it is longer than its reader wants, spans lines or moves a terminal's cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LONGEST_TEXT = 200  # characters of a text: it may quote a peer, and an answer must reach its reader
LONGEST_VALUE = 60
LARGEST_INTEGER = 256  # bits; decimal digits of more take long to find (CPython: O(n**2))


def shorten(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text in one line of at most `longest` characters, before any is escaped."""
    return printable(text if len(text) <= longest else f"{text[: longest - 3]}...")


def show(value: Any) -> str:
    """Return a few words for a value, however large it is; of what holds others, how many."""
    if isinstance(value, (list, dict, bytes)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and value.bit_length() > LARGEST_INTEGER:
        return "a huge integer"
    text = repr(value[:LONGEST_VALUE] if isinstance(value, str) else value)
    return shorten(text, LONGEST_VALUE)


def are_missing(names: Sequence[str]) -> str:
    """Return that something is missing, of one name or several: "a" and "b" are missing."""
    *others, last = (f'"{name}"' for name in names)
    return f"{', '.join(others)} and {last} are missing" if others else f"{last} is missing"


def printable(text: str) -> str:
    """Return a text, however long, with escapes for what a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
