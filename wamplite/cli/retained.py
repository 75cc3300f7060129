"""Print the event that the router retains of a topic, a line of JSON as `wamplite sub` does.

With --match there is a line for each topic that matches. Nothing is retained but what was published
so, as by `wamplite pub --retain`.
"""

from __future__ import annotations

import argparse
import sys

from .common import text
from .connection import add_connection, connect
from .past import EventRow, add_format, add_match


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite retained`."""
    parser.add_argument("topic", type=text, metavar="TOPIC")
    add_match(parser, "TOPIC matches")
    add_format(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Subscribe, take what is retained, and print it."""
    from ..client.results import Event

    rows: list[EventRow] = []

    def on_event(event: Event) -> None:
        if event.details.get("retained"):
            row = {"topic": event.topic, "args": event.args, "kwargs": event.kwargs}
            rows.append(row | {"details": event.details})

    def ignore(event: Event) -> None:
        """Take an event of now."""

    asked = {"match": options.match} if options.match else {}
    with connect(options) as session:
        session.subscribe(options.topic, on_event, options={**asked, "get_retained": True})
        session.subscribe(options.topic, ignore, options=asked)  # answered behind the events
        session.drain()
    for row in rows:
        sys.stdout.write(options.format(row) + "\n")
    return 0
