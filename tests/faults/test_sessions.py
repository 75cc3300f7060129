"""Protocol state, between sessions: cases 41 to 48 of the catalogue.

What somebody does to a call, a subscription or a registration of somebody else. 44, CANCEL, comes
with call_canceling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.sessions import VIOLATION, Session

Connect = Callable[..., Session]

# ---- 41 and 42


def in_service(connect: Connect, dialect: str) -> tuple[Session, Session, int]:
    """Return a callee, a caller whose call waits, and INVOCATION.Request."""
    callee, caller = connect(dialect), connect(dialect)
    callee.register("faults.serve")
    caller.say(48, 1, {}, "faults.serve")
    return callee, caller, int(callee.hear()[1])


@pytest.mark.parametrize("code", [70, 8])
def test_41_a_forged_answer_does_not_reach_the_caller(
    connect: Connect, dialect: str, code: int
) -> None:
    callee, caller, invocation = in_service(connect, dialect)
    attacker = connect(dialect)
    forged = [70, invocation, {}, ["forged"]] if code == 70 else [8, 68, invocation, {}, "forged"]
    attacker.say(*forged)
    assert attacker.aborted() == VIOLATION
    callee.say(70, invocation, {}, ["true"])
    assert caller.hear() == [50, 1, {}, ["true"]]


def test_41_a_callee_cannot_answer_for_another_callee(connect: Connect, dialect: str) -> None:
    callee, caller, invocation = in_service(connect, dialect)
    attacker = connect(dialect)
    attacker.register("faults.mine")
    caller.say(48, 2, {}, "faults.mine")
    assert attacker.hear()[1] == invocation  # ids count for each callee alone
    attacker.say_all([70, invocation, {}, ["mine"]], [70, invocation, {}, ["forged"]])
    assert caller.hear() == [50, 2, {}, ["mine"]]
    callee.say(70, invocation, {}, ["true"])
    assert caller.hear() == [50, 1, {}, ["true"]]


@pytest.mark.parametrize("code", [70, 8])
def test_42_a_second_answer_is_ignored(connect: Connect, dialect: str, code: int) -> None:
    callee, caller, invocation = in_service(connect, dialect)
    late = [70, invocation, {}, ["late"]] if code == 70 else [8, 68, invocation, {}, "faults.late"]
    callee.say_all([70, invocation, {}, ["first"]], late)
    assert caller.hear() == [50, 1, {}, ["first"]]
    callee.request += 1
    assert callee.is_served()
    caller.request += 1
    assert caller.is_served()


def test_42_an_answer_for_a_caller_that_has_left_is_ignored(connect: Connect, dialect: str) -> None:
    callee, caller, invocation = in_service(connect, dialect)
    caller.leave()
    callee.say(70, invocation, {}, ["late"])
    assert callee.is_served()


# ---- 43


@pytest.mark.parametrize(("code", "error"), [(34, "subscription"), (66, "registration")])
def test_43_what_belongs_to_another_cannot_be_ended(
    connect: Connect, dialect: str, code: int, error: str
) -> None:
    owner, attacker = connect(dialect), connect(dialect)
    owned = owner.subscribe("faults.owned") if code == 34 else owner.register("faults.owned")
    answer = attacker.ask(code, owned)
    assert answer[4] == f"wamp.error.no_such_{error}"
    if code == 34:
        attacker.say(16, 2, {}, "faults.owned")
    else:
        attacker.say(48, 2, {}, "faults.owned")
    assert owner.hear()[:2] in ([36, owned], [68, 1])


# ---- 45 and 46


def test_45_messages_after_goodbye_are_ignored(connect: Connect, dialect: str) -> None:
    subscriber, attacker = connect(dialect), connect(dialect)
    subscriber.subscribe("faults.x")
    goodbye = [6, {}, "wamp.close.close_realm"]
    attacker.say_all(goodbye, [16, 1, {}, "faults.x"], goodbye, [99], [48, 2, {}, "faults.x"])
    assert attacker.hear() == [6, {}, "wamp.close.goodbye_and_out"]
    attacker.ended()
    assert subscriber.is_served()


@pytest.mark.parametrize("how", ["goodbye", "abort", "violation", "drop", "reset"])
def test_46_each_of_100_calls_is_answered_once_when_the_callee_leaves(
    connect: Connect, dialect: str, how: str
) -> None:
    callee, caller = connect(dialect), connect(dialect)
    callee.register("faults.serve")
    caller.say_all(*([48, request, {}, "faults.serve"] for request in range(1, 101)))
    assert [callee.hear()[1] for _ in range(100)] == list(range(1, 101))
    callee.say(70, 50, {}, ["in time"])
    assert caller.hear() == [50, 50, {}, ["in time"]]
    end(callee, how)
    answers = [caller.hear() for _ in range(99)]
    assert {answer[4] for answer in answers} == {"wamp.error.canceled"}
    assert {answer[2] for answer in answers} == set(range(1, 101)) - {50}
    caller.request = 100
    assert caller.is_served()
    assert caller.ask(48, {}, "faults.serve")[4] == "wamp.error.no_such_procedure"


def end(session: Session, how: str) -> None:
    if how == "goodbye":
        session.leave()
    elif how == "abort":
        session.say(3, {}, "faults.enough")
        session.ended()
    elif how == "violation":
        session.say(99)
        assert session.aborted() == VIOLATION
    elif how == "drop":
        session.close()
    else:
        session.transport.reset()


def test_46_a_goodbye_in_the_middle_of_its_own_100_calls_answers_none_of_them(
    connect: Connect, dialect: str
) -> None:
    callee, caller = connect(dialect), connect(dialect)
    callee.register("faults.serve")
    calls: list[list[Any]] = [[48, request, {}, "faults.serve"] for request in range(1, 101)]
    caller.say_all(*calls, [6, {}, "wamp.close.close_realm"])
    assert caller.hear() == [6, {}, "wamp.close.goodbye_and_out"]
    caller.ended()
    callee.say_all(*([70, callee.hear()[1], {}] for _ in calls))
    assert callee.is_served()


# ---- 47 and 48


def test_47_the_id_of_a_call_in_flight_is_its_own(connect: Connect, dialect: str) -> None:
    callee, caller, first = in_service(connect, dialect)
    caller.say(48, 1, {}, "faults.serve")
    text = "CALL.Request 1 belongs to a call in flight"
    assert caller.hear() == [3, {"message": text}, "wamp.error.protocol_violation"]
    callee.say(70, first, {}, ["late"])
    assert callee.is_served()


def test_48_a_repeated_subscribe_gets_the_same_id_and_one_event(
    connect: Connect, dialect: str
) -> None:
    subscriber, publisher = connect(dialect), connect(dialect)
    subscription = subscriber.subscribe("faults.twice")
    assert subscriber.subscribe("faults.twice") == subscription
    publisher.say(16, 1, {}, "faults.twice")
    assert subscriber.hear()[:2] == [36, subscription]
    assert subscriber.is_served()
    assert subscriber.ask(34, subscription) == [35, subscriber.request]
    assert subscriber.ask(34, subscription)[4] == "wamp.error.no_such_subscription"
