"""Publish an event and wait until the router has taken it.

With -l each line of stdin is one event: ARGS and then the line, which is JSON where it parses as
JSON, else text, else (where it is not UTF-8) bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from .common import DASHES, add_payload, payload, text, value_of
from .connection import add_connection, connect

TAKES_REST = True
HINTS = {"-": DASHES}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite pub`."""
    parser.add_argument("topic", type=text, metavar="TOPIC")
    add_payload(parser)
    parser.add_argument(
        "-l", "--lines", action="store_true", help="an event for each line of stdin"
    )
    parser.add_argument(
        "--retain",
        action="store_true",
        help="the router keeps it for who subscribes later; without ARG it keeps none any more",
    )
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Publish one event, or one a line."""
    given, kwargs = payload(options)
    asked = {"acknowledge": True, **({"retain": True} if options.retain else {})}
    with connect(options) as session:
        for args in of_lines(given) if options.lines else [given]:
            session.publish_args(options.topic, args, kwargs, options=asked)
    return 0


def of_lines(given: list[Any]) -> Iterator[list[Any]]:
    """Yield the args of the event of each line."""
    for line in sys.stdin.buffer:
        yield [*given, value_of(line.rstrip(b"\r\n"))]
