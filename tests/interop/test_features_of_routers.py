"""wamplite's client uses features of the Advanced Profile through other people's routers."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wamplite
from tests.interop.foreign import Foreign
from tests.interop.peers import ROUTERS, place
from tests.waiting import until
from wamplite import Event, Invocation, Session

PATIENCE = 20.0
NONE = object()  # the router has no such feature


class Pair:
    """Two sessions of one realm, and a prefix for their URIs."""

    def __init__(self, url: str, prefix: str) -> None:
        self.one, self.other = (wamplite.connect(url, features="all") for _ in range(2))
        self.url, self.prefix = url, prefix

    def leave(self) -> None:
        self.one.leave()
        self.other.leave()

    def uri(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def events(self, session: Session, topic: str, **options: Any) -> queue.Queue[Event]:
        came: queue.Queue[Event] = queue.Queue()

        def on_event(*args: Any, event: Event, **kwargs: Any) -> None:
            came.put(event)

        session.subscribe(topic, on_event, options=options)
        return came

    def publish(self, session: Session, name: str, *args: Any, **options: Any) -> None:
        session.publish(self.uri(name), *args, options={"acknowledge": True, **options})


def progress(pair: Pair) -> Any:
    def count(number: int) -> Iterator[int]:
        yield from range(1, number + 1)
        return number

    pair.other.register(pair.uri("count"), count)
    return list(pair.one.call_progressive(pair.uri("count"), 3))


def canceled(pair: Pair) -> Any:
    interrupted = threading.Event()

    def slow(invocation: Invocation) -> None:
        if invocation.wait(PATIENCE):
            interrupted.set()
            invocation.check()

    pair.other.register(pair.uri("slow"), slow)
    with pytest.raises(wamplite.CallTimeout):
        pair.one.call(pair.uri("slow"), options={"timeout": 0.3})
    return interrupted.wait(PATIENCE)


def timed_out(pair: Pair) -> Any:
    """A call whose time is over: by the router where it can, else by the client."""

    def late(invocation: Invocation) -> None:
        invocation.wait(PATIENCE)

    pair.other.register(pair.uri("late"), late)
    with pytest.raises(wamplite.CallTimeout) as raised:
        pair.one.call(pair.uri("late"), options={"timeout": 0.5})
    return raised.value.error


def parts(pair: Pair) -> Any:
    def total(invocation: Invocation) -> int:
        return sum(part.args[0] for part in invocation.parts())

    pair.other.register(pair.uri("total"), total)
    return pair.one.call_parts(pair.uri("total"), [1, 2, 3])


def sealed(pair: Pair) -> Any:
    came = pair.events(pair.other, pair.uri("sealed"))
    options = {"ppt_scheme": "x_mine", "ppt_serializer": "msgpack"}
    pair.publish(pair.one, "sealed", 7, **options)
    pair.other.register(pair.uri("sealed"), lambda value: value + 1)
    return [came.get(timeout=PATIENCE).args, pair.one.call(pair.uri("sealed"), 1, options=options)]


def prefixes(pair: Pair) -> Any:
    came = pair.events(pair.other, pair.uri("temp"), match="prefix")
    pair.publish(pair.one, "temp.kitchen", 21)
    return came.get(timeout=PATIENCE).topic.removeprefix(pair.prefix)


def wildcards(pair: Pair) -> Any:
    def do(invocation: Invocation) -> str:
        return invocation.procedure

    pair.other.register(pair.uri(".do"), do, options={"match": "wildcard"})
    return pair.one.call(pair.uri("x.do")).removeprefix(pair.prefix)


def crossed(pair: Pair) -> Any:
    """The other pattern of each: events by wildcard, calls by prefix, and the best match first."""
    came = pair.events(pair.other, pair.uri(".temp"), match="wildcard")
    pair.publish(pair.one, "kitchen.temp", 21)
    topic = came.get(timeout=PATIENCE).topic.removeprefix(pair.prefix)
    for uri, match in (("do", "prefix"), ("do.it.", "prefix"), ("do.it.now", "exact")):
        pair.other.register(pair.uri(uri), lambda uri=uri: uri, options={"match": match})
    called = [pair.one.call(pair.uri(uri)) for uri in ("do.that", "do.it.later", "do.it.now")]
    return [topic, *called]


def policies(pair: Pair) -> Any:
    told = []
    for policy in ("first", "last", "random"):
        for name, session in (("one", pair.one), ("other", pair.other)):
            session.register(pair.uri(policy), lambda name=name: name, options={"invoke": policy})
        told.append({pair.one.call(pair.uri(policy)) for _ in range(30)})
    return told


def exclusion(pair: Pair) -> Any:
    came = pair.events(pair.one, pair.uri("me"))
    pair.publish(pair.one, "me", "not me")
    pair.publish(pair.one, "me", "me", exclude_me=False)
    return came.get(timeout=PATIENCE).args


def shared(pair: Pair) -> Any:
    for name, session in (("one", pair.other), ("two", pair.one)):
        session.register(
            pair.uri("shared"), lambda name=name: name, options={"invoke": "roundrobin"}
        )
    return sorted(pair.one.call(pair.uri("shared")) for _ in range(4))


def lists(pair: Pair) -> Any:
    mine, others = (pair.events(session, pair.uri("l")) for session in (pair.one, pair.other))
    with wamplite.connect(pair.url, features="all") as third:
        ids = [pair.other.id]
        pair.publish(third, "l", "no other", exclude=ids)
        pair.publish(third, "l", "the other", eligible=ids)
        pair.publish(third, "l", "all")
    return [[came.get(timeout=PATIENCE).args[0] for _ in range(2)] for came in (mine, others)]


def lists_of_identities(pair: Pair) -> Any:
    came = pair.events(pair.other, pair.uri("l"))
    authid, authrole = pair.other.authid, pair.other.authrole
    pair.publish(pair.one, "l", 1, eligible_authid=["nobody"])
    pair.publish(pair.one, "l", 2, eligible_authrole=["none"])
    pair.publish(pair.one, "l", 3, exclude_authid=[authid])
    pair.publish(pair.one, "l", 4, exclude_authrole=[authrole])
    pair.publish(pair.one, "l", 5, eligible_authid=[authid], exclude_authrole=["none"])
    return came.get(timeout=PATIENCE).args


def disclosed(pair: Pair) -> Any:
    def who(invocation: Invocation) -> Any:
        return invocation.details.get("caller")

    pair.other.register(pair.uri("who"), who)
    caller = pair.one.call(pair.uri("who"), options={"disclose_me": True})
    came = pair.events(pair.other, pair.uri("who"))
    pair.publish(pair.one, "who", 1, disclose_me=True)
    publisher = came.get(timeout=PATIENCE).details.get("publisher")
    return [caller == pair.one.id, publisher == pair.one.id]


def meta(pair: Pair) -> Any:
    created = pair.events(pair.one, "wamp.registration.on_create")
    pair.other.register(pair.uri("meta"), print)
    told = created.get(timeout=PATIENCE).args[1]["uri"].removeprefix(pair.prefix)
    number = pair.one.meta.registration_of(pair.uri("meta"))
    there = pair.one.call("wamp.registration.list_callees", number) == [pair.other.id]
    return [told, there, pair.one.meta.session(pair.other.id)["session"] == pair.other.id]


def meta_of_subscriptions(pair: Pair) -> Any:
    subscribed = pair.events(pair.one, "wamp.subscription.on_subscribe")
    subscription = pair.other.subscribe(pair.uri("meta"), print)
    while (told := subscribed.get(timeout=PATIENCE).args)[1] != subscription.id:
        continue
    gone = pair.events(pair.one, "wamp.subscription.on_delete")
    found = pair.one.call("wamp.subscription.get", subscription.id)["uri"]
    who = pair.one.call("wamp.subscription.list_subscribers", subscription.id)
    there = pair.one.meta.subscriptions_of(pair.uri("meta")) == [subscription.id]
    subscription.unsubscribe()
    while gone.get(timeout=PATIENCE).args[1] != subscription.id:
        continue
    ids = pair.other.id
    return [told[0] == ids, found.removeprefix(pair.prefix), who == [ids], there]


def meta_of_sessions(pair: Pair) -> Any:
    joined = pair.events(pair.one, "wamp.session.on_join")
    left = pair.events(pair.one, "wamp.session.on_leave")
    third = wamplite.connect(pair.url)
    while joined.get(timeout=PATIENCE).args[0]["session"] != third.id:
        continue
    there = third.id in pair.one.call("wamp.session.list")
    pair.one.meta.kill(third.id, "wamp.close.killed", "enough")
    ended = third.lost.wait(PATIENCE)
    while left.get(timeout=PATIENCE).args[0] != third.id:
        continue
    return [there, ended, third.id in pair.one.call("wamp.session.list")]


def history(pair: Pair) -> Any:
    topics = f"{pair.prefix}."
    came = pair.events(pair.other, topics, match="prefix")  # Crossbar keeps what somebody gets
    for number in range(1, 13):
        pair.publish(pair.one, "past", number)
    pair.publish(pair.one, "other", "other")
    until(lambda: came.qsize() == 13)
    told = pair.one.meta.history(topics, match="prefix")
    return [event["args"][0] for event in told]


def taken_over(pair: Pair) -> Any:
    registration = pair.other.register(pair.uri("taken"), lambda: "other")
    options = {"force_reregister": True}
    pair.one.register(pair.uri("taken"), lambda: "one", options=options)
    until(lambda: not registration.active)
    return pair.one.call(pair.uri("taken"))


def retained(pair: Pair) -> Any:
    pair.publish(pair.one, "kept", "old", retain=True)
    pair.publish(pair.one, "kept", "kept", retain=True)
    time.sleep(0.2)  # Crossbar stores it beside the acknowledgement
    came = pair.events(pair.other, pair.uri("kept"), get_retained=True)
    return came.get(timeout=PATIENCE).args


def last_will(pair: Pair) -> Any:
    came = pair.events(pair.one, pair.uri("will"))
    with wamplite.connect(pair.url) as last:
        last.testament(pair.uri("will"), "gone")
    return came.get(timeout=PATIENCE).args


CHECKS: dict[Callable[[Pair], Any], Any] = {
    progress: [1, 2, 3, 3],
    canceled: True,
    timed_out: "wamp.error.timeout",
    parts: 6,
    sealed: [[7], 2],
    prefixes: ".temp.kitchen",
    wildcards: ".x.do",
    crossed: [".kitchen.temp", "do", "do.it.", "do.it.now"],
    policies: [{"one"}, {"other"}, {"one", "other"}],
    exclusion: ["me"],
    shared: ["one", "one", "two", "two"],
    lists: [["no other", "all"], ["the other", "all"]],
    lists_of_identities: [5],
    disclosed: [True, True],
    meta_of_subscriptions: [True, ".meta", True, True],
    meta_of_sessions: [True, True, False],
    taken_over: "one",
    history: [*range(1, 13), "other"],
    meta: [".meta", True, True],
    retained: ["kept"],
    last_will: ["gone"],
}
WITHOUT: dict[str, dict[Callable[[Pair], Any], Any]] = {
    "nexus": {retained: NONE, taken_over: NONE},
    "crossbar": {parts: NONE, sealed: NONE},  # it discloses by its configuration
}
CASES = [
    pytest.param(router, check, id=f"{router}-{check.__name__}")
    for router in WITHOUT
    for check in CHECKS
    if WITHOUT[router].get(check) is not NONE
]


@pytest.mark.timeout(200)  # Crossbar may start slowly
@pytest.mark.parametrize(("name", "check"), CASES)
def test_the_client_uses_a_feature(
    name: str, check: Callable[[Pair], Any], foreign_routers: dict[str, Foreign]
) -> None:
    place(ROUTERS[name].peer)
    pair = Pair(foreign_routers[name].url("ws"), f"features.{check.__name__}")
    try:
        assert check(pair) == WITHOUT[name].get(check, CHECKS[check])
        until(lambda: not pair.one.lost.is_set())
    finally:
        pair.leave()
