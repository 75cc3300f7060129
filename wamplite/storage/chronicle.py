"""The events that were published to some topics, in order, within bounds: history is made of them.

What is kept may be given to other chronicles while events come: `rearranged`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..core.feature import Host
from ..core.matching import ORDER, matches
from ..core.weight import weigh
from . import stored_events

MAX_EVENT = 256 * 1024  # bytes; a larger one is not kept
BOUNDS = ("max_events", "max_bytes", "max_age", "file")  # of a rule


class Past(NamedTuple):
    """One event that was published."""

    number: int  # in the order of publication
    time: float
    topic: str
    publication: int
    details: dict[str, Any]
    args: Any
    kwargs: Any
    limits: dict[str, Any]  # the options of PUBLISH that say who gets it
    weight: int


class Chronicle:
    """The events of some topics, within bounds of its own.

    patterns: (match, uri) of the topics; most: events of each; max_age: seconds, 0: for ever. file:
    in which they outlive the router, "{realm}" stands for the realm; "": they are in memory alone.
    """

    def __init__(
        self, patterns: list[tuple[str, str]], most: int, max_bytes: int, max_age: float, file: str
    ) -> None:
        self.patterns = patterns
        self.most, self.max_bytes, self.max_age, self.file = most, max_bytes, max_age, file
        self.store: Any = None
        self.topics: dict[str, deque[Past]] = {}
        self.order: deque[Past] = deque()  # all events and some that are forgotten, in order
        self.number = 0  # of events
        self.bytes = 0

    def open(self, host: Host) -> int:
        """Take what the file has kept; return the number of the last."""
        self.now = host.now
        if not self.file:
            return 0
        self.store = stored_events(self, host)
        number = 0
        for number, topic, publication, time, _, said in self.store.load():
            args, kwargs, details, limits = said
            weight = weigh([topic, args, kwargs], MAX_EVENT)
            past = Past(number, time, topic, publication, details, args, kwargs, limits, weight)
            self.keep(past)
        return number

    def everything(self) -> list[Any]:
        """Return all that is kept, as the file has it."""
        return [stored(past) for events in self.topics.values() for past in events]

    def wants(self, topic: str) -> bool:
        """Tell whether the events of a topic belong here."""
        return any(matches(*pattern, topic) for pattern in self.patterns)

    def keep(self, past: Past) -> None:
        """Keep an event, and forget what there is no room for any more."""
        events = self.topics.setdefault(past.topic, deque())
        events.append(past)
        self.order.append(past)
        self.number += 1
        self.bytes += past.weight
        if len(events) > self.most:
            self.forget(events[0])
        while self.bytes > self.max_bytes:
            self.forget(self.order.popleft())
        if len(self.order) > 2 * self.number + 100:
            self.order = deque(past for past in self.order if self.has(past))

    def has(self, past: Past) -> bool:
        """Tell whether an event was not forgotten: of a topic the oldest are first."""
        events = self.topics.get(past.topic)
        return events is not None and events[0].number <= past.number

    def forget(self, past: Past) -> None:
        """Forget an event, which is the oldest of its topic, unless it was forgotten before."""
        if not self.has(past):
            return
        events = self.topics[past.topic]
        events.popleft()
        self.number -= 1
        self.bytes -= past.weight
        if not events:
            del self.topics[past.topic]
        if self.store is not None:
            self.store.remove(past.number)

    def found(self, match: str, uri: str) -> list[Past]:
        """Return the events of the topics that a subscription matches."""
        oldest = self.now() - self.max_age if self.max_age else 0
        topics = [topic for topic in self.topics if matches(match, uri, topic)]
        return [past for topic in topics for past in self.topics[topic] if past.time >= oldest]

    def take_over(self, other: Chronicle) -> None:
        """Have what another one keeps, and its file."""
        self.now, self.store, other.store = other.now, other.store, None
        self.topics, other.topics = other.topics, {}
        self.store.everything = self.everything

    def close(self) -> None:
        """Write what waits, and close the file."""
        if self.store is not None:
            self.store.close()


def of_rules(rules: Iterable[Mapping[str, Any]]) -> list[Chronicle]:
    """Return a chronicle for each rule, that which says most of its topics first.

    A rule is a dict of match, uri and BOUNDS.
    """
    several = sorted(rules, key=lambda one: (ORDER.index(one["match"]), -len(one["uri"])))
    return [
        Chronicle([(one["match"], one["uri"])], *(one[key] for key in BOUNDS)) for one in several
    ]


def rearranged(before: list[Chronicle], now: list[Chronicle]) -> int:
    """Have each event where its topic belongs now, in order; return the number of the last.

    Events of which nobody wants the topic stay where they are, or are forgotten with it.
    """
    found = [
        (past, next((one for one in now if one.wants(past.topic)), chronicle))
        for chronicle in dict.fromkeys([*before, *now])
        for events in chronicle.topics.values()
        for past in events
    ]
    found.sort(key=lambda pair: (pair[0].time, pair[0].number))
    for chronicle in now:
        chronicle.topics, chronicle.order = {}, deque()
        chronicle.number = chronicle.bytes = 0
    number = 0
    for number, (past, chronicle) in enumerate(found, 1):
        if chronicle in now:
            chronicle.keep(past._replace(number=number))
    for chronicle in now:
        if chronicle.store is not None:
            chronicle.store.rewrite()
    return number


def stored(past: Past) -> tuple[Any, ...]:
    """Return an event as its file takes it."""
    said = [past.args, past.kwargs, past.details, past.limits]
    return past.number, past.topic, past.publication, past.time, 0, said
