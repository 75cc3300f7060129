"""Events that the router has kept, as rows like those of `wamplite sub`, and the wish for them."""

from __future__ import annotations

import argparse
from typing import Any

from .formats import LineFormat, as_json

EventRow = dict[str, Any]


def add_match(parser: argparse.ArgumentParser, what: str) -> None:
    """Add how TOPIC, or each of them, matches."""
    parser.add_argument(
        "--match",
        choices=("exact", "prefix", "wildcard"),
        help=f"how {what} (default: exact)",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add what a line looks like."""
    parser.add_argument("-F", "--format", type=LineFormat, default=as_json, metavar="FORMAT")


def row_of(topic: str, event: dict[str, Any]) -> EventRow:
    """Return the row of an event of `wamp.subscription.get_events`; topic: what was asked for."""
    details = event.get("details") or {}
    return {
        "topic": details.get("topic", topic),
        "args": event.get("args") or [],
        "kwargs": event.get("kwargs") or {},
        "details": details,
    }
