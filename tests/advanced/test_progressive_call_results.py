from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.core.world import CALL, ERROR, YIELD, Peer, World, only, take
from wamplite.advanced import call_canceling
from wamplite.advanced.progressive_call_results import ForRouter
from wamplite.core.errors import UsageError
from wamplite.core.feature import announced

KEYS = ("progressive_call_results", "call_canceling")
ABLE = {"callee": {"features": dict.fromkeys(KEYS, True)}}
PROGRESS = {"progress": True}


def called(
    options: dict[str, Any], roles: dict[str, Any] | None = None, **more: Any
) -> tuple[World, Peer, Peer, dict[str, Any]]:
    """Return a world with CALL 10 in flight, its callee, its caller, and INVOCATION.Details."""
    world = World(call_canceling.ForRouter, ForRouter)
    callee, caller = world.join(**(roles or ABLE)), world.join(**more)
    world.register(callee, "com.app.p")
    world.send(caller, [CALL, 10, options, "com.app.p"])
    return world, callee, caller, only(callee)[3]


def test_it_is_announced_by_the_dealer_and_needs_canceling() -> None:
    expected = {"features": {"progressive_call_results": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}
    with pytest.raises(UsageError, match="call_canceling"):
        World(ForRouter)


def test_partial_results_come_in_order_and_the_last_ends_the_call() -> None:
    world, callee, caller, details = called({"receive_progress": True})
    assert details == {"receive_progress": True}
    world.send(callee, *([YIELD, 1, PROGRESS, [number]] for number in range(3)), [YIELD, 1, {}])
    partial = [["RESULT", 10, PROGRESS, [number]] for number in range(3)]
    assert take(caller) == [*partial, ["RESULT", 10, {}]]
    world.send(callee, [YIELD, 1, PROGRESS, ["late"]], [YIELD, 1, {}, ["late"]])
    assert take(caller) == [] and not caller.member.calls


def test_an_error_ends_it_too() -> None:
    world, callee, caller, _ = called({"receive_progress": True})
    world.send(callee, [YIELD, 1, PROGRESS], [ERROR, 68, 1, {}, "com.app.no"], [YIELD, 1, PROGRESS])
    assert [answer[0] for answer in take(caller)] == ["RESULT", "ERROR"]


@pytest.mark.parametrize("options", [{}, {"receive_progress": False}])
def test_what_the_caller_did_not_ask_for_is_dropped(options: dict[str, Any]) -> None:
    world, callee, caller, details = called(options)
    assert details == {}
    world.send(callee, [YIELD, 1, PROGRESS, ["early"]], [YIELD, 1, {}, ["end"]])
    assert take(caller) == [["RESULT", 10, {}, ["end"]]]


def test_progress_false_is_the_end_and_is_not_told() -> None:
    world, callee, caller, _ = called({"receive_progress": True})
    world.send(callee, [YIELD, 1, {"progress": False}, [1]])
    assert take(caller) == [["RESULT", 10, {}, [1]]]


@pytest.mark.parametrize("lacks", KEYS)
def test_a_callee_that_lacks_a_part_is_not_asked_for_progress(lacks: str) -> None:
    features = {key: key != lacks for key in KEYS}
    _, _, _, details = called({"receive_progress": True}, {"callee": {"features": features}})
    assert details == {}


def test_a_callee_without_canceling_is_asked_where_the_router_is_told_to() -> None:
    world = World(call_canceling.ForRouter, partial(ForRouter, without_canceling=True))
    able = {"callee": {"features": {"progressive_call_results": True}}}
    callee, unable, caller = world.join(**able), world.join(), world.join()
    for request, member, procedure in ((1, callee, "com.app.p"), (2, unable, "com.app.q")):
        world.register(member, procedure)
        world.send(caller, [CALL, request, {"receive_progress": True}, procedure])
    assert only(callee)[3] == {"receive_progress": True}
    assert only(unable)[3] == {}
    world.send(callee, [YIELD, 1, PROGRESS, [1]])
    assert only(caller) == ["RESULT", 1, PROGRESS, [1]]
    world.lose(caller)
    assert take(callee) == []  # it has not announced that it understands INTERRUPT
    world.send(callee, [YIELD, 1, PROGRESS, [2]], [YIELD, 1, {}])
    assert callee.member.open and not callee.member.invocations


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_whoever_leaves_amid_progress_ends_it(who: str) -> None:
    world, callee, caller, _ = called({"receive_progress": True})
    world.send(callee, [YIELD, 1, PROGRESS])
    take(caller)
    world.lose(caller if who == "caller" else callee)
    if who == "caller":
        assert take(callee) == [["INTERRUPT", 1, {"mode": "killnowait"}]]
        world.send(callee, [YIELD, 1, PROGRESS], [YIELD, 1, {}])
        assert callee.member.open
    else:
        assert only(caller)[4] == "wamp.error.canceled"


def test_a_partial_result_that_is_too_large_ends_the_call() -> None:
    world, callee, caller, _ = called({"receive_progress": True}, None, limit=512)
    world.send(callee, [YIELD, 1, PROGRESS, ["x" * 1000]])
    assert only(caller)[4] == "wamp.error.payload_size_exceeded"
    assert not caller.member.calls
