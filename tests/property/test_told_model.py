"""What the router keeps to tell: past events, and what procedures, topics and errors mean.

Against a model, with all features installed: the history with each of its conditions, and every
procedure and event of reflection.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import ge, gt, le, lt
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.core.world import PUBLISH, REGISTER, SUBSCRIBE, UNREGISTER, Peer
from tests.property.model import MATCHES, SEATS, Model, fits, many
from wamplite import features
from wamplite.advanced import event_history
from wamplite.core.members import Identity, Join

TOPICS = ["a.b", "a.c", "b.c"]  # what begins with "a." is kept
EVENTS = ["wamp.reflect.on_define", "wamp.reflect.on_undefine"]
MOST = 3  # events of a topic
COMPARE = {"from": ge, "after": gt, "before": lt, "until": le}
KINDS = ["procedure", "topic", "error"]
KIND = st.sampled_from(KINDS)
URIS = st.sampled_from(TOPICS)
SMALL = st.integers(0, 6)


@dataclass
class Past:
    """An event that was published."""

    seconds: int
    topic: str
    publication: int
    value: int
    role: str  # of who may get it; "": all


def moment(seconds: int) -> str:
    return f"1970-01-01T00:{seconds // 60:02}:{seconds % 60:02}.000Z"


class ToldModel(Model):
    """Seats 0 and 2 are of users, the others of admins."""

    def __init__(self) -> None:
        self.past: list[Past] = []
        self.subscriptions: dict[tuple[str, str], tuple[int, list[Peer]]] = {}
        self.registrations: dict[str, tuple[int, Peer]] = {}
        # kind -> URI -> who has defined it how, the last one last
        self.defined: dict[str, dict[str, list[tuple[Peer, Any]]]] = {kind: {} for kind in KINDS}
        history = partial(event_history.ForRouter, ["prefix:a."], most=MOST)
        super().__init__(*features.for_router(["all", history]))

    def sit(self, seat: int) -> Peer:
        peer = self.world.arrive()
        role = ("user", "admin")[seat % 2]
        peer.identity = peer.member.identity = Identity("joe", role, "ticket", "static")
        self.world.realm.handle(peer.member, Join())
        peer.outbox.clear()
        return peer

    @rule(seat=SEATS, match=MATCHES, topic=URIS | st.sampled_from([*EVENTS, "a.", ".c"]))
    def subscribe(self, seat: int, match: str, topic: str) -> None:
        if topic in EVENTS:
            match = "exact"
        if match == "exact" and not all(topic.split(".")):
            return
        peer, request = self.say(seat, SUBSCRIBE, {"match": match}, topic)
        number = peer.outbox[-1][-1]
        number, peers = self.subscriptions.setdefault((match, topic), (number, []))
        self.expect(peer, "SUBSCRIBED", request, number)
        if peer not in peers:
            peers.append(peer)

    @rule(
        seat=SEATS,
        topic=URIS,
        limits=st.sampled_from([{}, {"exclude": []}, {"eligible_authrole": ["admin"]}]),
    )
    def publish(self, seat: int, topic: str, limits: dict[str, Any]) -> None:
        peer, request = self.say(seat, PUBLISH, {"acknowledge": True, **limits}, topic, [seat])
        (publication,) = [told[2] for told in peer.outbox if told[0] == "PUBLISHED"]
        self.expect(peer, "PUBLISHED", request, "id")
        role = limits.get("eligible_authrole", [""])[0]
        for (match, uri), (number, peers) in self.subscriptions.items():
            details = {"trustlevel": 0} | ({} if match == "exact" else {"topic": topic})
            for other in peers:
                if fits(match, uri, topic) and other is not peer and may_get(other, role):
                    self.expect(other, "EVENT", number, "id", details, [seat])
        if topic.startswith("a.") and "exclude" not in limits:
            seconds = int(self.world.time.now())
            self.past.append(Past(seconds, topic, publication, seat, role))
            of_topic = [past for past in self.past if past.topic == topic]
            if len(of_topic) > MOST:
                self.past.remove(of_topic[0])

    @rule(seconds=st.integers(0, 2))
    def tick(self, seconds: int) -> None:
        self.world.time.tick(seconds)

    # ---- the history

    @rule(
        seat=SEATS,
        place=SMALL,
        topic=st.none() | URIS,
        time=st.none() | st.tuples(st.sampled_from(list(COMPARE)), SMALL),
        publication=st.none() | st.tuples(st.sampled_from(list(COMPARE)), SMALL),
        limit=st.none() | st.integers(0, 3),
        reverse=st.booleans(),
    )
    def get_events(
        self,
        seat: int,
        place: int,
        topic: str | None,
        time: tuple[str, int] | None,
        publication: tuple[str, int] | None,
        limit: int | None,
        reverse: bool,
    ) -> None:
        kwargs: dict[str, Any] = {"reverse": True} if reverse else {}
        kwargs |= {} if topic is None else {"topic": topic}
        kwargs |= {} if limit is None else {"limit": limit}
        chosen = list(self.subscriptions.items())
        (match, uri), (number, _) = (
            chosen[place] if place < len(chosen) else (("exact", "none"), (999_999, []))
        )
        found = [past for past in self.past if fits(match, uri, past.topic)]
        places = {past.publication: at for at, past in enumerate(found, 1)}
        if time is not None:
            name, ago = time
            seconds = max(0, int(self.world.time.now()) - ago)
            kwargs[f"{name}_time"] = moment(seconds)
            found = [past for past in found if COMPARE[name](past.seconds, seconds)]
        if publication is not None:
            name, at = publication
            wanted = self.past[at].publication if at < len(self.past) else 999_999
            kwargs[f"{name}_publication"] = wanted
            bound = places.get(wanted, 0)
            found = [past for past in found if COMPARE[name](places[past.publication], bound)]
        found = [past for past in found if topic in (None, past.topic)]
        found = [past for past in found if may_get(self.seats[seat], past.role)]
        found = found[::-1] if reverse else found
        procedure = "wamp.subscription.get_events"
        if number == 999_999:
            self.ask(seat, procedure, [number], kwargs, "wamp.error.no_such_subscription")
        elif limit == 0:
            self.ask(seat, procedure, [number], kwargs, "wamp.error.invalid_argument")
        else:
            events = [self.told_of(past, number, match) for past in found[:limit]]
            more = {"is_limit_reached": True} if len(events) < len(found) else {}
            self.ask(seat, procedure, [number], kwargs, events, more)

    def told_of(self, past: Past, number: int, match: str) -> dict[str, Any]:
        details = {"trustlevel": 0} | ({} if match == "exact" else {"topic": past.topic})
        return {
            "timestamp": moment(past.seconds),
            "subscription": number,
            "publication": past.publication,
            "details": details,
            "args": [past.value],
        }

    # ---- reflection

    @rule(seat=SEATS, uri=URIS, is_end=st.booleans())
    def register(self, seat: int, uri: str, is_end: bool) -> None:
        number, callee = self.registrations.get(uri, (0, None))
        if callee is None:
            peer, request = self.say(seat, REGISTER, {}, uri)
            self.registrations[uri] = (peer.outbox[-1][-1], peer)
            self.expect(peer, "REGISTERED", request, peer.outbox[-1][-1])
        elif callee is self.seats[seat] and is_end:
            peer, request = self.say(seat, UNREGISTER, number)
            self.expect(peer, "UNREGISTERED", request)
            del self.registrations[uri]
            self.forget(peer, "procedure", uri)

    @rule(seat=SEATS, uri=URIS | st.sampled_from(["no uri", "wamp.x"]), kind=KIND, value=SMALL)
    def define(self, seat: int, uri: str, kind: str, value: int) -> None:
        definition = {"text": value} if value else None
        answer: Any = [] if uri in TOPICS else "wamp.error.invalid_uri"
        kwargs = {} if kind == "procedure" else {"kind": kind}
        self.ask(seat, "wamp.reflect.define", [uri, definition], kwargs, answer)
        if uri not in TOPICS:
            return
        peer = self.seats[seat]
        if definition is None:
            self.forget(peer, kind, uri)
            return
        others = [each for each in self.defined[kind].get(uri, []) if each[0] is not peer]
        self.defined[kind][uri] = [*others, (peer, definition)]
        self.announced("on_define", uri, kind, definition)

    def forget(self, peer: Peer, kind: str, uri: str) -> None:
        """Note that a session's definition is gone, if there was one."""
        before = self.defined[kind].pop(uri, [])
        after = [each for each in before if each[0] is not peer]
        if after:
            self.defined[kind][uri] = after
        elif before:
            self.announced("on_undefine", uri, kind)

    def announced(self, event: str, *args: Any) -> None:
        number, peers = self.subscriptions.get(("exact", f"wamp.reflect.{event}"), (0, []))
        for peer in peers:
            self.expect(peer, "EVENT", number, "id", {}, list(args))

    @rule(seat=SEATS, uri=URIS, kind=KIND, is_long=st.booleans())
    def describe(self, seat: int, uri: str, kind: str, is_long: bool) -> None:
        definitions = self.defined[kind].get(uri, [])
        answer = [definitions[-1][1] if definitions else None]
        if is_long:
            self.ask(seat, f"wamp.reflection.{kind}.describe", [uri], {}, answer)
        else:
            self.ask(seat, "wamp.reflect.describe", [uri], {"kind": kind}, answer)

    @rule(seat=SEATS, kind=KIND, prefix=st.sampled_from(["", "a."]), after=st.sampled_from(TOPICS))
    def list_all(self, seat: int, kind: str, prefix: str, after: str) -> None:
        found = set(self.defined[kind])
        found |= set(self.registrations) if kind == "procedure" else set()
        topics = {uri for _, uri in self.subscriptions if not uri.startswith("wamp.")}
        found |= topics if kind == "topic" else set()
        listed = sorted(uri for uri in found if uri.startswith(prefix) and uri > after)
        kwargs = {"prefix": prefix, "after": after}
        self.ask(seat, f"wamp.reflection.{kind}.list", [], kwargs, [listed])

    @rule(seat=SEATS)
    def lose(self, seat: int) -> None:
        peer = self.seats[seat]
        self.world.lose(peer)
        self.subscriptions = {
            key: (number, [each for each in peers if each is not peer])
            for key, (number, peers) in self.subscriptions.items()
            if peers != [peer]
        }
        for uri in [uri for uri, (_, callee) in self.registrations.items() if callee is peer]:
            del self.registrations[uri]
            self.forget(peer, "procedure", uri)
        for kind in KINDS:
            for uri in list(self.defined[kind]):
                self.forget(peer, kind, uri)
        self.seats[seat] = self.sit(seat)


def may_get(peer: Peer, role: str) -> bool:
    return role in ("", peer.identity.authrole)


TestToldModel = ToldModel.TestCase
TestToldModel.pytestmark = pytest.mark.timeout(180)  # many values to draw
TestToldModel.settings = many(100)
