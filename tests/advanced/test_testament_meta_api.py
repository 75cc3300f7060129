from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, GOODBYE, Peer, World, only, take
from wamplite.advanced import session_meta_api, subscriber_blackwhite_listing
from wamplite.advanced.testament_meta_api import KEPT, MOST, ForRouter
from wamplite.core.feature import Refused, announced
from wamplite.core.messages import Call, Publish

ADD, FLUSH = "wamp.session.add_testament", "wamp.session.flush_testaments"


def a_world(**more: Any) -> tuple[World, Peer, Peer]:
    others = session_meta_api, subscriber_blackwhite_listing
    world = World(ForRouter, *(other.ForRouter for other in others), **more)
    ann, heir = world.joined(2)
    world.subscribe(heir, "com.app.will")
    return world, ann, heir


def add(world: World, peer: Peer, value: Any, **kwargs: Any) -> list[Any]:
    request = peer.member.last_request + 1
    world.send(peer, [CALL, request, {}, ADD, ["com.app.will", [value], {}], kwargs])
    return only(peer)


def read(heir: Peer) -> list[Any]:
    return [event[4][0] for event in take(heir)]


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"testament_meta_api": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("how", ["lost", "goodbye", "violation", "killed"])
def test_it_is_published_however_the_session_ends(how: str, strict: bool) -> None:
    world, ann, heir = a_world(strict=strict)
    world.send(ann, [CALL, 1, {}, ADD, ["com.app.will", [1], {"k": [None]}]])
    assert only(ann) == ["RESULT", 1, {}]
    assert take(heir) == []
    if how == "goodbye":
        world.send(ann, [GOODBYE, {}, "wamp.close.close_realm"])
    elif how == "killed":
        world.realm.dismiss(ann.member, "wamp.close.killed")
    else:
        (world.lose if how == "lost" else world.violate)(ann)
    assert only(heir)[3:] == [{}, [1], {"k": [None]}]
    world.lose(heir)
    assert world.is_empty()


def test_those_of_detached_come_first_each_in_their_order() -> None:
    world, ann, heir = a_world()
    for value, scope in ((1, "destroyed"), (2, "detached"), (3, None), (4, "detached"), (5, None)):
        add(world, ann, value, **({"scope": scope} if scope else {}))
    world.lose(ann)
    assert read(heir) == [2, 4, 1, 3, 5]


@pytest.mark.parametrize(
    ("kwargs", "left"), [({}, [2]), ({"scope": "destroyed"}, [2]), ({"scope": "detached"}, [1])]
)
def test_those_of_a_scope_are_forgotten(kwargs: dict[str, Any], left: list[int]) -> None:
    world, ann, heir = a_world()
    add(world, ann, 1)
    add(world, ann, 2, scope="detached")
    world.send(ann, [CALL, 9, {}, FLUSH, [], kwargs])
    assert only(ann) == ["RESULT", 9, {}]
    world.lose(ann)
    assert read(heir) == left


def test_the_options_of_the_publish_hold() -> None:
    world, ann, heir = a_world()
    other = world.join()
    world.subscribe(other, "com.app.will")
    add(world, ann, 1, publish_options={"acknowledge": True})
    add(world, ann, 2, publish_options={"exclude": [heir.member.session]})
    add(world, ann, 3, publish_options={"eligible": []})
    world.lose(ann)
    assert (read(heir), read(other)) == ([1], [1, 2])


def test_sessions_that_are_all_killed_leave_no_testament() -> None:
    world, ann, heir = a_world()
    add(world, ann, 1)
    world.send(heir, [CALL, 1, {}, "wamp.session.kill_all"])
    assert [message[0] for message in take(heir)] == ["RESULT"]


@pytest.mark.parametrize(
    ("args", "kwargs", "error"),
    [
        ([], {}, "invalid_argument"),
        ([1], {}, "invalid_argument"),
        (["a", "b"], {}, "invalid_argument"),
        (["a", [], 1], {}, "invalid_argument"),
        (["a b"], {}, "invalid_uri"),
        (["wamp.x"], {}, "invalid_uri"),
        (["a"], {"scope": "x"}, "invalid_argument"),
        (["a"], {"publish_options": {"eligible": "x"}}, "invalid_argument"),
        (["a"], {"publish_options": {"ppt_scheme": "x_a"}}, "invalid_argument"),
        (["a"], {"publish_options": {"rkey": "a"}}, "feature_not_supported"),
        (["a"], {"publish_options": {"retain": True}}, "feature_not_supported"),
        (["a", ["x" * KEPT]], {}, "payload_size_exceeded"),
    ],
)
def test_what_could_not_be_published_is_refused_at_once(args: Any, kwargs: Any, error: str) -> None:
    world, ann, _ = a_world()
    world.send(ann, [CALL, 1, {}, ADD, args, kwargs])
    assert only(ann)[4] == f"wamp.error.{error}"
    world.send(ann, [CALL, 2, {}, FLUSH, [], {"scope": "x"}])
    assert only(ann)[4] == "wamp.error.invalid_argument"


def test_a_session_has_so_many_and_no_more() -> None:
    world, ann, heir = a_world()
    for value in range(MOST):
        add(world, ann, value)
    assert add(world, ann, MOST)[4] == "wamplite.error.limit_reached"
    world.lose(ann)
    assert read(heir) == list(range(MOST))


def test_where_none_is_left_there_is_nothing_to_forget() -> None:
    world, ann, heir = a_world()
    add(world, ann, 1)
    for request in (8, 9):
        world.send(ann, [CALL, request, {}, FLUSH])
    assert take(ann) == [["RESULT", 8, {}], ["RESULT", 9, {}]]
    world.lose(ann)
    assert take(heir) == []


def test_it_tells_that_a_topic_will_be_published_to() -> None:
    world, _, _ = a_world()
    implied = world.realm.implied[ADD]
    assert implied(Call(1, {}, ADD, ["com.app.will", [], {}])) == (Publish, "com.app.will")
    with pytest.raises(Refused):
        implied(Call(1, {}, ADD, [7]))
