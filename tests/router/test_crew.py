"""The threads of connections, and what they do between two of them."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from tests.waiting import until
from wamplite.router.crew import Crew, serve
from wamplite.router.waits import BLOCKING, RECEIVE, Flow, Wait

STACK = 256 * 1024


class Life:
    """A connection whose life is told."""

    name = "somebody"

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        self.threads: list[threading.Thread] = []
        self.concluded = threading.Event()

    def flow(self) -> Flow:
        for step in self.steps:
            self.threads.append(threading.current_thread())
            if callable(step):
                step()
            else:
                yield step

    def conclude(self) -> None:
        self.concluded.set()


Make = Callable[..., Crew]


@pytest.fixture
def make() -> Iterator[Make]:
    """Give `make(take_over)`: a crew; each is closed at the end."""
    made: list[Crew] = []

    def begin(take_over: Callable[..., bool] = lambda *_: False) -> Crew:
        made.append(Crew(take_over))
        return made[-1]

    yield begin
    for crew in made:
        crew.close(20)


def take(crew: Crew, life: Any, stack: int = STACK) -> bool:
    return crew.take(life, life.flow(), stack)


def test_a_thread_takes_all_steps_and_is_kept_for_the_next(make: Make) -> None:
    crew, lives = make(), [Life(RECEIVE, BLOCKING), Life(RECEIVE)]
    for life in lives:
        assert take(crew, life)
        assert life.concluded.wait(20)
        thread = life.threads[0]
        assert set(life.threads) == {thread} and crew.has(thread)
    assert not crew.has(threading.current_thread())
    assert thread.name.startswith("wamplite-conn-")
    until(lambda: not thread.is_alive())  # nobody came


def test_those_at_the_same_time_have_a_thread_each(make: Make) -> None:
    crew, go = make(), threading.Event()
    lives = [Life(RECEIVE, lambda: go.wait(20)) for _ in range(3)]
    assert all(take(crew, life) for life in lives)
    until(lambda: all(len(life.threads) == 2 for life in lives))
    assert len({life.threads[0] for life in lives}) == 3
    go.set()


def test_a_fault_ends_that_life_alone(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    crew, life, next_one = make(), Life(lambda: 1 / 0), Life(RECEIVE)
    assert take(crew, life) and life.concluded.wait(20)
    assert take(crew, next_one) and next_one.concluded.wait(20)
    assert "ZeroDivisionError" in caplog.text and "somebody" in caplog.text


def test_a_fault_at_the_end_leaves_the_thread(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    crew, life, next_one = make(), Life(RECEIVE), Life(RECEIVE)

    def conclude() -> None:
        raise ZeroDivisionError("a bug")

    life.conclude = conclude  # type: ignore[method-assign]
    assert take(crew, life)
    until(lambda: "a bug" in caplog.text)
    assert take(crew, next_one) and next_one.concluded.wait(20)


def test_a_life_is_given_back_where_somebody_else_reads_for_it(make: Make) -> None:
    given: list[Any] = []

    def take_over(life: Any, flow: Flow, wait: Wait) -> bool:
        given.append((life, flow, wait))
        return len(given) == 2

    crew, life = make(take_over), Life(BLOCKING, RECEIVE, RECEIVE, RECEIVE)
    assert take(crew, life)
    until(lambda: len(given) == 2)
    assert given[1][0] is life and given[1][2] is RECEIVE
    assert len(list(given[1][1])) == 1 and not life.concluded.is_set()


def test_a_fault_of_who_would_take_it_over_leaves_it_where_it_is(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def take_over(*life: Any) -> bool:
        raise MemoryError("no room")

    crew, life = make(take_over), Life(RECEIVE, RECEIVE)
    assert take(crew, life) and life.concluded.wait(20)
    assert len(life.threads) == 2 and "no room" in caplog.text


def test_where_no_thread_can_be_had_that_is_told(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    crew, life = make(), Life(RECEIVE)
    assert not take(crew, life, 2**46)
    assert "somebody: no thread for the connection" in caplog.text and not life.threads


def test_it_ends_with_those_that_rest_and_after_those_that_work(make: Make) -> None:
    crew, go = make(), threading.Event()
    resting, working = Life(RECEIVE), Life(lambda: go.wait(20))
    assert take(crew, working)
    until(lambda: working.threads)
    assert take(crew, resting) and resting.concluded.wait(20)
    crew.close(0.01)
    until(lambda: not resting.threads[0].is_alive())
    assert working.threads[0].is_alive()
    go.set()
    until(lambda: not working.threads[0].is_alive())


@pytest.mark.parametrize("line", range(1, 5))
def test_a_thread_that_begins_to_rest_while_it_closes_ends_soon(
    make: Make, monkeypatch: pytest.MonkeyPatch, line: int
) -> None:
    monkeypatch.setattr("wamplite.router.crew.IDLE", 60.0)
    crew, lines = make(), itertools.count(1)
    closing = threading.Thread(target=crew.close, args=(20,))

    def enter(frame: FrameType, event: str, _: Any) -> Any:
        return close_at_the_line if frame.f_code.co_name == "_rest" else None

    def close_at_the_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and next(lines) == line:
            closing.start()
            closing.join(0.05)  # it may wait for this thread, or for what that holds
        return close_at_the_line

    life = Life(lambda: sys.settrace(enter), RECEIVE)
    assert take(crew, life) and life.concluded.wait(20)
    until(lambda: not life.threads[0].is_alive())
    closing.join(20)


def test_a_life_can_be_served_by_whoever_wants() -> None:
    life = Life(RECEIVE, BLOCKING)
    serve(life)  # type: ignore[arg-type]
    assert set(life.threads) == {threading.current_thread()} and life.concluded.is_set()
