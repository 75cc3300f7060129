from __future__ import annotations

import time

import pytest

from tests.client.scripted import PATIENCE, soon
from wamplite.client.waiter import Waiter, fresh
from wamplite.core.errors import NoSuchProcedure, TransportLost
from wamplite.core.messages import Result


def test_an_answer_wakes_who_waits() -> None:
    waiter = Waiter("com.app.p")
    waiting = soon(waiter.wait, PATIENCE)
    waiter.settle(Result(1, {}))
    assert waiting.result()
    assert waiter.settled
    assert waiter.answer() == Result(1, {})


def test_an_answer_that_is_there_is_not_waited_for() -> None:
    waiter = Waiter("com.app.p")
    waiter.settle(Result(1, {}))
    assert waiter.wait(None)


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_waiting_ends_when_time_is_up(seconds: float) -> None:
    began = time.monotonic()
    assert not Waiter("com.app.p").wait(seconds)
    assert seconds <= time.monotonic() - began < PATIENCE


def test_the_exception_of_many_is_raised_anew_by_each() -> None:
    lost = TransportLost("gone")
    first, second = Waiter("com.app.p"), Waiter("com.app.p")
    for waiter in (first, second):
        waiter.settle(lost)
        with pytest.raises(TransportLost, match="gone") as raised:
            waiter.answer()
        assert raised.value is not lost


def test_an_error_is_one_waiters_own() -> None:
    error = NoSuchProcedure("wamp.error.no_such_procedure")
    assert fresh(error) is error
