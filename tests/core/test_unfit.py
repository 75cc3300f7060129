"""Messages that cannot be carried on: which fail alone, what they answer, where the flaw was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, World, only, take
from wamplite.core.errors import ProtocolError
from wamplite.core.messages import CODES, Call
from wamplite.core.parsing import to_array
from wamplite.core.unfit import Path, Uncarriable, Unfit, failure, unfit

INVALID = "wamp.error.invalid_argument"


def flawed(*head: Any, path: Path = (4, 0)) -> Unfit:
    return unfit(Uncarriable("it is wrong", path, list(head)))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), "the payload"),
        ((2,), "Options"),
        ((2, "timeout"), "Options.timeout"),
        ((3,), "Procedure"),
        ((4,), "Arguments"),
        ((4, 0), "argument 1"),
        ((4, 9, "a", 3, "b c"), "argument 10.a[3]['b c']"),
        ((4, 0, 1, 2, 3, 4, 5), "argument 1[1][2][3][4][5]"),
        ((4, 0, 1, 2, 3, 4, 5, 6), "argument 1[1][2][3][4][5]..."),
        ((5,), "ArgumentsKw"),
        ((5, "unit"), "argument unit"),
        ((5, "\ud800", "k"), "argument ['\\ud800'].k"),
    ],
)
def test_the_place_of_a_flaw_is_named(path: Path, place: str) -> None:
    assert flawed(48, 7, {}, "a.b", [], {}, path=path).text == f"{place}: it is wrong"


def test_what_follows_unread_options_is_taken_as_absent() -> None:
    for code in (16, 32, 48, 64):
        message: Any = flawed(code, 7, {}, path=(2,)).message
        assert to_array(message) == [code, 7, {}, ""]
    assert to_array(flawed(70, 7, {}, path=(2,)).message) == [70, 7, {}]


@pytest.mark.parametrize(
    "head",
    [[], [999], [48], ["x", 7], [48, "7", {}, "a.b"], [48, 7, {}, "a.b", 1], [1, "realm1", {}],
     [3, {}, "a.b", []], [6, {}, "a.b"], [49, 7, {}]],
)  # fmt: skip
def test_what_is_no_message_or_cannot_fail_alone_is_a_violation(head: list[Any]) -> None:
    with pytest.raises(ProtocolError):
        flawed(*head, path=(2,))


def test_a_request_is_refused_and_a_publish_only_where_it_asks() -> None:
    world = World()
    peer = world.join()
    for code in (32, 48, 64):
        world.realm.handle(peer.member, flawed(code, 7, {}, "a.b", path=(2, "x")))
        assert take(peer) == [["ERROR", code, 7, {}, INVALID, ["Options.x: it is wrong"]]]
    world.realm.handle(peer.member, flawed(16, 8, {}, "a.b", []))
    assert take(peer) == []
    world.realm.handle(peer.member, flawed(16, 9, {"acknowledge": True}, "a.b", []))
    assert only(peer)[1:3] == [16, 9]
    assert peer.member.open


def test_an_answer_of_a_callee_ends_its_call() -> None:
    world = World()
    caller, callee = world.joined(2)
    world.register(callee, "a.b")
    words = ["the callee's answer cannot be carried: argument 1: it is wrong"]
    answers = [
        (flawed(70, 1, {}, [], path=(3, 0)), INVALID),
        (flawed(8, 68, 2, {}, "a.own", [], path=(5, 0)), "a.own"),
        (flawed(8, 68, 3, {}, "a own", [], path=(5, 0)), INVALID),
    ]
    for request, (answer, error) in enumerate(answers, 1):
        world.send(caller, [48, request, {}, "a.b"])
        world.realm.handle(callee.member, answer)
        assert take(caller) == [["ERROR", 48, request, {}, error, words]]
        world.realm.handle(callee.member, answer)  # late
        assert take(caller) == []
    assert not caller.member.calls and not callee.member.invocations


@pytest.mark.parametrize(
    "entry",
    [flawed(70, 9, {}, [], path=(3, 0)), flawed(8, 48, 1, {}, "a.b", [], path=(5, 0)),
     flawed(36, 7, 8, {}, [])],
)  # fmt: skip
def test_an_answer_that_nobody_asked_for_is_a_violation(entry: Unfit) -> None:
    world = World()
    peer = world.join()
    world.realm.handle(peer.member, entry)
    assert only(peer)[0] == "ABORT"


def test_an_unfit_request_counts_in_the_sequence_of_a_strict_realm() -> None:
    world = World(strict=True)
    caller, callee = world.joined(2)
    world.realm.handle(caller.member, flawed(48, 1, {}, "a.b", []))
    assert only(caller)[0] == "ERROR"
    world.send(callee, [64, 1, {}, "a.b"])
    world.send(caller, [48, 2, {}, "a.b"])
    world.realm.handle(callee.member, flawed(70, 1, {}, [], path=(3, 0)))
    assert take(caller) == [
        ["ERROR", 48, 2, {}, INVALID,
         ["the callee's answer cannot be carried: argument 1: it is wrong"]]
    ]  # fmt: skip
    world.realm.handle(caller.member, flawed(48, 4, {}, "a.b", []))
    assert only(caller)[0] == "ABORT"
    assert Unfit not in CODES


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (flawed(50, 7, {}, path=(3, 0)), [8, 48, 7, {}, INVALID, ["argument 1: it is wrong"]]),
        (flawed(68, 7, 1, {}), [8, 68, 7, {}, INVALID, ["argument 1: it is wrong"]]),
        (flawed(8, 48, 7, {}, "a.b", path=(5, 0)),
         [8, 48, 7, {}, "a.b", ["argument 1: it is wrong"]]),
        (flawed(8, 48, 7, path=(3,)), [8, 48, 7, {}, INVALID, ["Details: it is wrong"]]),
    ],
)  # fmt: skip
def test_an_error_stands_in_a_client_for_what_cannot_be_carried(
    entry: Unfit, error: list[Any]
) -> None:
    assert to_array(failure(entry)) == error


def test_what_a_router_may_not_say_is_a_violation_whole_or_not() -> None:
    with pytest.raises(ProtocolError, match="CALL must not come from a router"):
        failure(flawed(48, 7, {}, "a.b"))


def test_a_further_call_of_an_id_in_flight_that_cannot_be_carried_ends_that_call() -> None:
    world = World()
    callee, caller = world.joined(2)
    world.register(callee, "com.app.p")
    world.send(caller, [CALL, 1, {}, "com.app.p"])
    world.realm.handle(caller.member, Unfit(Call(1, {}, "com.app.p"), "too deep"))
    assert only(caller) == ["ERROR", 48, 1, {}, "wamp.error.invalid_argument", ["too deep"]]
    assert not caller.member.calls and not callee.member.invocations
