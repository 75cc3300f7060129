"""Calls in the router's own name; what a feature does with them stands in test_doorways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.core.world import YIELD, World, only, take
from wamplite.core.messages import Call, Result
from wamplite.core.own_calls import Answered, OwnCalls


def a_world() -> tuple[World, Any, list[Answered]]:
    """Return a world with a callee of com.app.p, and a list for the answers."""
    world = World()
    callee = world.join()
    world.register(callee, "com.app.p")
    return world, callee, []


def test_an_answer_that_was_taken_is_the_result_that_moments_are_told() -> None:
    world, callee, answers = a_world()
    told: list[Any] = []
    world.realm.dealer.settled.append(lambda caller, pending, answer: told.append(answer))
    world.realm.call("com.app.p", answers.append)
    world.send(callee, [YIELD, 1, {}, [5]])
    assert [type(answer) for answer in told] == [Result]
    world.time.tick()
    assert answers == told


def test_each_answer_goes_to_who_asked() -> None:
    world, callee, _ = a_world()
    first: list[Answered] = []
    second: list[Answered] = []
    world.realm.call("com.app.p", first.append)
    world.realm.call("com.app.p", second.append)
    world.send(callee, [YIELD, 2, {}, ["second"]], [YIELD, 1, {}, ["first"]])
    world.time.tick()
    assert [answer.args for answer in first + second] == [["first"], ["second"]]


def test_an_answer_that_comes_after_the_time_is_dropped() -> None:
    world, _, answers = a_world()
    asked: list[tuple[Any, Call]] = []
    world.realm.procedures["wamp.app.slow"] = lambda caller, call: asked.append((caller, call))
    world.realm.call("wamp.app.slow", answers.append, seconds=3)
    world.time.tick(3)
    ((caller, call),) = asked
    assert caller.post(Result(call.request, {}))
    world.time.tick()
    assert [answer.error for answer in answers if not isinstance(answer, Result)] == [
        "wamp.error.timeout"
    ]
    assert len(answers) == 1


@pytest.mark.parametrize("seconds", [1, 30])
def test_a_clock_that_strikes_as_the_answer_comes_gives_nothing_up(seconds: float) -> None:
    world, callee, answers = a_world()
    timers: list[tuple[float, Callable[[], None]]] = []

    def later(after: float, run: Callable[[], None]) -> Callable[[], None]:
        timers.append((after, run))
        return lambda: None  # it was due already: nothing can be canceled

    calls = OwnCalls(world.realm.handle, world.realm.dealer, later)
    calls.call("com.app.p", answers.append, None, None, seconds)
    assert only(callee)[:2] == ["INVOCATION", 1]
    world.send(callee, [YIELD, 1, {}, [5]])
    for _, run in timers:
        run()
    assert [after for after, _ in timers] == [seconds, 0]
    assert [answer.args for answer in answers] == [[5]] and take(callee) == []
