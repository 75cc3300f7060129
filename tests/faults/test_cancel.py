"""CANCEL of a call that there is not: item 44 of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.sessions import Session

Connect = Callable[..., Session]
MODES = ["skip", "kill", "killnowait"]


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
