"""Call a procedure and print its result as one line of JSON.

It prints null, the single value, or {"args": [...], "kwargs": {...}} where there is more.

With --progress each partial result is a line of its own, as it comes, and the last one the last
line; -W is then for each.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .common import DASHES, add_payload, emit, payload, text
from .connection import add_connection, connect
from .needs import require

TAKES_REST = True
HINTS = {"-": DASHES}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite call`."""
    parser.add_argument("procedure", type=text, metavar="PROCEDURE")
    add_payload(parser)
    parser.add_argument("--progress", action="store_true", help="print partial results, too")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Call and print."""
    args, kwargs = payload(options)
    with connect(options) as session:
        if options.progress:
            require(session, "dealer", "progressive_call_results")
            from ..client.results import Result

            given = [Result(args, kwargs)]
            show(session.call_parts(options.procedure, given, on_progress=show))
            return 0
        result = session.call_result(options.procedure, args, kwargs)
    emit(simplest(list(result.args or ()), result.kwargs or {}))
    return 0


def show(answer: Any) -> None:
    """Print a partial result, or the last one, at once."""
    from ..client.results import Result

    is_more = isinstance(answer, Result)
    emit(simplest(answer.args, answer.kwargs) if is_more else answer)
    sys.stdout.flush()


def simplest(args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return a result in its simplest form."""
    if kwargs or len(args) > 1:
        return {"args": args, "kwargs": kwargs}
    return args[0] if args else None
