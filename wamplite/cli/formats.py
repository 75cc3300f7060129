"""What a line of `wamplite sub` is made of: JSON, or a format with the event's values in it."""

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
LARGE = re.compile(r"\d{4}")  # a width that fills the memory; an event may say it: {0:{1}}


class LineFormat(string.Formatter):
    """A format string of -F; what an event does not have is shown as nothing.

    The first event that has none of the fields is told of: its lines would be empty for ever.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._fields = [0, 0]  # of an event: that it lacks, that it has
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
        """Find a value by its whole name: dots and brackets have no meaning here."""
        key = int(name) if name.isdecimal() else name
        return self.get_value(key, args, kwargs), key

    def format_field(self, value: Any, format_spec: str) -> str:
        """Show text as it is and the rest as JSON, unless a fitting specification is given."""
        if format_spec and not LARGE.search(format_spec):
            try:
                return format(value, format_spec)
            except (
                ValueError,
                TypeError,
                ArithmeticError,
            ):  # this event's value is of another kind
                return shown(value)
        return shown(value)
