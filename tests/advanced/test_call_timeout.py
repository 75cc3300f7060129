from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, YIELD, Peer, World, only, take
from wamplite.advanced import (
    call_canceling,
    call_reroute,
    concurrency,
    progressive_call_results,
    shared_registration,
)
from wamplite.advanced.call_timeout import ForRouter
from wamplite.core.feature import announced

TIMEOUT = ["ERROR", 48, 10, {}, "wamp.error.timeout", ["the call took longer than 400 ms"]]
ABLE = {"callee": {"features": {"call_canceling": True, "call_timeout": True}}}


def called(
    timeout: int | None = 400, roles: dict[str, Any] | None = None, **register: Any
) -> tuple[World, Peer, Peer, dict[str, Any]]:
    """Return a world with CALL 10 in flight, its callee, its caller, and INVOCATION.Details."""
    world = World(ForRouter)
    callee, caller = world.join(**(roles or ABLE)), world.join()
    world.register(callee, "com.app.p", **register)
    options = {} if timeout is None else {"timeout": timeout}
    world.send(caller, [CALL, 10, options, "com.app.p"])
    return world, callee, caller, only(callee)[3]


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"call_timeout": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


def test_the_caller_is_told_in_time_and_the_callee_interrupted() -> None:
    world, callee, caller, details = called()
    assert details == {}
    world.time.tick(0.39)
    assert take(caller) == []
    world.time.tick(0.01)
    assert take(caller) == [TIMEOUT]
    assert take(callee) == [["INTERRUPT", 1, {"mode": "killnowait"}]]
    world.send(callee, [YIELD, 1, {}])
    assert take(caller) == [] and callee.member.open


def test_a_callee_that_cannot_be_interrupted_is_not() -> None:
    world, callee, caller, _ = called(roles={"callee": {}})
    world.time.tick(1)
    assert (take(caller), take(callee)) == ([TIMEOUT], [])


@pytest.mark.parametrize("timeout", [0, None])
def test_zero_or_none_is_no_limit(timeout: int | None) -> None:
    world, callee, caller, details = called(timeout)
    assert not world.time.timers and details == {}
    world.send(callee, [YIELD, 1, {}])
    assert only(caller)[0] == "RESULT"


@pytest.mark.parametrize("end", ["answer", "lose the callee", "lose the caller"])
def test_the_clock_stops_with_the_call(end: str) -> None:
    world, callee, caller, _ = called()
    if end == "answer":
        world.send(callee, [YIELD, 1, {}])
    else:
        world.lose(callee if end == "lose the callee" else caller)
    assert not world.time.timers


def test_a_callee_that_wants_to_keeps_the_time_itself() -> None:
    world, callee, caller, details = called(forward_timeout=True)
    assert details == {"timeout": 400} and not world.time.timers
    world.send(caller, [CALL, 11, {"timeout": 0}, "com.app.p"])
    assert only(callee)[3] == {}


@pytest.mark.parametrize(
    ("roles", "forward"), [({"callee": {}}, True), (ABLE, False)], ids=["unable", "unwilling"]
)
def test_otherwise_the_dealer_keeps_it(roles: dict[str, Any], forward: bool) -> None:
    world, _, caller, details = called(roles=roles, forward_timeout=forward)
    assert details == {}
    world.time.tick(1)
    assert take(caller) == [TIMEOUT]


def test_with_progressive_results_the_time_runs_from_one_to_the_next() -> None:
    world, callee, caller, _ = called()

    def progress(answer: Any, value: bool) -> None:
        answer.final = not value

    world.realm.dealer.yield_options["progress"] = progress
    for _ in range(3):
        world.time.tick(0.3)
        world.send(callee, [YIELD, 1, {"progress": True}])
        assert only(caller)[0] == "RESULT"
    world.time.tick(0.4)
    assert take(caller) == [TIMEOUT]
    assert not world.time.timers


def test_progress_of_a_call_without_a_limit_begins_none() -> None:
    world, callee, caller, _ = called(None)
    world.realm.dealer.yield_options["progress"] = lambda answer, value: setattr(
        answer, "final", not value
    )
    world.send(callee, [YIELD, 1, {"progress": True}])
    assert only(caller)[0] == "RESULT" and not world.time.timers


def test_a_call_that_is_sent_on_to_another_callee_keeps_its_time() -> None:
    world, callee, caller, _ = called()
    other = world.join()
    world.register(other, "com.app.q")
    world.time.tick(0.3)
    pending = caller.member.calls[10]
    (another,) = other.member.registrations.values()
    world.realm.dealer.send_invocation(pending, another, None, None)
    assert [message[0] for message in take(other)] == ["INVOCATION"]
    world.time.tick(0.1)
    assert take(caller) == [TIMEOUT] and not world.time.timers


@pytest.mark.parametrize("first", [True, False])
def test_one_side_keeps_the_time_whoever_gets_the_call(first: bool) -> None:
    world = World(ForRouter, shared_registration.ForRouter, call_reroute.ForRouter)
    keys = ("call_timeout", "call_reroute", "call_canceling")
    able = {"callee": {"features": dict.fromkeys(keys, True)}}
    callees, caller = [world.join(**able) for _ in range(2)], world.join()
    for callee, forwards in zip(callees, (first, not first), strict=True):
        world.register(callee, "com.app.p", invoke="first", forward_timeout=forwards)
    world.send(caller, [CALL, 10, {"timeout": 400}, "com.app.p"])
    assert ("timeout" in only(callees[0])[3]) is first
    world.time.tick(0.1)
    world.send(callees[0], [8, 68, 1, {}, "wamp.error.unavailable"])
    assert only(callees[1])[3] == {}  # the dealer has it, or has had it before
    world.time.tick(0.39 if first else 0.29)
    assert take(caller) == []
    world.time.tick(0.01)
    assert take(caller) == [TIMEOUT] and not world.time.timers
    assert take(callees[1]) == [["INTERRUPT", 1, {"mode": "killnowait"}]]


def test_the_next_callee_may_keep_the_time_as_the_one_before() -> None:
    world = World(ForRouter, shared_registration.ForRouter, call_reroute.ForRouter)
    able = {"callee": {"features": {"call_timeout": True, "call_reroute": True}}}
    callees, caller = [world.join(**able) for _ in range(2)], world.join()
    for callee in callees:
        world.register(callee, "com.app.p", invoke="first", forward_timeout=True)
    world.send(caller, [CALL, 10, {"timeout": 400}, "com.app.p"])
    world.send(callees[0], [8, 68, 1, {}, "wamp.error.unavailable"])
    assert only(callees[1])[3] == {"timeout": 400} and not world.time.timers


def test_of_a_call_that_waits_for_a_callee_the_dealer_keeps_the_time() -> None:
    world = World(ForRouter, concurrency.ForRouter)
    callee, caller = world.join(**ABLE), world.join()
    world.register(callee, "com.app.p", concurrency=1, forward_timeout=True)
    for request, timeout in ((8, 0), (9, 300), (10, 400)):
        world.send(caller, [CALL, request, {"timeout": timeout}, "com.app.p"])
    assert len(take(callee)) == 1
    world.time.tick(0.3)
    assert only(caller)[2:5] == [9, {}, "wamp.error.timeout"]
    world.send(callee, [YIELD, 1, {}])
    world.time.tick()
    assert only(callee)[:4] == ["INVOCATION", 2, 1, {}]
    take(caller)
    world.time.tick(0.1)
    assert take(caller) == [TIMEOUT]


def test_the_time_between_partial_results_is_that_between_those_that_were_asked_for() -> None:
    world = World(ForRouter, call_canceling.ForRouter, progressive_call_results.ForRouter)
    keys = ("progressive_call_results", "call_canceling")
    callee = world.join(callee={"features": dict.fromkeys(keys, True)})
    caller = world.join()
    world.register(callee, "com.app.p")
    for request, asked in ((9, True), (10, False)):
        options = {"timeout": 400, "receive_progress": asked}
        world.send(caller, [CALL, request, options, "com.app.p"])
    for _ in range(2):
        world.time.tick(0.3)
        for invocation in (1, 2):
            world.send(callee, [YIELD, invocation, {"progress": True}])
    answers = [answer[:2] if answer[0] == "RESULT" else answer for answer in take(caller)]
    assert answers == [["RESULT", 9], TIMEOUT, ["RESULT", 9]]
