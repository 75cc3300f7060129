"""What a line of `wamplite sub` is made of: JSON, or a format with the event's values in it."""

from __future__ import annotations

import argparse
import string
from collections.abc import Mapping, Sequence
from typing import Any

from .common import shown, to_json

as_json = to_json
NAMES = ("topic", "args", "kwargs", "details")


class Format(string.Formatter):
    """A format string of -F; what an event does not have is shown as nothing."""

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self({"topic": "", "args": [], "kwargs": {}, "details": {}})
        except (ValueError, AttributeError, TypeError) as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error

    def __call__(self, row: dict[str, Any]) -> str:
        """Return the line for an event."""
        names = row["kwargs"] | {name: row[name] for name in NAMES}
        return self.vformat(self._text, row["args"], names)

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Find a value; "" where there is none."""
        if isinstance(key, int):
            return args[key] if key < len(args) else ""
        return kwargs.get(key, "")

    def get_field(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Find a value by its whole name: dots and brackets have no meaning here."""
        key = int(name) if name.isdecimal() else name
        return self.get_value(key, args, kwargs), key

    def format_field(self, value: Any, format_spec: str) -> str:
        """Show text as it is and the rest as JSON, unless a fitting specification is given."""
        if format_spec:
            try:
                return format(value, format_spec)
            except (ValueError, TypeError):  # this event's value is of another kind
                return shown(value)
        return shown(value)
