"""What searches for a pattern of the operator's, within a bound.

Here as long as the text is short enough for the pattern, by a process of its own else.
"""

from __future__ import annotations

import re

from ...core.errors import UsageError
from .cost import is_exponential, longest_text
from .worker import Groups, MatchWorker, TookTooLong

__all__ = ["Matcher", "TookTooLong", "compiled"]

MOST_STEPS = 1e6  # taken here: 7 ms on x86-64 (measured: 5 to 7 ns a step)


def compiled(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern; UsageError where it is none, or could take for ever."""
    try:
        pattern = re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as exc:
        raise UsageError(f"pattern {text!r} is no regular expression: {exc}") from exc
    if is_exponential(pattern):
        raise UsageError(
            f"pattern {text!r} can take for ever: it repeats what can match one text in many ways,"
            " as (a+)+ does; let each repetition end with what it cannot contain, as (a+,)+"
        )
    return pattern


class Matcher:
    """Searches for one pattern; any thread may use it."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self._longest = longest_text(pattern, MOST_STEPS)
        self._worker: MatchWorker | None = None

    def groups(self, text: str) -> Groups | None:
        """Return what was found and its groups; None where nothing was. TookTooLong."""
        if len(text) > self._longest:
            if self._worker is None:
                self._worker = MatchWorker(self.pattern)
            return self._worker.groups(text)
        match = self.pattern.search(text)
        return None if match is None else [match[0], *match.groups()]

    def finds(self, text: str) -> bool:
        """Tell whether the pattern is found; False where that takes too long."""
        try:
            return self.groups(text) is not None
        except TookTooLong:
            return False
