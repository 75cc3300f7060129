"""Boards against a running router, over TCP, within TLS and over a serial line.

Each runs uwamp_link.py with the rest, in a process of CPython or of real MicroPython.
"""

from __future__ import annotations

import queue
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.micro.conftest import Boards
from tests.processes import PATIENCE, Program, RouterProcess, running_router
from tests.serial_cable import Cable
from tests.transports.streams import Certificate, make_certificate

MANY = 1000
FEW = 40
AHEAD = 16  # events that may be under way to the board: no more fits in its memory
ACKNOWLEDGED = 10  # one of so many of the board's events, see board.py

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
        except (wamplite.NoSuchProcedure, wamplite.CallTimeout, wamplite.Canceled):
            time.sleep(0.02)
    raise TimeoutError(f"the board does not serve {procedure}")


def await_line(board: Program, wanted: str) -> None:
    """Read what the board prints, errors among it, up to a line."""
    printed = []
    while (line := board.line()) != wanted:
        printed.append(line)
        assert line, f"the board has ended: {printed} {board.stderr()}"


def call_it(session: wamplite.Session, number: int) -> None:
    for count in range(number):
        echo = session.call("com.test.echo", count, "é😀", b"\0\xff", on=[None, True, 1.5, {}])
        assert echo == [[count, "é😀", b"\0\xff"], {"on": [None, True, 1.5, {}]}]


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
    assert (figures["wrong"], figures["acknowledged"]) == (0, number // ACKNOWLEDGED)


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


def ask_for_topics(session: wamplite.Session) -> None:
    """Have the board, which subscribes to a prefix, tell the topic of an event."""
    back: queue.Queue[list[Any]] = queue.Queue()
    subscription = session.subscribe("com.test.back", lambda *args: back.put(list(args)))
    session.publish("com.test.all.doors", "open")
    assert back.get(timeout=PATIENCE) == ["com.test.all.doors", "open"]
    subscription.unsubscribe()


def do_everything(session: wamplite.Session, number: int) -> None:
    ask_for_topics(session)
    do_all(session, number)


@pytest.mark.sampled
@pytest.mark.parametrize(("style", "number"), [("run", MANY), ("serve", 300)])
def test_hundreds_of_events_and_calls_each_way_over_tcp(
    run_board: Boards, router_process: RouterProcess, style: str, number: int
) -> None:
    with (
        run_board("tcp", str(router_process.port), style=style),
        watched(router_process) as session,
    ):
        do_everything(session, number)


@pytest.mark.sampled
@pytest.mark.parametrize("style", ["run", "serve"])
def test_it_leaves_with_goodbye(
    run_board: Boards, router_process: RouterProcess, style: str
) -> None:
    with run_board("tcp", str(router_process.port), style=style) as board:
        with watched(router_process) as session:
            session.publish("com.test.leave")
            await_line(board, "left")
        assert board.wait() == 0
    router_process.await_stderr("it said GOODBYE, wamp.close.close_realm", 2)


@pytest.mark.sampled
@pytest.mark.parametrize("style", ["run", "serve"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_comes_back_to_a_router_that_was_ended(
    run_board: Boards, style: str, number: signal.Signals
) -> None:
    with ExitStack() as stack:
        with running_router() as router:
            port = router.port
            board = stack.enter_context(run_board("tcp", str(port), style=style))
            with watched(router) as session:
                do_everything(session, FEW)
            end(router, number)
        with running_router(listen=[f"tcp://127.0.0.1:{port}"]) as router:
            with watched(router) as session:
                do_everything(session, FEW)
            assert board.process.poll() is None


def end(router: RouterProcess, number: signal.Signals) -> None:
    """End a router on purpose."""
    router.process.send_signal(number)
    router.process.wait(PATIENCE)
    router.process.returncode = 0


@pytest.mark.sampled
@pytest.mark.parametrize("style", ["run", "serve"])
def test_within_tls(
    run_board: Boards, start_router: Start, certificate: Certificate, tmp_path: Path, style: str
) -> None:
    router, trusted = start_within_tls(start_router, certificate, tmp_path)
    words = ("tls", str(router.port), str(trusted))
    with run_board(*words, style=style) as board:
        with watched_within_tls(router, certificate) as session:
            do_everything(session, 100)
            session.publish("com.test.leave")
        await_line(board, "left")


def test_a_router_of_another_certificate_is_not_joined(
    run_board: Boards, start_router: Start, certificate: Certificate, tmp_path: Path
) -> None:
    router, _ = start_within_tls(start_router, certificate, tmp_path)
    other = tmp_path / "other.der"
    other.write_bytes(in_der(make_certificate(tmp_path).cert))
    with run_board("tls", str(router.port), str(other)) as board:
        tries = 0
        while tries < 3:
            line = board.line()  # MicroPython prints an empty one, too
            assert line or board.process.poll() is None, board.stderr()
            tries += line.startswith("lost: ")
    assert "joins realm1" not in router.stderr()


def start_within_tls(
    start_router: Start, certificate: Certificate, folder: Path
) -> tuple[RouterProcess, Path]:
    options = ("--cert", certificate.cert, "--key", certificate.key)
    router = start_router(*options, listen=["tls://127.0.0.1:0"])
    trusted = folder / "trusted.der"
    trusted.write_bytes(in_der(certificate.cert))
    return router, trusted


def in_der(path: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(path).read_text())


@contextmanager
def watched_within_tls(
    router: RouterProcess, certificate: Certificate
) -> Iterator[wamplite.Session]:
    url = f"rss://localhost:{router.port}"
    with wamplite.connect(url, realm="realm1", ca=certificate.cert) as session:
        await_board(session)
        yield session


def test_a_board_that_reboots_in_the_middle_serves_again_over_tcp(
    run_board: Boards, router_process: RouterProcess
) -> None:
    reboot_in_the_middle(run_board, router_process, "tcp", str(router_process.port))


def test_a_board_that_reboots_in_the_middle_serves_again_over_a_serial_line(
    run_board: Boards, start_router: Start, cable: Cable
) -> None:
    router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
    reboot_in_the_middle(run_board, router, "line", cable.device)


def reboot_in_the_middle(run_board: Boards, router: RouterProcess, *words: str) -> None:
    """End a board's process without a word while it publishes and calls; start it anew."""
    with wamplite.connect(router.rs, realm="realm1") as session:
        session.register("com.test.add_one", lambda count: count + 1)
        up: queue.Queue[int] = queue.Queue()
        session.subscribe("com.test.up", lambda count, unit: up.put(count))
        with run_board(*words) as board:
            await_board(session)
            session.publish("com.test.work", 1_000_000)
            for count in range(20):
                assert up.get(timeout=PATIENCE) == count
            board.process.kill()
    with run_board(*words), watched(router) as session:
        do_everything(session, FEW)


def test_a_router_that_hangs_is_given_up_and_another_found(run_board: Boards) -> None:
    """The router's host takes connections and bytes, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        port = server.getsockname()[1]
        board = stack.enter_context(run_board("tcp", str(port)))
        stack.enter_context(server.accept()[0])
        await_line(board, "lost: silence")
        server.close()
        router = stack.enter_context(running_router(listen=[f"tcp://127.0.0.1:{port}"]))
        call_it(stack.enter_context(watched(router)), FEW)


@pytest.mark.long
def test_a_thousand_events_and_calls_each_way_over_a_serial_line(
    run_board: Boards, start_router: Start, cable: Cable
) -> None:
    router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
    with run_board("line", cable.device), watched(router) as session:
        do_everything(session, MANY)


def test_it_leaves_a_serial_line_with_goodbye(
    run_board: Boards, start_router: Start, cable: Cable
) -> None:
    router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
    with run_board("line", cable.device) as board, watched(router) as session:
        session.publish("com.test.leave")
        await_line(board, "left")
        with pytest.raises(wamplite.NoSuchProcedure):
            session.call("com.test.figures")


def test_a_router_that_restarts_on_the_line_has_it_back_within_five_seconds(
    run_board: Boards, cable: Cable
) -> None:
    listen = ["tcp://127.0.0.1:0", cable.host_url]
    with ExitStack() as stack:
        with running_router(listen=listen) as router:
            stack.enter_context(run_board("line", cable.device))
            with watched(router) as session:
                do_everything(session, FEW)
            end(router, signal.SIGKILL)
        with running_router(listen=listen) as router:
            began = time.monotonic()
            with watched(router) as session:
                assert time.monotonic() - began < 5
                do_everything(session, FEW)


def test_over_a_line_that_damages_bytes_an_answer_is_right_or_late(
    run_board: Boards, start_router: Start, tmp_path: Path
) -> None:
    with Cable(tmp_path, error_rate=1e-3) as cable:
        router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
        with run_board("line", cable.device), watched(router) as session:
            right = sum(answers(session, count) for count in range(100))
            cable.error_rate = 0.0
            await_answers(session, 20)
        assert cable.errors > 10
        assert 30 < right < 100


def await_answers(session: wamplite.Session, number: int) -> None:
    """Call until so many answers in a row have come: what damage cost is made good by then."""
    deadline = time.monotonic() + 2 * PATIENCE
    right = 0
    while right < number:
        right = right + 1 if answers(session, right) else 0
        assert time.monotonic() < deadline, f"no {number} answers in a row"


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
