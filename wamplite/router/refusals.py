"""What was refused because a bound was hit: counted, and told in the log without flooding it.

Each kind is told at most once in QUIET seconds, with the setting that would allow it and how many
more there were meanwhile: whoever provokes refusals must not fill a disk with them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from ..locks import Lock
from .limits import Limits

logger = logging.getLogger("wamplite.router")

QUIET = 10.0  # seconds between two lines about the same bound


class Bound(NamedTuple):
    """What is said where a bound was hit, and the setting that is the bound."""

    text: str
    setting: str


BOUNDS = {
    "connections_refused": Bound("is refused: so many are connected", "max_connections"),
    "connections_refused_by_address": Bound(
        "is refused: so many are connected from its address", "max_connections_per_address"
    ),
    "connections_refused_handshaking": Bound(
        "is refused: so many have not joined yet", "max_handshaking"
    ),
    "connections_refused_handshaking_by_address": Bound(
        "is refused: so many from its address have not joined yet", "max_handshaking_per_address"
    ),
    "handshakes_evicted": Bound(
        "is ended: so many have not joined yet, most of them from its address", "max_handshaking"
    ),
    "logins_delayed": Bound("waits to log in: bad logins came from there", "login_delay"),
    "logins_refused": Bound("may not log in now: bad logins came from there", "max_login_delay"),
}


TOO_LARGE = ("http_431", "metrics_431")  # how a request is refused that is too large


def reason(name: str) -> str:
    """Return what may be told to whom a bound refuses."""
    bound = BOUNDS.get(name)
    return f"The connection {bound.text} ({bound.setting})." if bound else "Not now."


class Refusals:
    """Counts and tells; from any thread."""

    def __init__(
        self,
        limits: Limits,
        count: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._count = count
        self._clock = clock
        self._lock = Lock()  # guards the next two
        self._told_at: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def tell(self, name: str, who: str) -> None:
        """Count what happened to `who`, and log it unless that was done a moment ago."""
        self._count(name)
        bound = BOUNDS.get(name)
        if bound is None:
            return
        most = getattr(self.limits, bound.setting)
        self.warn(name, f"{who} {bound.text} ({bound.setting}: {most})")

    def warn(self, name: str, text: str) -> None:
        """Log a text, unless one of that name was logged a moment ago."""
        if name in TOO_LARGE:
            self._count("http_requests_too_large")
        now = self._clock()
        with self._lock:
            if now - self._told_at.get(name, float("-inf")) < QUIET:
                self._untold[name] = self._untold.get(name, 0) + 1
                return
            self._told_at[name] = now
            untold = self._untold.pop(name, 0)
        more = f"; {untold} more since the last such line" if untold else ""
        logger.warning("%s%s", text, more)
