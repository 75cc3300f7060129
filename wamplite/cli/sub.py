"""Print the events of topics, one line of JSON each: {"topic", "args", "kwargs", "details"}.

-F prints what a format makes of an event instead: {topic}, {args}, {kwargs}, {0} for the first
argument, {unit} for a keyword argument, {0:.1f} for a number; what an event does not have is empty.
"""

from __future__ import annotations

import argparse
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ..core.errors import TransportLost
from .common import add_connection, connect, positive
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
    rows: queue.Queue[Row | None] = queue.Queue(EVENTS)
    with connect(options) as session:
        for topic in options.topics:
            subscribe(session, topic, options, rows)
        threading.Thread(target=tell_loss, args=(session, rows), daemon=True).start()
        print_rows(rows, options)
    return 0


def subscribe(
    session: Session, topic: str, options: argparse.Namespace, rows: queue.Queue[Row | None]
) -> None:
    """Subscribe to a topic; its events go into the queue."""
    from ..client import Event

    def on_event(event: Event) -> None:
        row = {"topic": event.topic or topic, "args": list(event.args), "kwargs": event.kwargs}
        rows.put(row | {"details": event.details})

    session.subscribe(topic, on_event, options={"match": options.match} if options.match else None)
    if options.verbose:
        print(f"subscribed {topic}", file=sys.stderr, flush=True)


def tell_loss(session: Session, rows: queue.Queue[Row | None]) -> None:
    """Put None into the queue when the session has ended."""
    session.lost.wait()
    rows.put(None)


def print_rows(rows: queue.Queue[Row | None], options: argparse.Namespace) -> None:
    """Print what comes until there were enough, the time is up or the session is lost."""
    deadline = time.monotonic() + options.timeout if options.timeout else None
    left = options.count
    while left is None or left > 0:
        try:
            row = rows.get(timeout=deadline and max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(f"time is up: {options.timeout:g} s") from None
        if row is None:
            raise TransportLost("the session has ended")
        sys.stdout.write(options.format(row) + "\n")
        if rows.empty():
            sys.stdout.flush()
        left = left and left - 1
