"""Print the events that the router has kept of a topic, the oldest first, a line of JSON each.

A line has "topic", "args", "kwargs" and "details" as of `wamplite sub`, and "timestamp" and
"publication". The router keeps the events of the topics that its --history names.
"""

from __future__ import annotations

import argparse
import sys

from .common import positive, text
from .connection import add_connection, connect
from .needs import procedures_of
from .past import add_format, add_match, row_of
from .streams import complain

BOUNDS = ("from", "after", "before", "until")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite history`."""
    add = parser.add_argument
    add("topic", type=text, metavar="TOPIC")
    add_match(parser, "TOPIC matches")
    add("--limit", type=positive, metavar="N", help="at most N events")
    add("--reverse", action="store_true", help="the newest first")
    for bound in BOUNDS:
        add(f"--{bound}-time", type=text, metavar="TIME", help="as 2026-06-01T12:00:00Z")
    for bound in BOUNDS:
        add(f"--{bound}-publication", type=positive, metavar="ID", help=argparse.SUPPRESS)
    add_format(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Ask and print."""
    names = [f"{bound}_{what}" for bound in BOUNDS for what in ("time", "publication")]
    wanted = {name: getattr(options, name) for name in ("limit", *names)}
    filters = {name: value for name, value in wanted.items() if value is not None}
    if options.reverse:
        filters["reverse"] = True
    with connect(options) as session, procedures_of("event_history"):
        match = options.match or "exact"
        events = session.meta.history(options.topic, match=match, **filters)
    for event in events:
        more = {key: event.get(key) for key in ("timestamp", "publication")}
        sys.stdout.write(options.format(row_of(options.topic, event) | more) + "\n")
    if not events:
        tell_nothing(options.topic)
    return 0


def tell_nothing(topic: str) -> None:
    """Say that there are no events, which may be since the router keeps none of that topic."""
    complain(f"{topic}: nothing is kept; a router keeps what its --history names")
