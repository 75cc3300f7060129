from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, GOODBYE, Peer, World, only, take
from wamplite.advanced.session_meta_api import ForRouter
from wamplite.core.feature import announced
from wamplite.core.members import Join

DETAILS = {
    "session": 2,
    "authid": "peer2",
    "authrole": "anonymous",
    "authmethod": "anonymous",
    "authprovider": "static",
}
NOBODY = "wamp.error.no_such_session"


def a_world(number: int = 3) -> tuple[World, list[Peer]]:
    world = World(ForRouter)
    return world, world.joined(number)


def ask(world: World, peer: Peer, name: str, *args: Any, **kwargs: Any) -> Any:
    """Return the result of a procedure, or its error."""
    payload = [list(args), kwargs] if kwargs else [list(args)] if args else []
    world.send(peer, [CALL, 1, {}, f"wamp.session.{name}", *payload])
    answer = take(peer)[-1]
    return (answer[3:] or [[None]])[0][0] if answer[0] == "RESULT" else answer[4]


def test_it_is_announced_by_broker_and_dealer() -> None:
    expected = {"features": {"session_meta_api": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {
        "broker": expected,
        "dealer": expected,
    }


@pytest.mark.parametrize("how", ["goodbye", "lost", "violation", "killed"])
def test_joining_and_leaving_are_told_once_each(how: str) -> None:
    world, (ann,) = a_world(1)
    for event in ("on_join", "on_leave"):
        world.subscribe(ann, f"wamp.session.{event}")
    bob = world.arrive()
    world.realm.handle(bob.member, Join())
    assert only(ann)[4:] == [[DETAILS]]
    if how == "goodbye":
        world.send(bob, [GOODBYE, {}, "wamp.close.close_realm"])
    elif how == "killed":
        world.realm.dismiss(bob.member, "wamp.close.killed")
    else:
        (world.lose if how == "lost" else world.violate)(bob)
    assert only(ann)[4:] == [[2, "peer2", "anonymous"]]


def test_what_is_told_of_a_session() -> None:
    world, (ann, bob, _) = a_world()
    assert ask(world, ann, "get", 2) == DETAILS
    bob.member.facts = lambda: {"type": "websocket"}
    assert ask(world, ann, "get", 2) == {**DETAILS, "transport": {"type": "websocket"}}


def test_sessions_are_counted_and_listed_by_role() -> None:
    world, (ann, _, cat) = a_world()
    cat.member.identity = cat.identity._replace(authrole="admin")
    for args, expected in (
        ([], [1, 2, 3]),
        ([["anonymous"]], [1, 2]),
        ([["admin", "x"]], [3]),
        ([["x"]], []),
        ([[]], []),
    ):
        assert ask(world, ann, "list", *args) == expected
        assert ask(world, ann, "count", *args) == len(expected)
    world.lose(cat)
    assert ask(world, ann, "list") == [1, 2]


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, ["GOODBYE", {}, "wamp.close.killed"]),
        (
            {"reason": "com.app.out", "message": "bye"},
            ["GOODBYE", {"message": "bye"}, "com.app.out"],
        ),
    ],
)
def test_a_session_is_killed_with_reason_and_message(kwargs: Any, expected: Any) -> None:
    world, (ann, bob, _) = a_world()
    world.register(bob, "com.app.p")
    assert ask(world, ann, "kill", 2, **kwargs) is None
    assert take(bob) == [expected]
    assert not world.realm.dealer.registrations
    assert ask(world, ann, "kill", 2) == NOBODY


@pytest.mark.parametrize("procedure", ["get", "kill"])
@pytest.mark.parametrize("session", [99, 0, -1, 2**53 + 1])
def test_nobody_is_found_who_is_not_there(procedure: str, session: int) -> None:
    world, (ann, *_) = a_world()
    assert ask(world, ann, procedure, session) == NOBODY


def test_nobody_kills_itself() -> None:
    world, (ann, bob, cat) = a_world()
    assert ask(world, ann, "kill", 1) == NOBODY
    for peer in (ann, bob):
        peer.member.identity = peer.identity._replace(authid="joe", authrole="user")
    assert ask(world, ann, "kill_by_authid", "joe") == [2]
    assert ask(world, ann, "kill_by_authrole", "user") == 0
    assert ask(world, ann, "kill_by_authrole", "anonymous") == 1
    assert ask(world, ann, "kill_by_authid", "nobody") == []
    assert ann.member.open and not cat.member.open


def test_to_kill_all_tells_nobody() -> None:
    world, (ann, bob, cat) = a_world()
    world.subscribe(ann, "wamp.session.on_leave")
    assert ask(world, ann, "kill_all") == 2
    assert take(ann) == [] and not (bob.member.open or cat.member.open)


KILLING: list[tuple[str, list[Any]]] = [
    ("kill", [2]),
    ("kill_by_authid", ["peer2"]),
    ("kill_by_authrole", ["user"]),
    ("kill_all", []),
]


@pytest.mark.parametrize(("procedure", "args"), KILLING)
@pytest.mark.parametrize("words", [{}, {"reason": "com.app.out", "message": "bye"}])
def test_who_is_killed_is_told_why_and_the_others_that_it_left(
    procedure: str, args: list[Any], words: dict[str, str]
) -> None:
    world, (ann, bob, cat) = a_world()
    bob.member.identity = bob.identity._replace(authrole="user")
    world.subscribe(cat, "wamp.session.on_leave")
    ask(world, ann, procedure, *args, **words)
    details = {"message": "bye"} if words else {}
    goodbye = ["GOODBYE", details, words.get("reason", "wamp.close.killed")]
    assert take(bob) == [goodbye]
    if procedure == "kill_all":
        assert take(cat) == [goodbye]
    else:
        assert only(cat)[4] == [2, "peer2", "user"]


@pytest.mark.parametrize("reason", ["no good", "", 7, ["com.app.out"]])
def test_a_reason_must_be_a_uri(reason: Any) -> None:
    world, (ann, bob, _) = a_world()
    bob.member.identity = bob.identity._replace(authrole="user")
    for procedure, args in KILLING:
        assert ask(world, ann, procedure, *args, reason=reason) == "wamp.error.invalid_uri"
    assert bob.member.open


@pytest.mark.parametrize(
    ("procedure", "args"),
    [("get", []), ("get", ["a"]), ("kill", [True]), ("list", ["a"]), ("kill_by_authid", [1])],
)
def test_arguments_of_another_type_are_refused(procedure: str, args: list[Any]) -> None:
    world, (ann, *_) = a_world()
    assert ask(world, ann, procedure, *args) == "wamp.error.invalid_argument"
