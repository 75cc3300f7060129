"""The meta APIs of registrations and of subscriptions, which differ in words only."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.core.world import CALL, REGISTER, SUBSCRIBE, UNREGISTER, UNSUBSCRIBE, Peer, World, take
from wamplite.advanced import (
    pattern_based_registration,
    pattern_based_subscription,
    registration_meta_api,
    shared_registration,
    subscription_meta_api,
)
from wamplite.core.feature import announced


class Kind(NamedTuple):
    name: str
    who: str
    verbs: tuple[str, str]
    add: int
    remove: int
    share: dict[str, Any]

    @property
    def base(self) -> str:
        return f"wamp.{self.name}."

    @property
    def unknown(self) -> str:
        return f"wamp.error.no_such_{self.name}"


REGISTRATION = Kind(
    "registration",
    "callees",
    ("on_register", "on_unregister"),
    REGISTER,
    UNREGISTER,
    {"invoke": "roundrobin"},
)
SUBSCRIPTION = Kind(
    "subscription", "subscribers", ("on_subscribe", "on_unsubscribe"), SUBSCRIBE, UNSUBSCRIBE, {}
)
BOTH = pytest.mark.parametrize("kind", [REGISTRATION, SUBSCRIPTION], ids=lambda kind: kind.name)


def a_world(number: int = 3) -> tuple[World, list[Peer]]:
    modules = (registration_meta_api, subscription_meta_api, shared_registration)
    patterns = (pattern_based_registration, pattern_based_subscription)
    world = World(*(module.ForRouter for module in (*modules, *patterns)))
    world.time.seconds = 1_700_000_000.5
    return world, world.joined(number)


def add(world: World, kind: Kind, peer: Peer, uri: str, **options: Any) -> int:
    world.send(peer, [kind.add, 5, {**kind.share, **options}, uri])
    return int(take(peer)[-1][2])


def ask(world: World, kind: Kind, peer: Peer, name: str, *args: Any) -> Any:
    """Return the result of a procedure, or its error."""
    world.send(peer, [CALL, 1, {}, kind.base + name, list(args)])
    answer = take(peer)[-1]
    return answer[3][0] if answer[0] == "RESULT" else answer[4]


def details(kind: Kind, number: int, uri: str, match: str = "exact") -> dict[str, Any]:
    told = {"id": number, "created": "2023-11-14T22:13:20.500Z", "uri": uri, "match": match}
    return {**told, **kind.share}


def test_each_is_announced_by_whose_it_is() -> None:
    features = [registration_meta_api.ForRouter(), subscription_meta_api.ForRouter()]
    assert announced(["broker", "dealer"], features) == {
        "broker": {"features": {"subscription_meta_api": True}},
        "dealer": {"features": {"registration_meta_api": True}},
    }


@BOTH
def test_the_life_of_a_record_is_told_in_order(kind: Kind) -> None:
    world, (ann, bob, watcher) = a_world()
    come, go = kind.verbs
    names = {
        world.subscribe(watcher, kind.base + event): event
        for event in ("on_create", come, go, "on_delete")
    }
    number = add(world, kind, ann, "com.app.x")
    add(world, kind, bob, "com.app.x")
    world.send(ann, [kind.remove, 6, number])
    world.lose(bob)
    assert [(names[event[1]], event[4]) for event in take(watcher)] == [
        ("on_create", [1, details(kind, number, "com.app.x")]),
        (come, [1, number]),
        (come, [2, number]),
        (go, [1, number]),
        (go, [2, number]),
        ("on_delete", [2, number]),
    ]


def test_subscriptions_to_what_is_the_routers_are_not_told_of() -> None:
    world, (ann, bob, _) = a_world()
    world.subscribe(ann, "wamp.subscription.on_create")
    world.subscribe(bob, "wamp.session.on_join")
    world.lose(bob)
    assert take(ann) == []


@BOTH
def test_records_are_listed_by_policy(kind: Kind) -> None:
    world, (ann, bob, _) = a_world()
    empty: dict[str, Any] = {"exact": [], "prefix": [], "wildcard": []}
    assert ask(world, kind, ann, "list") == empty
    ids = {match: add(world, kind, bob, "com..x", match=match) for match in ("prefix", "wildcard")}
    ids["exact"] = add(world, kind, bob, "com.app")
    assert ask(world, kind, ann, "list") == {match: [number] for match, number in ids.items()}
    world.lose(bob)
    assert ask(world, kind, ann, "list") == empty


@BOTH
def test_a_record_is_looked_up_by_its_own_uri_and_policy(kind: Kind) -> None:
    world, (ann, bob, _) = a_world()
    exact = add(world, kind, bob, "com.app")
    prefix = add(world, kind, bob, "com.app", match="prefix")
    assert ask(world, kind, ann, "lookup", "com.app") == exact
    assert ask(world, kind, ann, "lookup", "com.app", {"match": "exact"}) == exact
    assert ask(world, kind, ann, "lookup", "com.app", {"match": "prefix"}) == prefix
    for args in (["com"], ["com.app", {"match": "wildcard"}], ["com.app", {"match": "_other"}]):
        assert ask(world, kind, ann, "lookup", *args) is None


@BOTH
def test_match_tells_what_a_uri_would_find(kind: Kind) -> None:
    world, (ann, bob, _) = a_world()
    exact = add(world, kind, bob, "com.app.x")
    short = add(world, kind, bob, "com", match="prefix")
    long = add(world, kind, bob, "com.app", match="prefix")
    wild = add(world, kind, bob, "com..y", match="wildcard")
    for uri, found in (
        ("com.app.x", [exact, long, short]),
        ("com.app.y", [long, short, wild]),
        ("com.a", [short]),
        ("org", []),
    ):
        expected = (found[0] if found else None) if kind is REGISTRATION else (found or None)
        assert ask(world, kind, ann, "match", uri) == expected


@BOTH
@pytest.mark.parametrize("uri", ["com..x", "com x", "com.#", ""])
def test_match_finds_nothing_for_what_is_no_uri(kind: Kind, uri: str) -> None:
    world, (ann, bob, _) = a_world()
    add(world, kind, bob, "", match="prefix")
    add(world, kind, bob, "com..", match="wildcard")
    assert ask(world, kind, ann, "match", uri) is None


def test_match_tells_of_no_pattern_where_the_router_serves() -> None:
    world, (ann, bob, _) = a_world()
    for kind, expected in ((REGISTRATION, None), (SUBSCRIPTION, [1])):
        add(world, kind, bob, "", match="prefix")
        assert ask(world, kind, ann, "match", "wamp.session.on_join") == expected


@BOTH
def test_a_record_that_is_taken_away_is_told_to_have_ended(kind: Kind) -> None:
    world, (ann, watcher, _) = a_world()
    number = add(world, kind, ann, "com.app.x")
    names = [kind.verbs[1], "on_delete"]
    ids = [world.subscribe(watcher, kind.base + event) for event in names]
    dealer, broker = world.realm.dealer, world.realm.broker
    if kind is REGISTRATION:
        dealer.revoke(ann.member.registrations[number], "why")
    else:
        broker.revoke(ann.member.subscriptions[number], "why")
    assert [[event[1], event[4]] for event in take(watcher)] == [[id_, [1, number]] for id_ in ids]
    assert take(ann) == []


@BOTH
def test_a_record_is_told_of_by_its_id(kind: Kind) -> None:
    world, (ann, bob, cat) = a_world()
    number = add(world, kind, bob, "com.app.x")
    assert ask(world, kind, ann, "get", number) == details(kind, number, "com.app.x")
    for members in ([bob], [bob, cat]):
        if cat in members:
            add(world, kind, cat, "com.app.x")
        sessions = [peer.member.session for peer in members]
        assert ask(world, kind, ann, f"list_{kind.who}", number) == sessions
        assert ask(world, kind, ann, f"count_{kind.who}", number) == len(sessions)
    world.lose(bob)
    assert ask(world, kind, ann, f"list_{kind.who}", number) == [3]


@BOTH
@pytest.mark.parametrize("number", [99, 0, -1, 2**60])
def test_what_there_is_not_is_an_error(kind: Kind, number: int) -> None:
    world, (ann, *_) = a_world()
    for procedure in ("get", f"list_{kind.who}", f"count_{kind.who}"):
        assert ask(world, kind, ann, procedure, number) == kind.unknown


@BOTH
def test_arguments_of_another_type_are_refused(kind: Kind) -> None:
    world, (ann, *_) = a_world()
    for procedure, args in (("get", ["a"]), ("lookup", [1]), ("match", []), ("lookup", ["a", 1])):
        assert ask(world, kind, ann, procedure, *args) == "wamp.error.invalid_argument"


def test_of_what_somebody_may_not_know_no_other_stands_in_its_place() -> None:
    world, (ann, bob, _) = a_world()
    add(world, REGISTRATION, bob, "com.app.x")
    short = add(world, REGISTRATION, bob, "com", match="prefix")
    world.realm.may_know.append(lambda member, uri, match: uri != "com.app.x")
    assert ask(world, REGISTRATION, ann, "match", "com.app.x") is None
    assert ask(world, REGISTRATION, ann, "match", "com.app.y") == short
