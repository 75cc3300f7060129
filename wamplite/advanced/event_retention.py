"""`retain`, `get_retained`: the last event of a topic for late comers (RFC "Event Retention").

Announced by the broker. PUBLISH with `retain` keeps its event as that of the topic; one without any
argument clears it. SUBSCRIBE with `get_retained` gets, after SUBSCRIBED, the last one that it would
have got as it was published, of each topic that it matches, with EVENT.Details.retained. Behind an
event that only some may get, what was kept before is kept for the others, LIMITED of them. A
session that published the event itself, and so does not get it, gets nothing.

The topics are bounded in number and bytes: where there is no room the event that was kept longest
ago is forgotten, and counted in `forgotten`. Events may expire after `expiry` seconds. With `file`,
in which "{realm}" stands for the realm, they outlive the router: PUBLISHED is sent once the event
is stored, or could not be: a full disk costs what is kept across a restart, and is counted. Some
topics may be kept on a Shelf with bounds and a file of its own, given as a dict of its parameters;
others may take the place of these: `prepared`, then `take`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from ..core.feature import Feature, Host, claim
from ..core.ids import new_publication
from ..core.matching import ORDER, matches
from ..core.messages import Event
from ..core.records import Publication
from ..core.weight import weigh
from ..storage import opened, stored_events, taken_over

LIMITED = 4
MAX_TOPICS = 10_000
MAX_BYTES = 16 * 1024 * 1024
MAX_EVENT = 256 * 1024  # a larger one is delivered, and not kept
NOTHING: dict[str, Any] = {}  # shared by all that have nothing to tell there; never written
Done = Callable[[], None] | None


class Kept(NamedTuple):
    """One event: what it tells, and who may get it."""

    publication: int
    details: dict[str, Any]
    args: Any
    kwargs: Any
    limits: dict[str, Any]  # the options of PUBLISH that say who gets it
    publisher: int  # the session that does not get it, or 0
    time: float
    weight: int
    number: int = 0  # in the file


class Shelf:
    """Keeps the events of some topics, within bounds of its own.

    uri, match: of the topics that are kept here; max_age: seconds, 0: for ever; file: see above.
    """

    def __init__(
        self,
        uri: str = "",
        match: str = "prefix",
        *,
        max_topics: int = MAX_TOPICS,
        max_bytes: int = MAX_BYTES,
        max_age: float = 0.0,
        file: str = "",
    ) -> None:
        self.uri, self.match = uri, match
        self.max_topics, self.max_bytes, self.max_age = max_topics, max_bytes, max_age
        self.file = file
        self.store: Any = None
        # each the newest first
        self.topics: OrderedDict[str, tuple[Kept, ...]] = OrderedDict()
        self.bytes = 0
        self.forgotten = 0
        self.numbers = count(1)

    def open(self, host: Host) -> None:
        """Take what the file has kept."""
        self.now = host.now
        if self.file:
            self.store = stored_events(self, host)
            self.load()

    def take_over(self, other: Shelf) -> None:
        """Have what another one keeps, and its file."""
        self.now, self.numbers, self.bytes = other.now, other.numbers, other.bytes
        self.store, other.store = other.store, None
        self.topics, other.topics = other.topics, OrderedDict()
        self.store.everything = self.everything

    def adopt(self, topic: str, events: tuple[Kept, ...]) -> None:
        """Keep what another shelf has kept of a topic, unless what is here is newer."""
        here = self.topics.pop(topic, ())
        self.bytes -= sum(kept.weight for kept in here)
        if here and here[0].time > events[0].time:
            events = here
        self.bytes += sum(kept.weight for kept in events)
        numbered = [kept._replace(number=next(self.numbers)) for kept in reversed(events)]
        self.topics[topic] = tuple(reversed(numbered))

    def settle(self) -> None:
        """Have topics in the order of their events, in the file, too."""
        self.topics = OrderedDict(sorted(self.topics.items(), key=lambda each: each[1][0].time))
        if self.store is not None:
            self.store.rewrite()

    def trim(self) -> None:
        """Forget topics until the others are within the bounds."""
        while len(self.topics) > self.max_topics or self.bytes > self.max_bytes:
            self.forget(next(iter(self.topics)))
            self.forgotten += 1

    def close(self) -> None:
        """Write what waits, and close the file."""
        if self.store is not None:
            self.store.close()

    def everything(self) -> list[Any]:
        """Return all that is kept, as the file has it."""
        return [
            _stored(topic, kept) for topic, events in self.topics.items() for kept in events[::-1]
        ]

    def load(self) -> None:
        """Take what the file has kept; behind the last of a topic it has those that are limited."""
        number = 0
        for number, topic, publication, time, session, said in self.store.load():
            args, kwargs, details, limits = said
            weight = weigh([topic, args, kwargs], MAX_EVENT)
            kept = Kept(publication, details, args, kwargs, limits, session, time, weight, number)
            self.topics[topic] = (kept, *self.topics.pop(topic, ()))
            self.bytes += weight
        self.numbers = count(number + 1)

    def take(self, publisher: Any, publication: Any, publish: Any, done: Done) -> None:
        """Keep an event as that of its topic; done: called once it is stored."""
        topic = publication.topic
        weight = weigh([topic, publish.args, publish.kwargs], MAX_EVENT)
        if not (publish.args or publish.kwargs) or weight > MAX_EVENT:
            self.forget(topic, done)  # of one that is too large, an older one is not the last
            return
        limits = {key: value for key, value in publish.options.items() if _limits(key)} or NOTHING
        excluded = publisher.session if publisher in publication.excluded else 0
        event = Kept(
            publication.id,
            publication.details or NOTHING,
            publish.args,
            publish.kwargs,
            limits,
            excluded,
            self.now(),
            weight,
            next(self.numbers),
        )
        before = self.topics.pop(topic, ())
        kept = before[: LIMITED - 1] if limits else ()
        self.drop(before[len(kept) :])
        self.topics[topic] = (event, *kept)
        self.bytes += weight
        if self.store is not None:
            self.store.add(*_stored(topic, event), done)
        self.trim()

    def forget(self, topic: str, done: Done = None) -> None:
        """Forget the events of a topic."""
        self.drop(self.topics.pop(topic, ()))
        if done is not None:
            self.store.remove(0, done)  # behind those, in the same file

    def drop(self, events: tuple[Kept, ...]) -> None:
        """Forget some events."""
        for kept in events:
            self.bytes -= kept.weight
            if self.store is not None:
                self.store.remove(kept.number)

    def found(self, match: str, uri: str) -> list[tuple[str, Kept]]:
        """Return what is kept of the topics that a subscription matches."""
        oldest = self.now() - self.max_age if self.max_age else 0
        if match == "exact":
            topics = [uri] if uri in self.topics else []
        else:
            topics = [topic for topic in self.topics if matches(match, uri, topic)]
        return [
            (topic, kept) for topic in topics for kept in self.topics[topic] if kept.time >= oldest
        ]


class ForRouter(Feature):
    name = "event_retention"
    roles = ("broker",)

    def __init__(
        self,
        shelves: Iterable[Mapping[str, Any]] = (),
        *,
        max_topics: int = MAX_TOPICS,
        max_bytes: int = MAX_BYTES,
        expiry: float | None = None,
        file: str | None = None,
    ) -> None:
        others = Shelf(
            max_topics=max_topics, max_bytes=max_bytes, max_age=expiry or 0.0, file=file or ""
        )
        self.shelves = [*_made(shelves), others]
        self.forgotten = self.not_stored = 0  # of shelves that are no more

    def install(self, host: Host) -> None:
        self.realm, self.broker = host, host.broker
        claim(host.broker.publish_options, "retain", self.on_retain)
        claim(host.broker.subscribe_options, "get_retained", lambda subscriber, value: None)
        host.broker.subscribed.append(self.on_subscribed)
        host.broker.repeated.append(self.on_subscribed)
        for shelf in self.shelves:
            shelf.open(host)
        self._arrange(self.shelves)

    def counters(self) -> dict[str, int]:
        counted = {
            "retained_forgotten": self.forgotten + sum(shelf.forgotten for shelf in self.shelves),
            "retained_not_stored": self.not_stored + sum(map(_faults, self.shelves)),
        }
        return {name: number for name, number in counted.items() if number}

    def close(self) -> None:
        for shelf in self.shelves:
            shelf.close()

    # ---- other shelves

    def prepared(self, shelves: Iterable[Mapping[str, Any]]) -> list[Shelf]:
        """Return what `take` takes, with new files open; UsageError where one cannot be.

        Nothing has changed by it; any thread.
        """
        there = {shelf.file for shelf in self.shelves[:-1] if shelf.file}
        return opened(_made(shelves), there, self.realm)

    def take(self, shelves: list[Shelf]) -> list[Shelf]:
        """Keep events on these from now on (the routing role); return those to be closed.

        What is retained stays so, on the shelf where its topic belongs now. A file that no shelf
        has any more is left as it is.
        """
        *before, others = self.shelves
        gone = taken_over(before, shelves)
        self.forgotten += sum(shelf.forgotten for shelf in before)
        self.not_stored += sum(map(_faults, gone))
        self.shelves = [*shelves, others]
        self._arrange([*before, *self.shelves])
        return gone

    def _arrange(self, shelves: list[Shelf]) -> None:
        """Have what these hold where its topic belongs: elsewhere it would not be the last."""
        changed = set()
        for shelf in shelves:
            for topic in list(shelf.topics):
                wanted = self.shelf_of(topic)
                if wanted is not shelf:
                    events = shelf.topics.pop(topic)
                    shelf.bytes -= sum(kept.weight for kept in events)
                    wanted.adopt(topic, events)
                    changed |= {shelf, wanted}
        for shelf in self.shelves:
            if shelf in changed:
                shelf.settle()
            shelf.trim()

    def shelf_of(self, topic: str) -> Shelf:
        """Return where the event of a topic is kept."""
        if len(self.shelves) == 1:
            return self.shelves[0]
        return next(shelf for shelf in self.shelves if matches(shelf.match, shelf.uri, topic))

    # ---- keeping

    def on_retain(self, publication: Any, retain: bool) -> None:
        if retain:
            publication.ends = [*(publication.ends or ()), self.on_published]
            publication.holds += self.shelf_of(publication.topic).store is not None

    def on_published(self, publisher: Any, publication: Any, publish: Any) -> None:
        shelf, done = self.shelf_of(publication.topic), None
        if publication.notes.get("request") and shelf.store is not None:
            done = partial(self.broker.release, publication)
        shelf.take(publisher, publication, publish, done)

    # ---- giving

    def on_subscribed(self, member: Any, subscriber: Any, subscribe: Any) -> None:
        if not subscribe.options.get("get_retained"):
            return
        subscription = subscriber.subscription
        given = set()
        for shelf in self.shelves:
            for topic, kept in shelf.found(subscription.match, subscription.uri):
                if (
                    topic not in given
                    and member.session != kept.publisher
                    and self.broker.may_get(member, topic, kept.limits)
                ):
                    given.add(topic)
                    self.give(subscriber, topic, kept)

    def give(self, subscriber: Any, topic: str, kept: Kept) -> None:
        subscription = subscriber.subscription
        publication = Publication(None, topic, kept.publication or new_publication(), set(), [], {})
        details = {**kept.details, "retained": True}
        for writer in subscription.writers:
            details.update(writer(publication))
        event = Event(subscription.id, publication.id, details, kept.args, kept.kwargs)
        subscriber.post(event)


def _stored(topic: str, kept: Kept) -> tuple[Any, ...]:
    said = [kept.args, kept.kwargs, kept.details, kept.limits]
    return kept.number, topic, kept.publication, kept.time, kept.publisher, said


def _limits(key: str) -> bool:
    return key.startswith(("eligible", "exclude")) and key != "exclude_me"


def _made(shelves: Iterable[Mapping[str, Any]]) -> list[Shelf]:
    return sorted((Shelf(**shelf) for shelf in shelves), key=_place)


def _faults(shelf: Shelf) -> int:
    return 0 if shelf.store is None else shelf.store.faults


def _place(shelf: Shelf) -> tuple[int, int]:
    """Put the shelf that says most of its topics first."""
    return ORDER.index(shelf.match), -len(shelf.uri)
