"""uwamp.py on a board against a running router, over TCP and over a serial line."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.micro.conftest import Boards
from tests.processes import PATIENCE, RouterProcess, running_router
from tests.serial_cable import Cable

MANY = 1000
AHEAD = 16  # events that may be under way to the board: no more fits in its memory
HEAP = 24 * 1024

Start = Callable[..., RouterProcess]


@contextmanager
def watched(router: RouterProcess) -> Iterator[wamplite.Session]:
    """Give a session beside the board's, once the board serves."""
    with wamplite.connect(router.rs, realm="realm1") as session:
        await_board(session)
        yield session


def await_board(session: wamplite.Session) -> None:
    """Wait until the last of the board's wishes is fulfilled."""
    await_procedure(session, "com.test.figures")


def await_procedure(session: wamplite.Session, procedure: str, *args: object) -> None:
    """Call until the procedure is there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            session.call(procedure, *args, options={"timeout": 5})
            return
        except (wamplite.NoSuchProcedure, wamplite.CallTimeout):
            time.sleep(0.02)
    raise TimeoutError(f"the board does not serve {procedure}")


def call_it(session: wamplite.Session, number: int) -> None:
    for count in range(number):
        echo = session.call("com.test.echo", count, "é😀", on=[None, True, 1.5, {}])
        assert echo == [[count, "é😀"], {"on": [None, True, 1.5, {}]}]


def send_it_events(session: wamplite.Session, number: int) -> None:
    """Publish to the board, which sends each event back."""
    back: queue.Queue[int] = queue.Queue()
    session.subscribe("com.test.back", back.put)
    for count in range(number):
        session.publish("com.test.down", count)
        if count >= AHEAD:
            assert back.get(timeout=PATIENCE) == count - AHEAD
    for count in range(number - AHEAD, number):
        assert back.get(timeout=PATIENCE) == count


def let_it_work(session: wamplite.Session, number: int) -> None:
    """Have the board publish and call."""
    up: queue.Queue[tuple[int, str]] = queue.Queue()
    session.subscribe("com.test.up", lambda count, unit: up.put((count, unit)))
    session.register("com.test.add_one", lambda count: count + 1)
    session.publish("com.test.work", number)
    for count in range(number):
        assert up.get(timeout=PATIENCE) == (count, "C")
    figures = await_figures(session, lambda figures: figures["answered"] == number)
    assert figures["wrong"] == 0


def await_figures(
    session: wamplite.Session, enough: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while not enough(figures := session.call("com.test.figures")):
        assert time.monotonic() < deadline, f"still only {figures}"
        time.sleep(0.02)
    return figures


def do_all(session: wamplite.Session, number: int) -> None:
    call_it(session, number)
    with pytest.raises(wamplite.ApplicationError, match=r"wamp\.error\.runtime_error"):
        session.call("com.test.fail")
    send_it_events(session, number)
    let_it_work(session, number)


def test_a_thousand_events_and_calls_each_way_over_tcp(
    run_board: Boards, router_process: RouterProcess, request: pytest.FixtureRequest
) -> None:
    with run_board("RawSocket", str(router_process.port)) as board:
        with watched(router_process) as session:
            do_all(session, MANY)
        if "micropython" in request.node.name:
            assert 4096 < board.heap() < HEAP


def test_it_comes_back_to_a_restarted_router(run_board: Boards) -> None:
    with ExitStack() as stack:
        with running_router() as router:
            port = router.port
            board = stack.enter_context(run_board("RawSocket", str(port)))
            with watched(router) as session:
                do_all(session, 40)
        with running_router(listen=[f"tcp://127.0.0.1:{port}"]) as router:
            with watched(router) as session:
                do_all(session, 40)
            assert board.process.poll() is None


def test_a_thousand_events_and_calls_each_way_over_a_serial_line(
    run_board: Boards, start_router: Start, cable: Cable, request: pytest.FixtureRequest
) -> None:
    router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
    with run_board("Serial", cable.device) as board:
        with watched(router) as session:
            do_all(session, MANY)
        if "micropython" in request.node.name:
            assert 4096 < board.heap() < HEAP


def test_a_router_that_restarts_on_the_line_has_it_back_within_five_seconds(
    run_board: Boards, cable: Cable
) -> None:
    listen = ["tcp://127.0.0.1:0", cable.host_url]
    with ExitStack() as stack:
        with running_router(listen=listen) as router:
            stack.enter_context(run_board("Serial", cable.device))
            with watched(router) as session:
                do_all(session, 40)
            router.process.kill()
            router.process.wait()
            router.process.returncode = 0  # as it was meant
        with running_router(listen=listen) as router:
            began = time.monotonic()
            with watched(router) as session:
                assert time.monotonic() - began < 5
                do_all(session, 40)


def test_over_a_line_that_damages_bytes_an_answer_is_right_or_late(
    run_board: Boards, start_router: Start, tmp_path: Path
) -> None:
    with Cable(tmp_path, error_rate=1e-3) as cable:
        router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
        with run_board("Serial", cable.device), watched(router) as session:
            right = sum(answers(session, count) for count in range(100))
            cable.error_rate = 0.0
            await_board(session)
            call_it(session, 10)
        assert cable.errors > 10
        assert 30 < right < 100


def answers(session: wamplite.Session, number: int) -> bool:
    """Call the board; False where there was no answer, never a wrong one."""
    try:
        echo = session.call("com.test.echo", number, "x" * 50, options={"timeout": 0.3})
    except wamplite.CallTimeout:
        return False
    except (wamplite.NoSuchProcedure, wamplite.Canceled):  # the board has begun a new session:
        await_board(session)  # what it waited for, or an INVOCATION's REGISTERED, was lost
        return False
    assert echo == [[number, "x" * 50], {}]
    return True
