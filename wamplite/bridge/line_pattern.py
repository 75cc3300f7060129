"""Regular expressions for lines of bytes, each byte a character: the first of a block, a prompt."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ..config import Location
from ..core.errors import UsageError
from ..schema import MISSING, Kind
from .matching.matcher import Matcher, compiled

__all__ = ["LinePattern", "LineSearch", "line_search"]


class LineSearch:
    """Searches lines for a pattern; UsageError where that is none."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._matcher = Matcher(compiled(source, re.ASCII))

    def finds(self, line: bytes) -> bool:
        """Tell whether a line fits; it does not where that takes too long to find out."""
        return self._matcher.finds(line.decode("latin-1"))


class LinePattern(Kind):
    """A regular expression for a line in which each byte is a character."""

    wanted = "a regular expression"
    short = "pattern"

    def __init__(self, may_be_empty: bool = False) -> None:
        self._may_be_empty = may_be_empty

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and (self._may_be_empty or bool(value))

    def read(self, value: Any, at: Location) -> Any:
        found = super().read(value, at)
        if found is not MISSING:
            try:
                line_search(found)
            except UsageError as exc:
                at.wrong(f"expected {self.wanted}: {exc}")
                return MISSING
        return found

    def described(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 0 if self._may_be_empty else 1}


@lru_cache(1024)
def line_search(source: str) -> LineSearch | None:
    """Return what searches for a pattern; None where there is none."""
    return LineSearch(source) if source else None
