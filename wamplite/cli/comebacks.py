"""`sub` and `register` come back: what a verb does in one session, in one session after another.

connect, subscribe or register ── served ──> until the session is lost ── delay ──> connect ...

What is refused in the first session ends the verb with its exit code, where a `Component` would ask
again: with it are shared the delays, and what is final after a loss.
"""

from __future__ import annotations

import argparse

from ..core.errors import TransportLost, WampliteError
from .outcomes import in_words
from .streams import complain


def add_comebacks(parser: argparse.ArgumentParser) -> None:
    """Add what is done without a router."""
    add = parser.add_argument
    add("--once", action="store_true", help="end with 3 when the session is lost")
    add("--retry", action="store_true", help="wait for a router that is not there yet")


class Comebacks:
    """Whether there is another session after one that failed, and when."""

    def __init__(self, options: argparse.Namespace) -> None:
        from ..client.retries import Retries

        self._options = options
        self._retries = Retries()
        self._has_served = False  # in this session or one before
        self._is_told = False

    def served(self) -> None:
        """A session has all that it is to serve."""
        self._has_served, self._is_told = True, False
        self._retries.reset()

    def delay(self, error: WampliteError) -> float:
        """Return the seconds until the next session; raise the error where there is to be none.

        The first of several failures is reported.
        """
        from ..client.stay import unless_final

        if not self._has_served:
            if not (self._options.retry and isinstance(error, TransportLost)):
                raise error
        elif self._options.once:
            raise error
        unless_final(error)
        if not self._is_told:
            complain(f"{in_words(error)}; trying again")
        self._is_told = True
        return self._retries.next_delay() or 0.0
