"""`wamp.subscription.get_events`: what was published before (RFC "Event History").

Announced by the broker. The events of the topics that `topics` names, as "com.example" or
"prefix:com.example" or "wildcard:com..log", are kept; "prefix:" names all, and without it none is.
A subscription's history is that of the topics that it matches, also of before it was made. A topic
keeps `most` events, and all together `max_bytes`: the oldest are forgotten first. An answer has
MOST_TOLD of them at most, of MOST_TOLD_BYTES; `is_limit_reached` says that there are more.

An event whose PUBLISH named sessions (`exclude`, `eligible`) is not kept, as the section demands;
one that named authids or authroles is told to whom it was for. For whoever may not know of a
subscription there is none. The section has the broker announce a role callee, too: it does not, for
Autobahn ends a session whose WELCOME names another role than broker and dealer.

With `file`, in which "{realm}" stands for the realm, events outlive the router: PUBLISHED is sent
once they are stored, or could not be. Topics may have bounds and a file of their own: `further`,
each a dict with match, uri and BOUNDS, is asked before `topics`; others may take their place:
`prepared`, then `take`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import partial
from itertools import accumulate, count, takewhile
from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim
from ..core.matching import of_text
from ..core.messages import Call, Publish, Result
from ..core.meta import an_id, iso, keyword, may_know
from ..core.records import Publication
from ..core.weight import weigh
from ..storage import opened, taken_over
from ..storage.chronicle import MAX_EVENT, Chronicle, Past, of_rules, rearranged, stored

MOST = 1000
MAX_BYTES = 16 * 1024 * 1024
MOST_TOLD = 1000  # events of one answer
MOST_TOLD_BYTES = 1024 * 1024  # of them, beside the first


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
        patterns = [of_text(topic) for topic in topics]
        wanted = patterns or file is not None
        others = Chronicle(patterns, most, max_bytes, 0.0, file or "")
        self.others = [others] if wanted else []  # beside those of rules
        self.chronicles = [*of_rules(further), *self.others]
        self.not_stored = 0  # of files that are closed

    def install(self, host: Host) -> None:
        self.realm, self.broker, self.now = host, host.broker, host.now
        claim(host.procedures, "wamp.subscription.get_events", self.get_events)
        last = max((chronicle.open(host) for chronicle in self.chronicles), default=0)
        self.numbers = count(last + 1)
        self._watch()

    def _watch(self) -> None:
        """Look at what is published from when on some of it is kept."""
        published, drafted = self.broker.published, self.broker.drafted
        if self.chronicles and self.on_published not in published:
            published.append(self.on_published)
        if any(one.store for one in self.chronicles) and self.on_drafted not in drafted:
            drafted.append(self.on_drafted)

    def counters(self) -> dict[str, int]:
        lost = [one.store.faults for one in self.chronicles if one.store is not None]
        number = self.not_stored + sum(lost)
        return {"history_not_stored": number} if number else {}

    def close(self) -> None:
        for chronicle in self.chronicles:
            chronicle.close()

    # ---- other rules

    def prepared(self, rules: Iterable[Mapping[str, Any]]) -> list[Chronicle]:
        """Return what `take` takes, with new files open; UsageError where one cannot be.

        Nothing has changed by it; any thread.
        """
        there = {one.file for one in self.chronicles if one.file and one not in self.others}
        return opened(of_rules(rules), there, self.realm)

    def take(self, chronicles: list[Chronicle]) -> list[Chronicle]:
        """Keep events by these from now on (the routing role); return those to be closed.

        What is kept stays, where it belongs now; what no rule names is forgotten, but in a file.
        """
        rules = [one for one in self.chronicles if one not in self.others]
        gone = taken_over(rules, chronicles)
        self.not_stored += sum(one.store.faults for one in gone)
        past, self.chronicles = self.chronicles, [*chronicles, *self.others]
        self.numbers = count(rearranged(past, self.chronicles) + 1)
        self._watch()
        return gone

    # ---- keeping

    def wanted(self, topic: str, options: dict[str, Any]) -> Chronicle | None:
        """Return where an event is to be kept."""
        if uris.is_reserved(topic) or "exclude" in options or "eligible" in options:
            return None
        for chronicle in self.chronicles:
            if chronicle.wants(topic):
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
            chronicle.store.add(*stored(past), done)

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
FRACTION = re.compile(r"\.(\d+)", re.ASCII)
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
    padded = FRACTION.sub(lambda found: f".{found[1]:0<6.6}", text)  # as Python 3.10 reads it
    try:
        moment = datetime.fromisoformat(padded.replace("Z", "+00:00").replace("z", "+00:00"))
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
    publication = Publication(None, past.topic, past.publication, set(), [], {})
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
