"""Show how busy a router is: its figures, its realms, and the sessions of one, again and again.

On a terminal it is a table that is drawn anew each --interval, sessions that say and hear most
first, until Ctrl-C. When piped it is a line of JSON each time: what wamplite.router.stats and
wamplite.router.sessions answer, with messages a second since the line before.

It needs the right to call these two where the router asks for authorization; without the right to
the second one there is no table of sessions.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.errors import NoSuchProcedure, NotAuthorized, TransportLost
from .common import emit, positive, seconds
from .connection import add_connection, connect
from .top_table import table

if TYPE_CHECKING:
    from ..client.session import Session

STATS, SESSIONS = "wamplite.router.stats", "wamplite.router.sessions"
INTERVAL = 2.0
LOOK = 0.1  # seconds between two looks at the size of the terminal
ENTER = "\x1b[?1049h\x1b[?25l"  # xterm's: another screen, no cursor
LEAVE = "\x1b[?25h\x1b[?1049l"
HOME, TO_END_OF_LINE, TO_END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

Row = dict[str, Any]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite top`."""
    add = parser.add_argument
    add(
        "-i",
        "--interval",
        type=seconds,
        default=INTERVAL,
        metavar="SECONDS",
        help="default: %(default)g",
    )
    add("-C", "--count", type=positive, metavar="N", help="end after N times")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask, show and wait, until there was enough."""
    with connect(options, code=0) as session:
        looks = Looks(session)
        if sys.stdout.isatty():
            with screen():
                watch(session, looks, options)
        else:
            watch(session, looks, options)
    return 0


def watch(session: Session, looks: Looks, options: argparse.Namespace) -> None:
    """Show one look after the other; on a terminal, anew when its size changes."""
    is_terminal, number = sys.stdout.isatty(), 0
    due = time.monotonic()
    while True:
        look = looks.take()
        number += 1
        size = draw(look) if is_terminal else None
        if not is_terminal:
            emit(look)
            sys.stdout.flush()
        if number == options.count:
            return
        due = max(due + options.interval, time.monotonic())
        while (rest := due - time.monotonic()) > 0:
            if session.lost.wait(min(rest, LOOK) if is_terminal else rest):
                raise session.error or TransportLost("the session has ended")
            if is_terminal and size != terminal_size():
                size = draw(look)


def draw(look: Row) -> tuple[int, int]:
    """Draw a table that fills the terminal, and return the size that it was drawn for."""
    width, height = size = terminal_size()
    lines = [line + TO_END_OF_LINE for line in table(look, width)[: max(1, height - 1)]]
    sys.stdout.write(HOME + "\n".join(lines) + TO_END_OF_SCREEN)
    sys.stdout.flush()
    return size


def terminal_size() -> tuple[int, int]:
    """Return columns and lines of the terminal as it is now, whatever $COLUMNS says."""
    width, height = os.get_terminal_size(sys.stdout.fileno())
    return width or 80, height or 24  # a terminal over a serial line may not know


@contextlib.contextmanager
def screen() -> Iterator[None]:
    """Have a screen of our own, and give the terminal back as it was, however this ends."""
    sys.stdout.write(ENTER)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), LEAVE.encode())


class Looks:
    """One look at the router after the other, each with what a second brought since the last."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._has_rows = True
        self._at = 0.0
        self._before: dict[Any, tuple[int, int]] = {}  # by realm or session: messages in, out
        self._cpu: float | None = None  # seconds so far

    def take(self) -> Row:
        """Ask the router."""
        stats: Row = self._session.call(STATS)
        rows: list[Row] = self._rows()
        now = time.monotonic()
        elapsed, self._at = now - self._at, now
        realms: dict[str, Row] = stats["realms"]
        counted = {("realm", name): _messages(realm) for name, realm in realms.items()}
        counted |= {row["session"]: _messages(row) for row in rows}
        for name, realm in realms.items():
            realm |= self._rates(("realm", name), realm, elapsed)
        for row in rows:
            row |= self._rates(row["session"], row, elapsed)
        self._before = counted
        stats["process"]["cpu_share"] = self._share(stats["process"]["cpu"], elapsed)
        return {**stats, "sessions_of": self._session.realm, "rows": rows}

    def _rows(self) -> list[Row]:
        if not self._has_rows:
            return []
        try:
            return list(self._session.call(SESSIONS))
        except (NotAuthorized, NoSuchProcedure):
            self._has_rows = False
            return []

    def _share(self, cpu: float, elapsed: float) -> float | None:
        """Return how much of one processor it took; None at the first look."""
        before, self._cpu = self._cpu, cpu
        return None if before is None else round((cpu - before) / elapsed, 3)

    def _rates(self, key: Any, row: Row, elapsed: float) -> Row:
        """Return messages a second; None at the first look."""
        if key not in self._before:
            return {"in_per_second": None, "out_per_second": None}
        came, went = self._before[key]
        return {
            "in_per_second": round((row["messages_in"] - came) / elapsed, 1),
            "out_per_second": round((row["messages_out"] - went) / elapsed, 1),
        }


def _messages(row: Row) -> tuple[int, int]:
    return row["messages_in"], row["messages_out"]
