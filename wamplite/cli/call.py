"""Call a procedure and print its result as one line of JSON.

It prints null, the single value, or {"args": [...], "kwargs": {...}} where there is more.
"""

from __future__ import annotations

import argparse
from typing import Any

from .common import DASHES, add_connection, add_payload, connect, emit, payload, text

TAKES_REST = True
HINTS = {"-": DASHES}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite call`."""
    parser.add_argument("procedure", type=text, metavar="PROCEDURE")
    add_payload(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Call and print."""
    args, kwargs = payload(options)
    with connect(options) as session:
        result = session.call_result(options.procedure, args, kwargs)
    emit(simplest(list(result.args or ()), result.kwargs or {}))
    return 0


def simplest(args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return a result in its simplest form."""
    if kwargs or len(args) > 1:
        return {"args": args, "kwargs": kwargs}
    return args[0] if args else None
