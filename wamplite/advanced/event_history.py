"""`wamp.subscription.get_events`: what was published before (RFC "Event History").

Announced by the broker. The events of the topics that `topics` names, as "com.example" or
"prefix:com.example" or "wildcard:com..log", are kept; "prefix:" names all, and without it none is.
A subscription's history is that of the topics that it matches, also of before it was made. A topic
keeps `most` events, and all together `max_bytes`: the oldest are forgotten first. An answer has
MOST_TOLD of them at most, of MOST_TOLD_BYTES; `is_limit_reached` says that there are more.

An event whose PUBLISH named sessions (`exclude`, `eligible`) is not kept, as the section demands;
one that named authids or authroles is told to whom it was for. With `file`, in which "{realm}"
stands for the realm, events outlive the router: PUBLISHED is sent once they are stored, or could
not be. Topics may have bounds and a file of their own: `further`, each a dict with match, uri and
BOUNDS, is asked before `topics`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from itertools import accumulate, count, takewhile
from typing import Any, NamedTuple

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim
from ..core.matching import ORDER, matches
from ..core.messages import Call, Publish, Result
from ..core.meta import an_id, iso, keyword, may_know
from ..core.records import Publication
from ..core.weight import weigh

MOST = 1000
MAX_BYTES = 16 * 1024 * 1024
MAX_EVENT = 256 * 1024
BOUNDS = ("max_events", "max_bytes", "max_age", "file")  # of one of `further`
MOST_TOLD = 1000  # events of one answer
MOST_TOLD_BYTES = 1024 * 1024  # of them, beside the first


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

    patterns: (match, uri) of the topics; max_age: seconds, 0: for ever; file: see above.
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
        from ..storage.events import StoredEvents  # 2 MB of SQLite for whoever wants it

        path = self.file.replace("{realm}", host.uri)
        self.store = StoredEvents(path, host.later, self.everything)
        number = 0
        for number, topic, publication, time, _, said in self.store.load():
            args, kwargs, details, limits = said
            weight = weigh([topic, args, kwargs], MAX_EVENT)
            past = Past(number, time, topic, publication, details, args, kwargs, limits, weight)
            self.keep(past)
        return number

    def everything(self) -> list[Any]:
        """Return all that is kept, as the file has it."""
        return [_stored(past) for events in self.topics.values() for past in events]

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


class ForRouter(Feature):
    name = "event_history"
    status = "beta"
    roles = ("broker",)

    def __init__(
        self,
        topics: Iterable[str] = (),
        *,
        most: int = MOST,
        max_bytes: int = MAX_BYTES,
        file: str | None = None,
        further: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.chronicles = [
            Chronicle([(one["match"], one["uri"])], *(one[key] for key in BOUNDS))
            for one in sorted(further, key=_place)
        ]
        patterns = [_pattern(topic) for topic in topics]
        if patterns or file is not None:
            self.chronicles.append(Chronicle(patterns, most, max_bytes, 0.0, file or ""))

    def install(self, host: Host) -> None:
        self.realm, self.broker, self.now = host, host.broker, host.now
        if self.chronicles:
            host.broker.published.append(self.on_published)
        claim(host.procedures, "wamp.subscription.get_events", self.get_events)
        last = max((chronicle.open(host) for chronicle in self.chronicles), default=0)
        self.numbers = count(last + 1)
        if any(chronicle.store for chronicle in self.chronicles):
            host.broker.drafted.append(self.on_drafted)

    def counters(self) -> dict[str, int]:
        lost = sum(one.store.faults for one in self.chronicles if one.store is not None)
        return {"history_not_stored": lost} if lost else {}

    def close(self) -> None:
        for chronicle in self.chronicles:
            if chronicle.store is not None:
                chronicle.store.close()

    # ---- keeping

    def wanted(self, topic: str, options: dict[str, Any]) -> Chronicle | None:
        """Return where an event is to be kept."""
        if uris.is_reserved(topic) or "exclude" in options or "eligible" in options:
            return None
        for chronicle in self.chronicles:
            if any(matches(*pattern, topic) for pattern in chronicle.patterns):
                return chronicle
        return None

    def on_drafted(self, member: Any, record: Any, message: Any) -> None:
        """Have a PUBLISH acknowledged only once it is stored."""
        if type(message) is Publish:
            chronicle = self.wanted(record.topic, message.options)
            record.holds += chronicle is not None and chronicle.store is not None

    def on_published(self, publisher: Any, publication: Any, publish: Any) -> None:
        topic, options = publication.topic, publish.options
        chronicle = self.wanted(topic, options)
        if chronicle is None:
            return
        done = None
        if publication.notes.get("request") and chronicle.store is not None:
            done = partial(self.broker.release, publication)
        weight = weigh([topic, publish.args, publish.kwargs], MAX_EVENT)
        if weight > MAX_EVENT:
            if done is not None:
                self.broker.release(publication)
            return
        limits = {key: value for key, value in options.items() if key.startswith(LIMITS)}
        past = Past(
            next(self.numbers),
            round(self.now(), 3),  # as it is told
            topic,
            publication.id,
            publication.details,
            publish.args,
            publish.kwargs,
            limits,
            weight,
        )
        chronicle.keep(past)
        if chronicle.store is not None:
            chronicle.store.add(*_stored(past), done)

    # ---- telling

    def get_events(self, caller: Any, call: Call) -> Result:
        """wamp.subscription.get_events"""
        number = an_id(call)
        subscription = self.broker.subscriptions.get(number)
        if subscription is None or not may_know(
            self.realm, caller, subscription.uri, subscription.match
        ):
            raise Refused(uris.NO_SUCH_SUBSCRIPTION, f"there is no subscription {number}")
        match, uri = subscription.match, subscription.uri
        found = [past for one in self.chronicles for past in one.found(match, uri)]
        found.sort(key=lambda past: past.number)
        found = self.filtered(found, caller, call)
        limit = keyword(call, "limit", int, MOST_TOLD)
        if limit < 1:
            raise Refused(uris.INVALID_ARGUMENT, f"limit must be at least 1, not {limit}")
        if keyword(call, "reverse", bool, False):
            found.reverse()
        chosen = _answer(found[: min(limit, MOST_TOLD)])
        events = [_told(past, subscription) for past in chosen]
        more = {"is_limit_reached": True} if len(chosen) < len(found) else {}
        return Result(call.request, {}, events, more or None)

    def filtered(self, found: list[Past], caller: Any, call: Call) -> list[Past]:
        """Return those that all conditions of the call let through, and that the caller may get."""
        topic = keyword(call, "topic", str, None)
        conditions: list[Callable[[Past], bool]] = [
            *_by_time(call),
            *_by_publication(call, found),
        ]
        return [
            past
            for past in found
            if (topic is None or past.topic == topic)
            and all(condition(past) for condition in conditions)
            and self.broker.may_get(caller, past.topic, past.limits)
        ]


LIMITS = ("exclude_auth", "eligible_auth")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "from": lambda value, bound: value >= bound,
    "after": lambda value, bound: value > bound,
    "before": lambda value, bound: value < bound,
    "until": lambda value, bound: value <= bound,
}


def _bounded(
    compare: Callable[[Any, Any], bool], bound: float, of: Callable[[Past], float]
) -> Callable[[Past], bool]:
    return lambda past: compare(of(past), bound)


def _place(one: Mapping[str, Any]) -> tuple[int, int]:
    """Put what says most of its topics first."""
    return ORDER.index(one["match"]), -len(one["uri"])


def _stored(past: Past) -> tuple[Any, ...]:
    said = [past.args, past.kwargs, past.details, past.limits]
    return past.number, past.topic, past.publication, past.time, 0, said


def _pattern(text: str) -> tuple[str, str]:
    policy, colon, uri = text.partition(":")
    return (policy, uri) if colon else ("exact", text)


def _by_time(call: Call) -> Iterable[Callable[[Past], bool]]:
    for name, compare in COMPARE.items():
        text = keyword(call, f"{name}_time", str, None)
        if text is not None:
            bound = _seconds(f"{name}_time", text)
            yield _bounded(compare, bound, lambda past: past.time)


def _by_publication(call: Call, found: list[Past]) -> Iterable[Callable[[Past], bool]]:
    """Compare by the place where a publication stands; one that is not there is before all."""
    for name, compare in COMPARE.items():
        number = keyword(call, f"{name}_publication", int, None)
        if number is not None:
            bound = next((past.number for past in found if past.publication == number), 0)
            yield _bounded(compare, bound, lambda past: past.number)


def _seconds(name: str, text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    except ValueError:
        wanted = f"{name} must be a time as RFC 3339 has it, not {text!r}"
        raise Refused(uris.INVALID_ARGUMENT, wanted) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.timestamp()


def _answer(found: list[Past]) -> list[Past]:
    """Return as many of these as one answer may carry, but at least the first."""
    sizes = accumulate(past.weight for past in found)
    number = sum(1 for size in takewhile(lambda size: size <= MOST_TOLD_BYTES, sizes))
    return found[: max(1, number)]


def _told(past: Past, subscription: Any) -> dict[str, Any]:
    publication = Publication(None, past.topic, past.publication, set())
    details = dict(past.details)
    for writer in subscription.writers:
        details.update(writer(publication))
    event: dict[str, Any] = {
        "timestamp": iso(past.time),
        "subscription": subscription.id,
        "publication": past.publication,
        "details": details,
    }
    if past.args:
        event["args"] = past.args
    if past.kwargs:
        event["kwargs"] = past.kwargs
    return event
