from __future__ import annotations

from typing import Any

import pytest

from tests.core.world import CALL, YIELD, Peer, World, only, take
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
