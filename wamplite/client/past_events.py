"""The history of a subscription, in as many answers as its router gives (RFC "Event History").

    get_events ── is_limit_reached ──> get_events behind the last event ──> ... all, or `limit`

Where that is, its publication says. A router that has forgotten it meanwhile tells from the
beginning, or nothing: then its time says it. What was told before is left out.

Crossbar has a convention of its own: one list, the newest first, of ten events where no `limit` is
told. It knows no other condition. Here they come in order, and all of them. nexus has other words
for what an event tells, and no timestamp.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

GET_EVENTS = "wamp.subscription.get_events"
OLDEST_FIRST = ("after_publication", "from_time")
NEWEST_FIRST = ("before_publication", "until_time")
MANY = 2**31 - 1
WORDS = {  # of nexus
    "Subscription": "subscription",
    "Publication": "publication",
    "Details": "details",
    "Arguments": "args",
    "ArgumentsKw": "kwargs",
}
Event = dict[str, Any]


def past_events(session: Any, subscription: int, filters: Mapping[str, Any]) -> list[Event]:
    """Return the events that a router has kept of a subscription, as `filters` say."""
    most = filters.get("limit") or sys.maxsize
    by_publication, by_time = NEWEST_FIRST if filters.get("reverse") else OLDEST_FIRST
    behind: dict[str, Any] = {}
    found: list[Event] = []
    seen: set[int | None] = set()
    while True:
        events, are_more = _ask(session, subscription, {**filters, **behind})
        new = [event for event in events if event.get("publication") not in seen]
        found += new
        seen.update(event.get("publication") for event in new)
        if len(found) >= most or (new and not are_more):
            break
        if new:
            behind = {by_publication: found[-1]["publication"]}
        elif by_publication in behind:
            behind = {by_time: found[-1]["timestamp"]}
        else:
            break
    return found[:most]


def _ask(session: Any, subscription: int, filters: Mapping[str, Any]) -> tuple[list[Event], bool]:
    """Return the events of one answer, and whether the router says that there are more."""
    result = session.call_result(GET_EVENTS, [subscription], filters)
    events: list[Any] = result.args
    if len(events) == 1 and isinstance(events[0], list):
        if "limit" not in filters:
            events = session.call_result(GET_EVENTS, [subscription], {"limit": MANY}).args
        return events[0][::-1], False
    if events and "Publication" in events[0]:
        events = [{WORDS.get(key, key): event[key] for key in event} for event in events]
    return events, bool(result.kwargs.get("is_limit_reached"))
