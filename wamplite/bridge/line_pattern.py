"""Regular expressions for lines of bytes, each byte a character: the first of a block, a prompt."""

from __future__ import annotations

import re
from typing import Any

from ..schema import Kind

__all__ = ["LinePattern", "line_pattern"]


class LinePattern(Kind):
    """A regular expression for a line in which each byte is a character."""

    wanted = "a regular expression"
    short = "pattern"

    def __init__(self, may_be_empty: bool = False) -> None:
        self._may_be_empty = may_be_empty

    def fits(self, value: Any) -> bool:
        try:
            line_pattern(value)
        except (AttributeError, UnicodeError, re.error, OverflowError, RecursionError):
            return False
        return self._may_be_empty or bool(value)

    def described(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 0 if self._may_be_empty else 1}


def line_pattern(text: str) -> re.Pattern[bytes] | None:
    """Return the compiled pattern; None where there is none."""
    compiled = re.compile(text.encode("latin-1"))
    return compiled if text else None
