"""Print the events of topics, one line of JSON each: {"topic", "args", "kwargs", "details"}.

-F prints what a format makes of an event instead: {topic}, {args}, {kwargs}, {0} for the first
argument, {unit} for a keyword argument, {0:.1f} for a number; what an event does not have is empty.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ..core.errors import TransportLost
from .common import HEARING, add_connection, connect, positive
from .formats import Format, as_json

if TYPE_CHECKING:
    from ..client.session import Session

EVENTS = 1000  # waiting to be printed; beyond it they wait in the session, which has its own bound
Row = dict[str, Any]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite sub`."""
    add = parser.add_argument
    add("topics", nargs="+", metavar="TOPIC")
    add("-C", "--count", type=positive, metavar="N", help="end after N events")
    add("-F", "--format", type=Format, default=as_json, metavar="FORMAT")
    add(
        "--match", choices=("exact", "prefix", "wildcard"), help="how TOPICs match (default: exact)"
    )
    add("-v", "--verbose", action="store_true", help="say on stderr when a topic is subscribed")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Print events until there were enough; -W bounds the time for all of them."""
    rows = Rows()
    with connect(options) as session:
        try:
            for topic in options.topics:
                subscribe(session, topic, options, rows)
            threading.Thread(target=tell_loss, args=(session, rows), daemon=True).start()
            if not print_rows(rows, options):
                raise session.error or TransportLost(f"{options.url}: the session has ended")
        finally:
            rows.finish()
    return 0


class Rows:
    """Events on their way from the session's thread to the one that prints; None is the end."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Row | None] = queue.Queue(EVENTS)
        self._finished = False

    def put(self, row: Row | None) -> None:
        """Add an event and wait while there are too many; without effect once all is printed."""
        if not self._finished:
            self._queue.put(row)

    def get(self, deadline: float) -> Row | None:
        """Take an event, waiting for it; raises queue.Empty when the time is up."""
        if self._queue.empty():
            sys.stdout.flush()
        while True:
            left = deadline - time.monotonic()
            try:
                return self._queue.get(timeout=max(0.0, min(left, HEARING)))
            except queue.Empty:
                if left <= HEARING:
                    raise

    def finish(self) -> None:
        """Let go of whoever waits in put()."""
        self._finished = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()


def subscribe(session: Session, topic: str, options: argparse.Namespace, rows: Rows) -> None:
    """Subscribe to a topic; its events go into the queue."""
    from ..client.results import Event

    def on_event(event: Event) -> None:
        row = {"topic": event.topic, "args": event.args, "kwargs": event.kwargs}
        rows.put(row | {"details": event.details})

    session.subscribe(topic, on_event, options={"match": options.match} if options.match else None)
    if options.verbose:
        print(f"subscribed {topic}", file=sys.stderr, flush=True)


def tell_loss(session: Session, rows: Rows) -> None:
    """Say that there is no more, when the session has ended and its last events are there."""
    session.lost.wait()
    session.leave()
    rows.put(None)


def print_rows(rows: Rows, options: argparse.Namespace) -> bool:
    """Print what comes until there were enough, and tell whether there were."""
    deadline = time.monotonic() + (options.timeout or math.inf)
    left = options.count
    while left is None or left > 0:
        try:
            row = rows.get(deadline)
        except queue.Empty:
            raise TimeoutError(f"time is up: {options.timeout:g} s") from None
        if row is None:
            return False
        sys.stdout.write(options.format(row) + "\n")
        left = left and left - 1
    return True
