"""What is waited for, in a thread and by being told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from wamplite.router.waits import BLOCKING, RECEIVE, ArrivalTurn, Handled, Pause

PATIENCE = 20.0


def never(seconds: float, run: Callable[[], None]) -> None:
    raise AssertionError("it has no time to wait for")


class Told:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.mark.parametrize("wait", [BLOCKING, RECEIVE])
def test_what_needs_no_waiting_is_over_at_once(wait: Any) -> None:
    told = Told()
    wait.block()
    wait.then(told, never)
    assert wait.is_over and told.times == 1


def test_a_turn_is_taken_until_what_was_brought_is_handled() -> None:
    turn, told = ArrivalTurn(), Told()
    assert turn.receives and turn.is_over
    turn.take()
    assert not turn.is_over
    turn.block()  # what blocks is the receive that follows
    turn.then(told, never)
    assert told.times == 0
    turn.release()
    assert turn.is_over and told.times == 1
    turn.take()
    turn.release()
    assert told.times == 1  # who is told asks again


def test_whoever_asks_once_it_is_handled_is_told_at_once() -> None:
    turn, told = ArrivalTurn(), Told()
    Handled(turn).then(told, never)
    assert told.times == 1


def test_a_thread_waits_until_it_is_handled() -> None:
    turn, order = ArrivalTurn(), []
    turn.take()

    def wait() -> None:
        Handled(turn).block()
        order.append("waited")

    thread = threading.Thread(target=wait)
    thread.start()
    order.append("handled")
    turn.release()
    thread.join(PATIENCE)
    assert order == ["handled", "waited"]
    turn.take()  # it is free
    assert not Handled(turn).is_over


def test_a_pause_takes_its_time() -> None:
    asked: list[float] = []
    pause, told = Pause(0.05), Told()
    assert not pause.is_over and not pause.receives
    pause.then(told, lambda seconds, run: asked.append(seconds))
    assert told.times == 0 and 0 < asked[0] <= 0.05
    begun = time.monotonic()
    pause.block()
    assert pause.is_over and time.monotonic() - begun < PATIENCE
