"""Print the messages of a realm as they pass its router, one line each, until Ctrl-C.

A line tells the time (UTC), the session, which way a message goes (in: to the router), its name,
the URI it is about, and its array, shortened. What somebody is proved by in a handshake is not
shown, nor what stands under keys like `password`; other arguments are. When piped it is JSON.

Where the router asks for authorization this needs the right to subscribe to wamplite.router.trace;
where it does not, it is for this machine alone. A router shows 2,000 lines a second; what is more,
and what is not read fast enough, is lost, and stderr tells how many lines.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import sys
from typing import TYPE_CHECKING, Any

from .. import signals
from ..core import uris
from ..core.errors import ApplicationError, TransportLost
from ..core.words import printable
from .common import positive, text, to_json
from .connection import add_connection, connect
from .streams import complain

if TYPE_CHECKING:
    from ..client.results import Event
    from ..client.session import Session

EVENTS = 64  # of up to 100 lines each, that wait to be printed
ARROWS = {"in": "->", "out": "<-", "end": "--"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite trace`."""
    add = parser.add_argument
    add("--session", type=positive, metavar="ID", help="only messages of this session")
    add("--uri", type=text, metavar="PREFIX", help="only messages about a URI that begins so")
    add("-C", "--count", type=positive, metavar="N", help="end after N lines")
    add("-v", "--verbose", action="store_true", help="say on stderr when the trace has begun")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Print lines until there were enough."""

    asked = {"_session": options.session, "_uri": options.uri}
    waiting: queue.Queue[Event] = queue.Queue(EVENTS)

    def on_event(event: Event) -> None:
        with contextlib.suppress(queue.Full):  # the numbers of the next one tell
            waiting.put_nowait(event)

    with connect(options, code=0) as session:
        check(session)
        given = {key: word for key, word in asked.items() if word is not None}
        session.subscribe(uris.TRACE, on_event, options=given)
        if options.verbose:
            print(f"tracing {session.realm}", file=sys.stderr, flush=True)
        show(session, waiting, options.count)
    return 0


def check(session: Session) -> None:
    """Raise ApplicationError where the router is another's: it would never send a line."""
    agent = session.details.get("agent", "")
    if not str(agent).startswith("wamplite"):
        error = uris.FEATURE_NOT_SUPPORTED
        raise ApplicationError(error, f"the router is {agent or 'another'}: wamplite's has a trace")


def show(session: Session, waiting: queue.Queue[Event], count: int | None) -> None:
    """Print what comes, and how many lines did not."""
    expected, line_of = 0, in_words if sys.stdout.isatty() else to_json
    left = count
    while left is None or left > 0:
        try:
            event = waiting.get(timeout=signals.HEARING)
        except queue.Empty:
            if session.lost.is_set():
                raise session.error or TransportLost("the session has ended") from None
            continue
        first, lines = event.kwargs["first"], event.args
        if first > expected:
            complain(f"{first - expected} lines lost")
        expected = first + len(lines)
        for line in lines[:left]:
            sys.stdout.write(f"{line_of(line)}\n")
        left = left and left - min(left, len(lines))
        sys.stdout.flush()


def in_words(line: dict[str, Any]) -> str:
    """Return a line for a person."""
    who = line["session"] or line["peer"]
    what = [line["time"][11:23], who, ARROWS[line["direction"]], line["message"]]
    what += [to_json(line["array"])] if "array" in line else []
    what += [f"(it cannot be carried on: {line['unfit']})"] if "unfit" in line else []
    return printable(" ".join(map(str, what)))
