from __future__ import annotations

from typing import Any

import pytest

from tests.core.test_conversation import Talk
from tests.core.world import CALL, ERROR, PUBLISH, YIELD, Peer, World, only, take
from wamplite.advanced.call_canceling import ForClient, ForRouter
from wamplite.core.feature import announced

CANCEL = 49
CANCELED = ["ERROR", 48, 10, {}, "wamp.error.canceled", ["the caller has canceled"]]
CANCELING = {"callee": {"features": {"call_canceling": True}}}


def in_flight(**roles: Any) -> tuple[World, Peer, Peer]:
    """Return a world with a callee that was sent INVOCATION 1 for CALL 10 of a caller."""
    world = World(ForRouter)
    callee, caller = world.join(**(roles or CANCELING)), world.join()
    world.register(callee, "com.app.p")
    world.send(caller, [CALL, 10, {}, "com.app.p"])
    assert only(callee)[:2] == ["INVOCATION", 1]
    return world, callee, caller


def test_it_is_announced_by_the_dealer() -> None:
    expected = {"features": {"call_canceling": True}}
    assert announced(["broker", "dealer"], [ForRouter()]) == {"broker": {}, "dealer": expected}


@pytest.mark.parametrize("late", [[YIELD, 1, {}], [ERROR, 68, 1, {}, "com.app.no"]])
@pytest.mark.parametrize(
    ("options", "interrupt"),
    [
        ({"mode": "skip"}, []),
        ({"mode": "killnowait"}, [["INTERRUPT", 1, {"mode": "killnowait"}]]),
        ({}, [["INTERRUPT", 1, {"mode": "killnowait"}]]),
    ],
)
def test_the_caller_is_answered_at_once_and_the_callee_comes_late(
    options: dict[str, Any], interrupt: list[Any], late: list[Any]
) -> None:
    world, callee, caller = in_flight()
    world.send(caller, [CANCEL, 10, options])
    assert (take(caller), take(callee)) == ([CANCELED], interrupt)
    world.send(callee, late)
    assert take(caller) == [] and callee.member.open


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([YIELD, 1, {}, ["done"]], ["RESULT", 10, {}, ["done"]]),
        ([ERROR, 68, 1, {}, "com.app.no"], ["ERROR", 48, 10, {}, "com.app.no"]),
    ],
)
def test_mode_kill_waits_for_what_the_callee_answers(
    answer: list[Any], expected: list[Any]
) -> None:
    world, callee, caller = in_flight()
    world.send(caller, [CANCEL, 10, {"mode": "kill"}])
    assert (take(caller), take(callee)) == ([], [["INTERRUPT", 1, {"mode": "kill"}]])
    world.send(callee, answer)
    assert take(caller) == [expected]


def test_mode_kill_ends_with_the_callee() -> None:
    world, callee, caller = in_flight()
    world.send(caller, [CANCEL, 10, {"mode": "kill"}])
    world.lose(callee)
    assert only(caller)[4] == "wamp.error.canceled"


@pytest.mark.parametrize("mode", ["skip", "kill", "killnowait"])
def test_a_callee_that_did_not_announce_it_is_never_interrupted(mode: str) -> None:
    world, callee, caller = in_flight(callee={})
    world.send(caller, [CANCEL, 10, {"mode": mode}])
    assert (take(caller), take(callee)) == ([CANCELED], [])


@pytest.mark.parametrize("request_", [10, 999])
def test_a_cancel_of_what_has_ended_or_never_was_changes_nothing(request_: int) -> None:
    world, callee, caller = in_flight()
    world.send(callee, [YIELD, 1, {}])
    take(caller)
    world.send(caller, [CANCEL, request_, {}])
    assert take(caller) == take(callee) == [] and caller.member.open


def test_nobody_cancels_the_calls_of_others() -> None:
    world, callee, caller = in_flight()
    world.send(callee, [CANCEL, 10, {}])
    assert take(caller) == take(callee) == []
    assert list(caller.member.calls) == [10]


def test_a_second_cancel_may_give_up_waiting_and_interrupts_nobody_again() -> None:
    world, callee, caller = in_flight()
    world.send(caller, [CANCEL, 10, {"mode": "kill"}], [CANCEL, 10, {"mode": "killnowait"}])
    assert only(callee)[0] == "INTERRUPT"
    world.send(caller, [CANCEL, 10, {"mode": "skip"}])
    assert take(caller) == [CANCELED]


def test_a_mode_that_there_is_not_is_a_violation() -> None:
    world, callee, caller = in_flight()
    world.send(caller, [CANCEL, 10, {"mode": "gently"}])
    (abort,) = take(caller)
    assert abort[1]["message"] == "CANCEL: mode must be skip, kill or killnowait, not 'gently'"
    assert only(callee)[0] == "INTERRUPT"  # its caller is gone


def test_the_calls_of_a_caller_that_leaves_are_interrupted() -> None:
    world, callee, caller = in_flight()
    world.lose(caller)
    assert take(callee) == [["INTERRUPT", 1, {"mode": "killnowait"}]]
    world.send(callee, [YIELD, 1, {}])
    assert callee.member.open


def test_a_session_that_calls_itself_leaves_without_being_interrupted() -> None:
    world = World(ForRouter)
    ann = world.join(**CANCELING, caller={})
    world.register(ann, "com.app.p")
    world.send(
        ann, [CALL, 10, {}, "com.app.p"], [PUBLISH, 1, {}, "a"], [6, {}, "wamp.close.normal"]
    )
    assert [message[0] for message in take(ann)] == ["INVOCATION", "GOODBYE"]


def test_a_client_hands_an_interrupt_to_what_serves_its_invocation() -> None:
    talk, told = Talk(ForClient), []
    talk.conversation.interrupt = told.append
    talk.register()
    talk.hear([68, 1, 90, {}], [69, 1, {"mode": "kill"}])
    assert told == [1]
