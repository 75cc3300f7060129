"""Print the events of topics, one line of JSON each: {"topic", "args", "kwargs", "details"}.

-F prints a format filled with the event instead: {topic}, {args}, {kwargs}, {0} for the first
argument, {unit} for a keyword argument, {0:.1f} for a number; a missing value is empty.

--match prefix takes `com.app.` for all topics that begin so, --match wildcard `com..temperature`
for all with any one component in its empty place; a router does both unless its --feature leaves
pattern_based_subscription out.

--retained prints first what the router retains of each topic, --history N the last N events that it
has kept, of each TOPIC; --count counts them, too.

It comes back when the router does, and prints then what --history has in between, too.

-W bounds the time for all events; without it there is no bound.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import queue
import re
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .. import signals
from ..core.errors import TransportLost, WampliteError
from .comebacks import Comebacks, add_comebacks
from .common import positive, text
from .connection import add_connection, connect
from .history import tell_nothing
from .needs import procedures_of
from .past import EventRow, add_format, add_match, row_of
from .streams import complain

if TYPE_CHECKING:
    from ..client.session import Session

EVENTS = 1000  # that wait to be printed; more wait in the session, which has its own bound
WILDCARDS = {"#", "+", "*", ">"}  # of MQTT and NATS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite sub`."""
    add = parser.add_argument
    add("topics", nargs="+", type=text, metavar="TOPIC")
    add("-C", "--count", type=positive, metavar="N", help="end after N events")
    add_format(parser)
    add_match(parser, "TOPICs match")
    add("--retained", action="store_true", help="print what is retained first")
    add("--history", type=positive, metavar="N", help="print the last N events that are kept first")
    add("-v", "--verbose", action="store_true", help="say on stderr when a topic is subscribed")
    add_comebacks(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Print as many events as --count says; -W bounds the time for all of them."""
    warn_of_wildcards(options)
    printing, comebacks = Printing(options), Comebacks(options)
    while True:
        try:
            print_session(options, printing, comebacks)
            return 0
        except WampliteError as error:
            printing.pause(comebacks.delay(error))


def print_session(options: argparse.Namespace, printing: Printing, comebacks: Comebacks) -> None:
    """Print events of one session until there were enough, or raise how it ended."""
    rows = EventRows()
    with connect(options, code=0) as session:
        try:
            for topic in options.topics:
                seen = printing.seen[topic]
                subscription = subscribe(session, topic, options, rows, seen)
                if options.history:
                    printing.write_kept(kept(session, subscription, topic, seen))
            comebacks.served()
            threading.Thread(target=tell_loss, args=(session, rows), daemon=True).start()
            if not printing.take(rows):
                raise session.error or TransportLost(f"{options.url}: the session has ended")
        finally:
            rows.finish()


def warn_of_wildcards(options: argparse.Namespace) -> None:
    """Warn where a topic looks like a pattern of MQTT or NATS."""
    for topic in options.topics:
        if WILDCARDS.intersection(re.split("[./]", topic)):
            complain(
                f"{topic}: #, +, * and > mean nothing in a topic of WAMP: see --match prefix and"
                " --match wildcard in `wamplite sub --help`"
            )


class Seen:
    """The events of one TOPIC that were printed last: its history has some of them, too."""

    def __init__(self, most: int | None) -> None:
        self.most = most  # events of the history; None: it is not asked for
        self._remembered = (most or 0) + EVENTS
        self._publications: set[int] = set()
        self._in_order: deque[int] = deque()

    def is_new(self, publication: int | None) -> bool:
        """Note an event that is printed now; False where it was before."""
        if self.most is None or publication is None:
            return True
        if publication in self._publications:
            return False
        self._publications.add(publication)
        self._in_order.append(publication)
        if len(self._in_order) > self._remembered:
            self._publications.remove(self._in_order.popleft())
        return True


class Arrived(NamedTuple):
    """An event of a subscription."""

    row: EventRow
    publication: int
    seen: Seen  # of its TOPIC


class EventRows:
    """Events on the way from the session's thread to the printing one; None is the end."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Arrived | None] = queue.Queue(EVENTS)
        self._finished = False

    def put(self, row: Arrived | None) -> None:
        """Add an event, and wait while there are too many; without effect after `finish`."""
        if not self._finished:
            self._queue.put(row)

    def get(self, deadline: float) -> Arrived | None:
        """Take an event, waiting for it; raises queue.Empty when the time is up."""
        if self._queue.empty():
            sys.stdout.flush()
        while True:
            left = deadline - time.monotonic()
            try:
                return self._queue.get(timeout=max(0.0, min(left, signals.HEARING)))
            except queue.Empty:
                if left <= signals.HEARING:
                    raise

    def finish(self) -> None:
        """Let a thread that waits in put() go on."""
        self._finished = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()


def subscribe(
    session: Session, topic: str, options: argparse.Namespace, rows: EventRows, seen: Seen
) -> int:
    """Subscribe to a topic, and return the subscription's id; its events go into the queue."""
    from ..client.results import Event

    def on_event(event: Event) -> None:
        row = {"topic": event.topic, "args": event.args, "kwargs": event.kwargs}
        rows.put(Arrived(row | {"details": event.details}, event.publication, seen))

    asked = {"match": options.match} if options.match else {}
    if options.retained:
        asked["get_retained"] = True
    subscription = session.subscribe(topic, on_event, options=asked)
    if options.verbose:
        print(f"subscribed {topic}", file=sys.stderr, flush=True)
    return subscription.id


def kept(session: Session, subscription: int, topic: str, seen: Seen) -> list[EventRow]:
    """Return the last events that the router has kept, but for those that were printed."""
    with procedures_of("event_history"):
        events = session.meta.events(subscription, limit=seen.most, reverse=True)
    if not events:
        tell_nothing(topic)
    return [
        row_of(topic, event) for event in reversed(events) if seen.is_new(event.get("publication"))
    ]


def tell_loss(session: Session, rows: EventRows) -> None:
    """Add the end once the session has ended and its last events have come."""
    session.lost.wait()
    session.leave()
    rows.put(None)


class Printing:
    """How many events are still to be printed, and until when, over all sessions."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._left = options.count
        self._deadline = time.monotonic() + (options.timeout or math.inf)
        self.seen = {topic: Seen(options.history) for topic in options.topics}

    def write_kept(self, rows: list[EventRow]) -> None:
        """Print events of the history, as many as are still to be printed."""
        for row in rows[: self._left]:
            self._write(row)

    def take(self, rows: EventRows) -> bool:
        """Print events until there were enough; False when the session has ended before."""
        while self._left is None or self._left > 0:
            try:
                arrived = rows.get(self._deadline)
            except queue.Empty:
                raise self._time_is_up() from None
            if arrived is None:
                return False
            if arrived.seen.is_new(arrived.publication):
                self._write(arrived.row)
        return True

    def _write(self, row: EventRow) -> None:
        sys.stdout.write(self._options.format(row) + "\n")
        self._left = self._left and self._left - 1

    def pause(self, seconds: float) -> None:
        """Wait before the next attempt; raises TimeoutError when the time for all is up."""
        sys.stdout.flush()
        time.sleep(max(0.0, min(seconds, self._deadline - time.monotonic())))
        if time.monotonic() >= self._deadline:
            raise self._time_is_up()

    def _time_is_up(self) -> TimeoutError:
        return TimeoutError(f"time is up: {self._options.timeout:g} s")
