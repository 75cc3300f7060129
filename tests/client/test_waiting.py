from __future__ import annotations

import threading
import time

import pytest

from tests.client.scripted import PATIENCE, soon
from wamplite.client import waiting as module
from wamplite.client.waiting import Turn, WaitingRequest, fresh
from wamplite.core.errors import NoSuchProcedure, TransportLost
from wamplite.core.messages import Result


def busy() -> bool:
    return False


def idle() -> bool:
    return True


def resting(turn: Turn) -> Turn:
    """Return a turn whose reading thread will rest: a caller came while it had the turn."""
    with turn.reading():
        assert soon(turn.try_read).result() is None
    return turn


def read(turn: Turn) -> None:
    """Have the turn once, as the reading thread."""
    with turn.reading():
        pass


def test_one_reads_at_a_time() -> None:
    turn = Turn(idle)
    held = turn.try_read()
    assert held is not None
    with held:
        assert soon(turn.try_read).result() is None
    assert soon(lambda: (turn.try_read(), turn.hand_back())).result()[0] is not None


def test_who_does_not_have_the_turn_hands_nothing_back() -> None:
    turn = Turn(idle)
    turn.hand_back()
    assert turn.try_read()
    soon(turn.hand_back).result()
    assert soon(turn.try_read).result() is None
    turn.hand_back()
    assert soon(lambda: (turn.try_read(), turn.hand_back())).result()[0]


def test_a_rest_ends_when_nobody_comes() -> None:
    began = time.monotonic()
    read(resting(Turn(idle)))
    assert time.monotonic() - began < PATIENCE


def test_a_rest_goes_on_while_callers_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.05)
    turn = resting(Turn(idle))
    reading = soon(read, turn)
    until = time.monotonic() + 4 * module.REST
    while time.monotonic() < until:
        held = turn.try_read()
        assert held is not None
        with held:
            pass
    assert reading.is_waiting
    reading.result()


def test_a_rest_ends_at_once_when_the_reader_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REST", PATIENCE)
    turn = resting(Turn(idle))
    reading = soon(read, turn)
    began = time.monotonic()
    turn.want_reader()
    turn.want_reader()
    reading.result()
    assert time.monotonic() - began < PATIENCE / 2


def test_the_reading_thread_rests_only_where_a_caller_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REST", PATIENCE)
    turn = Turn(idle)
    with turn.reading():
        assert soon(turn.try_read).result() is None
    began = time.monotonic()
    turn.want_reader()  # it would rest now
    with turn.reading():
        pass
    with turn.reading():  # nobody has come since
        pass
    assert time.monotonic() - began < PATIENCE / 2


def test_the_reading_thread_does_not_rest_where_somebody_depends_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REST", PATIENCE)
    turn = Turn(busy)
    with turn.reading():
        assert soon(turn.try_read).result() is None
    began = time.monotonic()
    with turn.reading():
        pass
    assert time.monotonic() - began < PATIENCE / 2


def test_turns_are_taken_from_many_threads() -> None:
    turn, inside, most = Turn(idle), [0], [0]
    guard = threading.Lock()

    def take() -> None:
        for _ in range(200):
            held = turn.try_read()
            if held is not None:
                with held:
                    with guard:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    with guard:
                        inside[0] -= 1

    for later in [soon(take) for _ in range(8)]:
        later.result()
    assert most == [1]


def test_an_answer_wakes_who_waits() -> None:
    waiter = WaitingRequest("com.app.p")
    waiting = soon(waiter.wait, PATIENCE)
    waiter.settle(Result(1, {}))
    assert waiting.result()
    assert waiter.settled
    assert waiter.answer() == Result(1, {})


def test_the_first_answer_counts() -> None:
    waiter = WaitingRequest("com.app.p")
    waiter.settle(Result(1, {}))
    waiter.settle(TransportLost("gone"))
    assert waiter.wait(None) and waiter.answer() == Result(1, {})
    waiter.settle(TransportLost("gone"))


def test_an_answer_whose_settling_was_interrupted_wakes_who_waits_at_the_end() -> None:
    waiter = WaitingRequest("com.app.p")
    waiting = soon(waiter.wait, PATIENCE)
    waiter.settled = True  # and there Ctrl-C came
    waiter.settle(TransportLost("gone"))
    assert waiting.result()


def test_an_answer_that_is_there_is_not_waited_for() -> None:
    waiter = WaitingRequest("com.app.p")
    waiter.settle(Result(1, {}))
    assert waiter.wait(None)


def test_more_seconds_than_the_system_can_wait_are_as_many_as_it_can() -> None:
    waiter = WaitingRequest("com.app.p")
    waiter.settle(Result(1, {}))
    assert waiter.wait(1e12)


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_waiting_ends_when_time_is_up(seconds: float) -> None:
    began = time.monotonic()
    assert not WaitingRequest("com.app.p").wait(seconds)
    assert seconds <= time.monotonic() - began < PATIENCE


def test_the_exception_of_many_is_raised_anew_by_each() -> None:
    lost = TransportLost("gone")
    first, second = WaitingRequest("com.app.p"), WaitingRequest("com.app.p")
    for waiter in (first, second):
        waiter.settle(lost)
        with pytest.raises(TransportLost, match="gone") as raised:
            waiter.answer()
        assert raised.value is not lost


def test_an_error_is_one_waiters_own() -> None:
    error = NoSuchProcedure("wamp.error.no_such_procedure")
    assert fresh(error) is error
