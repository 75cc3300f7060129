"""Answers to calls that were given up, and CANCEL of a call that there is not: 42 and 44."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.sessions import ROLES, Session

Connect = Callable[..., Session]
MODES = ["skip", "kill", "killnowait"]
CANCELING = {role: {"features": {"call_canceling": True}} for role in ROLES}


def join(connect: Connect, dialect: str) -> Session:
    """Join as somebody who can be interrupted."""
    session = connect(dialect, join=False)
    session.say(1, "realm1", {"roles": CANCELING})
    assert session.hear()[0] == 2
    return session


@pytest.mark.parametrize("late", ["yield", "error", "both"])
@pytest.mark.parametrize("mode", MODES)
def test_42_an_answer_after_interrupt_ends_the_call_once(
    connect: Connect, dialect: str, mode: str, late: str
) -> None:
    callee, caller = join(connect, dialect), join(connect, dialect)
    callee.register("faults.serve")
    caller.say(48, 1, {}, "faults.serve")
    invocation = callee.hear()[1]
    caller.say(49, 1, {"mode": mode})
    if mode != "skip":
        assert callee.hear()[:2] == [69, invocation]
    answers = {"yield": [[70, invocation, {}, ["late"]]]}
    answers["error"] = [[8, 68, invocation, {}, "faults.interrupted"]]
    answers["both"] = answers["yield"] + answers["error"]
    callee.say_all(*answers[late])
    assert caller.hear()[:3] in ([8, 48, 1], [50, 1, {}])
    caller.request = 1
    assert caller.is_served() and callee.is_served()


@pytest.mark.parametrize("code", [70, 8])
def test_42_an_answer_after_the_timeout_is_ignored(
    connect: Connect, dialect: str, code: int
) -> None:
    callee, caller = join(connect, dialect), join(connect, dialect)
    callee.register("faults.serve")
    caller.say(48, 1, {"timeout": 50}, "faults.serve")
    invocation = callee.hear()[1]
    assert caller.hear()[:3] == [8, 48, 1]
    assert callee.hear()[:2] == [69, invocation]
    callee.say(*([70, invocation, {}] if code == 70 else [8, 68, invocation, {}, "faults.late"]))
    caller.request = 1
    assert caller.is_served() and callee.is_served()


@pytest.mark.sampled
@pytest.mark.parametrize("mode", MODES)
def test_44_a_cancel_without_a_call_is_ignored(connect: Connect, dialect: str, mode: str) -> None:
    callee, caller, attacker = (connect(dialect) for _ in range(3))
    callee.register("faults.serve")
    caller.say(49, 1, {"mode": mode})
    caller.say(49, 2**53, {"mode": mode})
    caller.say(48, 1, {}, "faults.serve")
    invocation = callee.hear()[1]
    attacker.say(49, 1, {"mode": mode})  # a number of somebody else's
    assert attacker.is_served()
    callee.say(70, invocation, {}, ["done"])
    assert caller.hear() == [50, 1, {}, ["done"]]
    caller.say(49, 1, {"mode": mode})
    caller.request = 1
    assert caller.is_served() and callee.is_served()
