"""What several threads share, hammered while they take turns at every line of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, inside, soon
from tests.waiting import until
from wamplite.client.faults import LINES, Faults
from wamplite.client.lasting import Lasting, LastingRegistration
from wamplite.client.workers import OneByOne, Pool

pytestmark = pytest.mark.usefixtures("hurried", "at_every_line")
CROWD, MANY = 4, 100
PACKAGE = Path(wamplite.__file__).parent
SHARING = ["limit.py", "core/pending.py", "core/conversation.py"]
SHARING += [f"client/{name}.py" for name in ("faults", "lasting", "shared_conversation", "workers")]


@pytest.fixture
def at_every_line() -> Iterator[None]:
    """Let another thread go on at each line of the files that share something."""
    files = {str(PACKAGE / name) for name in SHARING}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        time.sleep(1e-6)  # for nothing but that others run: 0 would often come back at once
        return trace

    before = threading.gettrace()
    threading.settrace(trace)  # type: ignore[arg-type]
    yield
    threading.settrace(before)  # type: ignore[arg-type]


def together(verb: Callable[[int], None]) -> None:
    """Run a verb on several threads that begin at once; raise what any of them raises."""
    start = threading.Barrier(CROWD)

    def begin(number: int) -> None:
        start.wait(PATIENCE)
        verb(number)

    for later in [soon(begin, number) for number in range(CROWD)]:
        later.result()


def test_each_job_of_a_pool_runs_once_though_its_threads_come_and_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wamplite.client.workers.IDLE", 0.0002)
    pool, done = Pool("wamplite-call-1", 3), []

    def submit(number: int) -> None:
        for job in range(MANY):
            until(lambda job=job: pool.submit(lambda: done.append((number, job))))

    together(submit)
    until(lambda: len(done) == CROWD * MANY, "all have run")
    assert len(set(done)) == CROWD * MANY
    assert len(pool.running()) <= 3
    pool.end()
    until(lambda: not pool.running(), "its threads have ended")


def test_a_pool_that_ends_leaves_no_thread_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wamplite.client.workers.IDLE", 10 * PATIENCE)
    for steps in range(2 * MANY):
        pool, done = Pool("wamplite-call-1", 1), []

        def end(pool: Pool = pool, done: list[int] = done, steps: int = steps % 20) -> None:
            while not done:
                time.sleep(1e-6)  # sooner than it could be woken
            for _ in range(steps):
                time.sleep(1e-6)
            pool.end()

        ending = soon(end)
        assert pool.submit(lambda done=done: done.append(1))
        ending.result()
        for thread in pool.running():
            thread.join(PATIENCE)
        assert not pool.running()


def test_one_by_one_nothing_is_lost_where_the_thread_ends_as_a_job_comes() -> None:
    pool = Pool("wamplite-call-1", 2)
    in_turn, order, at_a_time = OneByOne(pool), [], [0]

    def job(number: int) -> None:
        at_a_time[0] += 1
        assert at_a_time[0] == 1
        order.append(number)
        at_a_time[0] -= 1

    for number in range(3 * MANY):
        assert in_turn.submit(lambda number=number: job(number))
        if number % 3 == 0:
            until(lambda number=number: len(order) == number + 1, "it has run")
    until(lambda: len(order) == 3 * MANY, "all have run")
    assert order == list(range(3 * MANY))
    pool.end()
    until(lambda: not pool.running(), "its threads have ended")


def test_faults_are_told_so_often_and_all_others_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = Faults()

    def fail(number: int) -> None:
        for _ in range(MANY):
            faults.tell("ERROR", "EVENT of com.app.t", "handler", ValueError("x"), traceback=True)

    together(fail)
    faults.end()
    told = [record for record in caplog.records if "handler raised" in record.getMessage()]
    assert len(told) == LINES
    assert [record.exc_info is not None for record in told].count(True) == 1
    left_out = CROWD * MANY - LINES
    assert caplog.messages[-1] == f"{left_out} lines about exceptions of handlers were left out"


class Granting:
    """Stands where a session does, and grants what is asked for."""

    def __init__(self) -> None:
        self.standing: list[Any] = []
        self.asked = threading.Event()

    def register(self, procedure: str, handler: Any, options: Any = None) -> Any:
        self.standing.append(self)
        self.asked.set()
        return self

    def unregister(self) -> None:
        self.standing.remove(self)


def test_what_is_given_up_while_it_is_asked_for_does_not_stay() -> None:
    for _ in range(3 * MANY):
        session = Granting()
        lasting: Lasting[Any] = LastingRegistration("com.app.p", print, None, None)

        def give_up(session: Granting = session, lasting: Lasting[Any] = lasting) -> None:
            assert session.asked.wait(PATIENCE)
            lasting.give_up()

        giving_up, asking = soon(give_up), soon(lasting.ask, session)
        asking.result()
        giving_up.result()
        assert not session.standing and not lasting.active


def test_calls_that_are_given_up_leave_those_of_others_alone() -> None:
    with wamplite.Router() as router:
        url = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(url) as callee, wamplite.connect(url) as session:
            callee.register("com.app.echo", lambda value: value)

            def call(number: int) -> None:
                for count in range(MANY // 3):
                    value = [number, count]
                    options = {"timeout": 0.0005 if (number + count) % 2 else PATIENCE}
                    try:
                        assert session.call("com.app.echo", value, options=options) == value
                    except (wamplite.CallTimeout, wamplite.Canceled):
                        assert options["timeout"] != PATIENCE

            together(call)
            assert session.error is None
            until(lambda: not inside(session).conversation.pending)  # settled, then dropped
