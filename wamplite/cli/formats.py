"""The lines of `wamplite sub`: JSON, or a format filled with the event's values."""

from __future__ import annotations

import argparse
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

from .common import shown, to_json
from .streams import complain

as_json = to_json
NAMES = ("topic", "args", "kwargs", "details")
LARGE = re.compile(r"\d{4}")  # such a width fills the memory; {0:{1}} takes it from an event


class LineFormat(string.Formatter):
    """A format string of -F; a value that an event does not have is shown as "".

    The first event that has none of the fields is reported: all lines might stay empty.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._fields = [0, 0]  # how many fields the event lacks, how many it has
        self._is_told = False
        try:
            self._filled({"topic": "", "args": [], "kwargs": {}, "details": {}})
        except (ValueError, AttributeError, TypeError) as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error

    def __call__(self, row: dict[str, Any]) -> str:
        """Return the line for an event."""
        self._fields = [0, 0]
        line = self._filled(row)
        if self._fields[False] and not self._fields[True] and not self._is_told:
            self._is_told = True
            args = [f"{{{number}}}" for number in range(len(row["args"]))]
            there = ", ".join([*args, *(f"{{{key}}}" for key in row["kwargs"]), "{topic}"])
            complain(f"this event has no field of -F {self._text!r}; it has {there}")
        return line

    def _filled(self, row: dict[str, Any]) -> str:
        names = row["kwargs"] | {name: row[name] for name in NAMES}
        return self.vformat(self._text, row["args"], names)

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Find a value; "" where there is none."""
        if isinstance(key, int):
            found, value = key < len(args), args[key] if key < len(args) else ""
        else:
            found, value = key in kwargs, kwargs.get(key, "")
        self._fields[found] += 1
        return value

    def get_field(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Find a value by its whole name; ValueError for one with dots or brackets."""
        if set(name) & set(".["):
            fields = ", ".join(f"{{{known}}}" for known in (*NAMES, 0, "KEY"))
            raise ValueError(f"there is no {{{name}}}, fields are {fields}")
        key = int(name) if name.isdecimal() else name
        return self.get_value(key, args, kwargs), key

    def format_field(self, value: Any, format_spec: str) -> str:
        """Show text as it is and all else as JSON, unless a fitting specification is given."""
        if format_spec and not LARGE.search(format_spec):
            try:
                return format(value, format_spec)
            except (
                ValueError,
                TypeError,
                ArithmeticError,
            ):  # the value does not fit the specification
                return shown(value)
        return shown(value)
