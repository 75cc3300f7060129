from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, UNREGISTER, Peer, World, only, take
from wamplite.advanced import pattern_based_registration, shared_registration
from wamplite.advanced.reflection import KEPT, KEPT_IN_ALL, LISTED, MOST, ForRouter
from wamplite.core.feature import announced
from wamplite.core.messages import Call, Publish, Register
from wamplite.core.uris import LIMIT_REACHED

ADD = {"description": "adds", "args": {"type": "array"}}


def a_world(number: int = 2) -> tuple[World, list[Peer]]:
    others = pattern_based_registration, shared_registration
    world = World(ForRouter, *(other.ForRouter for other in others))
    return world, world.joined(number)


def ask(world: World, peer: Peer, procedure: str, *args: Any, **kwargs: Any) -> Any:
    """Return what a procedure answers: its value, or the error."""
    request = peer.member.last_request + 1
    world.send(peer, [CALL, request, {}, f"wamp.{procedure}", list(args), kwargs])
    answer = only(peer)
    if answer[0] == "ERROR":
        return answer[4]
    return answer[3][0] if len(answer) > 3 else None


def test_it_is_announced_beside_the_features_of_both_roles() -> None:
    roles = announced(["broker", "dealer"], [ForRouter(), shared_registration.ForRouter()])
    assert roles["broker"] == {"reflection": True}
    assert roles["dealer"] == {"reflection": True, "features": {"shared_registration": True}}


def test_what_was_defined_is_described_and_listed() -> None:
    world, (ann, bob) = a_world()
    assert ask(world, ann, "reflect.define", "com.app.add", ADD) is None
    assert ask(world, ann, "reflect.define", "com.app.heat", {"unit": "C"}, kind="topic") is None
    assert ask(world, ann, "reflect.define", "com.app.error.hot", {}, kind="error") is None
    assert ask(world, bob, "reflect.describe", "com.app.add") == ADD
    assert ask(world, bob, "reflection.procedure.describe", "com.app.add") == ADD
    assert ask(world, bob, "reflect.describe", "com.app.heat", kind="topic") == {"unit": "C"}
    assert ask(world, bob, "reflection.error.describe", "com.app.error.hot") == {}
    assert ask(world, bob, "reflection.topic.describe", "com.app.add") is None
    for kind, uri in (("procedure", "add"), ("topic", "heat"), ("error", "error.hot")):
        assert ask(world, bob, f"reflection.{kind}.list") == [f"com.app.{uri}"]


def test_lists_have_what_is_registered_and_subscribed_to() -> None:
    world, (ann, bob) = a_world()
    world.register(ann, "com.app.b")
    world.register(ann, "com.app", match="prefix")
    world.subscribe(bob, "com.app.topic")
    world.subscribe(bob, "wamp.reflect.on_define")
    ask(world, ann, "reflect.define", "com.app.a", ADD)
    ask(world, ann, "reflect.define", "com.app.b", ADD)
    take(bob)
    assert ask(world, bob, "reflection.procedure.list") == ["com.app", "com.app.a", "com.app.b"]
    assert ask(world, bob, "reflection.procedure.list", prefix="com.app.") == [
        "com.app.a",
        "com.app.b",
    ]
    assert ask(world, bob, "reflection.procedure.list", after="com.app.a") == ["com.app.b"]
    assert ask(world, bob, "reflection.topic.list") == ["com.app.topic"]
    assert ask(world, bob, "reflection.error.list") == []


def test_a_list_is_bounded_and_goes_on_behind_its_last() -> None:
    world, peers = a_world(LISTED // MOST + 2)
    made = [f"com.app.p{number:04}" for number in range(LISTED + 5)]
    for number, uri in enumerate(made):
        assert ask(world, peers[number // MOST], "reflect.define", uri, {}) is None
    listed = ask(world, peers[0], "reflection.procedure.list")
    assert listed == made[:LISTED]
    assert ask(world, peers[0], "reflection.procedure.list", after=listed[-1]) == made[LISTED:]


def test_it_is_told_what_is_defined_and_undefined() -> None:
    world, (ann, bob) = a_world()
    world.subscribe(bob, "wamp.reflect.on_define")
    undefined = world.subscribe(bob, "wamp.reflect.on_undefine")
    ask(world, ann, "reflect.define", "com.app.add", ADD)
    assert only(bob)[4] == ["com.app.add", "procedure", ADD]
    ask(world, ann, "reflect.define", "com.app.add", {"more": 1})
    assert only(bob)[4] == ["com.app.add", "procedure", {"more": 1}]
    ask(world, ann, "reflect.define", "com.app.add", None)
    event = only(bob)
    assert (event[1], event[4]) == (undefined, ["com.app.add", "procedure"])
    ask(world, ann, "reflect.define", "com.app.add", None)
    assert take(bob) == []
    assert ask(world, bob, "reflect.describe", "com.app.add") is None


def test_a_definition_goes_with_its_session_and_of_several_the_last_is_told() -> None:
    world, (ann, bob, eve) = a_world(3)
    world.subscribe(eve, "wamp.reflect.on_undefine")
    ask(world, ann, "reflect.define", "com.app.add", {"of": "ann"})
    ask(world, bob, "reflect.define", "com.app.add", {"of": "bob"})
    assert ask(world, eve, "reflect.describe", "com.app.add") == {"of": "bob"}
    ask(world, ann, "reflect.define", "com.app.add", {"of": "ann", "again": True})
    assert ask(world, eve, "reflect.describe", "com.app.add") == {"of": "ann", "again": True}
    ask(world, ann, "reflect.define", "com.app.heat", {}, kind="topic")
    world.lose(ann)
    assert only(eve)[4] == ["com.app.heat", "topic"]
    assert ask(world, eve, "reflect.describe", "com.app.add") == {"of": "bob"}
    world.lose(bob)
    assert only(eve)[4] == ["com.app.add", "procedure"]
    assert ask(world, eve, "reflection.procedure.list") == []
    world.lose(eve)
    [feature] = [one for one in world.realm.features if isinstance(one, ForRouter)]
    assert not feature.numbers and not any(feature.defined.values()) and feature.bytes == 0
    assert world.is_empty()


def test_what_cannot_be_defined_leaves_nothing() -> None:
    world, (ann, bob) = a_world()
    for uri in ("wamp.session.count", "com app"):
        assert ask(world, ann, "reflect.define", uri, {}) == "wamp.error.invalid_uri"
    for args, kwargs in (
        (["com.app.a", 7], {}),
        ([7, {}], {}),
        (["com.app.a", {}], {"kind": "thing"}),
    ):
        error = ask(world, ann, "reflect.define", *args, **kwargs)
        assert error == "wamp.error.invalid_argument"
    large = {"text": "x" * KEPT}
    error = ask(world, ann, "reflect.define", "com.app.a", large)
    assert error == "wamp.error.payload_size_exceeded"
    assert ask(world, bob, "reflection.procedure.list") == []


def test_a_session_has_a_bounded_number_of_definitions() -> None:
    world, (ann, bob) = a_world()
    for number in range(MOST):
        assert ask(world, ann, "reflect.define", f"com.app.p{number}", {}) is None
    refused = ask(world, ann, "reflect.define", "com.app.more", {})
    assert refused == LIMIT_REACHED
    assert "com.app.more" not in ask(world, bob, "reflection.procedure.list")
    assert ask(world, bob, "reflect.define", "com.app.more", {}) is None
    assert ask(world, ann, "reflect.define", "com.app.more", {}) == LIMIT_REACHED
    assert ask(world, ann, "reflect.define", "com.app.p0", {"again": 1}) is None  # in its place
    assert ask(world, ann, "reflect.define", "com.app.p1", None) is None
    assert ask(world, ann, "reflect.define", "com.app.more", {"of": "ann"}) is None
    assert ask(world, bob, "reflect.describe", "com.app.more") == {"of": "ann"}


def test_a_procedure_that_is_served_no_longer_is_described_no_longer() -> None:
    world, (ann, bob) = a_world()
    undefined = world.subscribe(bob, "wamp.reflect.on_undefine")
    registration = world.register(ann, "com.app.add")
    other = world.register(ann, "com.app.other")
    for kind in ("procedure", "topic"):
        ask(world, ann, "reflect.define", "com.app.add", ADD, kind=kind)
    for number in (other, registration):
        world.send(ann, [UNREGISTER, ann.member.last_request + 1, number])
        assert only(ann)[0] == "UNREGISTERED"
    event = only(bob)
    assert (event[1], event[4]) == (undefined, ["com.app.add", "procedure"])
    assert ask(world, bob, "reflect.describe", "com.app.add") is None
    assert ask(world, bob, "reflect.describe", "com.app.add", kind="topic") == ADD


def test_all_definitions_together_have_a_bounded_number_of_bytes() -> None:
    world, peers = a_world(KEPT_IN_ALL // (KEPT * MOST) + 2)
    last = peers[-1]
    large = {"text": "x" * (KEPT // 2)}
    defined, answer = 0, None
    while answer is None:
        peer = peers[defined // MOST]
        uri = f"com.app.p{defined}"
        answer = ask(world, peer, "reflect.define", uri, large)
        defined += answer is None
    assert answer == LIMIT_REACHED and defined > KEPT_IN_ALL // KEPT
    assert uri not in ask(world, last, "reflection.procedure.list", after="com.app.p")
    assert ask(world, last, "reflect.define", uri, large) == LIMIT_REACHED
    assert ask(world, peers[0], "reflect.define", "com.app.p0", large) is None  # in its place
    assert ask(world, peers[0], "reflect.define", "com.app.p0", {"less": 1}) is None
    assert ask(world, last, "reflect.define", uri, large) is None


@pytest.mark.parametrize("kind", ["procedure", "topic", "error"])
def test_arguments_of_other_types_are_refused(kind: str) -> None:
    world, (ann, _) = a_world()
    assert ask(world, ann, f"reflection.{kind}.describe", 7) == "wamp.error.invalid_argument"
    assert ask(world, ann, f"reflection.{kind}.list", prefix=7) == "wamp.error.invalid_argument"


def test_nobody_is_told_of_what_it_may_not_know() -> None:
    world, (ann, bob) = a_world()
    world.realm.may_know.append(
        lambda member, uri, match: member is ann.member or not uri.startswith("secret")
    )
    for peer in (ann, bob):
        world.subscribe(peer, "wamp.reflect.on_define")
        world.subscribe(peer, "wamp.reflect.on_undefine")
    world.register(ann, "secret.p")
    for uri in ("secret.add", "open.add"):
        world.send(ann, [CALL, 1, {}, "wamp.reflect.define", [uri, ADD]])
    assert [event[4][0] for event in take(ann) if event[0] == "EVENT"] == ["secret.add", "open.add"]
    assert [event[4][0] for event in take(bob)] == ["open.add"]
    assert ask(world, ann, "reflection.procedure.list") == ["open.add", "secret.add", "secret.p"]
    assert ask(world, bob, "reflection.procedure.list") == ["open.add"]
    assert ask(world, ann, "reflect.describe", "secret.add") == ADD
    assert ask(world, bob, "reflect.describe", "secret.add") is None
    assert ask(world, bob, "reflect.describe", "open.add") == ADD
    world.lose(ann)
    assert [message[4] for message in take(bob)] == [["open.add", "procedure"]]


@pytest.mark.parametrize(
    ("kind", "implied"), [("procedure", Register), ("topic", Publish), ("error", None)]
)
def test_who_defines_something_is_one_who_may_serve_it(kind: str, implied: type | None) -> None:
    world, _ = a_world()
    call = Call(1, {}, "wamp.reflect.define", ["com.app.a", {}], {"kind": kind})
    found = world.realm.implied["wamp.reflect.define"](call)
    assert found == (implied and (implied, "com.app.a"))
