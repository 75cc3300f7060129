"""A user's handler blocks, raises or calls back: item 86 of the catalogue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

import wamplite
from tests.faults.sessions import Stopwatch
from tests.processes import RouterProcess
from tests.waiting import until


@pytest.fixture
def session(router: RouterProcess) -> Iterator[wamplite.Session]:
    with wamplite.connect(router.ws) as session:
        yield session


@pytest.fixture
def other(router: RouterProcess) -> Iterator[wamplite.Session]:
    with wamplite.connect(router.rs, timeout=10) as session:
        yield session


def test_86_a_handler_that_blocks_keeps_back_its_own_sessions_events_alone(
    session: wamplite.Session, other: wamplite.Session
) -> None:
    gate, came = threading.Event(), [0, 0]

    def blocks(number: int) -> None:
        gate.wait(20)
        came[0] += 1

    session.subscribe("faults.handlers", blocks)
    session.register("faults.quick", lambda: "here")
    other.subscribe("faults.handlers", lambda _: came.__setitem__(1, came[1] + 1))
    for number in range(50):
        other.publish("faults.handlers", number, options={"exclude_me": False})
    until(lambda: came[1] == 50)
    assert came[0] == 0
    assert other.call("faults.quick") == "here", "its procedures wait"
    assert session.call("faults.quick") == "here", "its own calls wait"
    gate.set()
    until(lambda: came[0] == 50)


def test_86_procedures_that_block_leave_room_for_others(
    session: wamplite.Session, other: wamplite.Session
) -> None:
    gate = threading.Event()
    session.register("faults.blocks", lambda: gate.wait(20))
    session.register("faults.quick", lambda: "here")
    waiting = [threading.Thread(target=other.call, args=("faults.blocks",)) for _ in range(10)]
    for thread in waiting:
        thread.start()
    watch = Stopwatch()
    assert other.call("faults.quick") == "here" and watch.seconds < 2
    gate.set()
    for thread in waiting:
        thread.join(20)


def test_86_a_handler_that_raises_is_logged_and_answered(
    session: wamplite.Session, other: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[int] = []

    def raises(number: int) -> None:
        came.append(number)
        raise ZeroDivisionError(f"bug {number}")

    session.subscribe("faults.handlers", raises)
    session.register("faults.raises", raises)
    session.register("faults.nothing_of_it", lambda: None)
    with caplog.at_level(logging.ERROR):
        for number in range(3):
            other.publish("faults.handlers", number, options={"acknowledge": True})
        with pytest.raises(wamplite.ApplicationError) as refused:
            other.call("faults.raises", 3)
        until(lambda: sorted(came) == [0, 1, 2, 3])
    assert refused.value.error == "wamp.error.runtime_error"
    assert "Traceback" not in str(refused.value), "the trace of a callee is its own"
    assert "faults.handlers" in caplog.text and "faults.raises" in caplog.text
    assert session.call("faults.nothing_of_it") is None and other.call("wamp.session.count") >= 2


def test_86_a_handler_may_call_back_to_any_depth(
    session: wamplite.Session, other: wamplite.Session
) -> None:
    def count(number: int) -> int:
        return 0 if number == 0 else 1 + int(session.call("faults.count", number - 1))

    session.register("faults.count", count)
    assert other.call("faults.count", 8) == 8
    heard: list[int] = []

    def asks(number: int) -> None:
        heard.append(session.call("faults.count", number))
        session.publish("faults.answer", number, options={"acknowledge": True})

    session.subscribe("faults.asks", asks)
    answers: list[int] = []
    other.subscribe("faults.answer", answers.append)
    for number in range(5):
        other.publish("faults.asks", number, options={"acknowledge": True})
    until(lambda: answers == list(range(5)))
    assert heard == list(range(5))
