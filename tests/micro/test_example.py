"""The example of a board, and the programs of the documentation, against a real router."""

from __future__ import annotations

import os
import queue
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import wamplite
from tests.micro.conftest import HERE
from tests.micro.test_boards import await_procedure, end
from tests.processes import PATIENCE, ROOT, Program, RouterProcess, running, running_router
from tests.serial_cable import Cable

EXAMPLE = ROOT / "examples" / "micropython_board.py"
DOCUMENT = ROOT / "docs" / "micro.md"
PROGRAMS = [part.split("```")[0] for part in DOCUMENT.read_text().split("```python\n")[1:]]


def test_a_board_tells_its_temperature_and_has_a_lamp(
    tmp_path: Path, start_router: Callable[..., RouterProcess]
) -> None:
    readings: queue.Queue[tuple[float, str]] = queue.Queue()
    with Cable(tmp_path) as cable:
        router = start_router(listen=["tcp://127.0.0.1:0", cable.host_url])
        command = [sys.executable, "-u", str(EXAMPLE), cable.device]
        with running(*command) as board, wamplite.connect(router.rs) as session:
            session.subscribe(
                "com.example.board.temperature", lambda value, unit: readings.put((value, unit))
            )
            await_procedure(session, "com.example.board.lamp", True)
            assert board.line() == "True"
            assert readings.get(timeout=PATIENCE) == (27.6, "C")


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_programs_of_the_documentation_are_python(number: int) -> None:
    compile(PROGRAMS[number], DOCUMENT.name, "exec")


@contextmanager
def pasted(
    python: list[str], router: RouterProcess, heading: str, nth: int = 0
) -> Iterator[Program]:
    """Run a program of the documentation as it stands, but for the router's address."""
    text = DOCUMENT.read_text().split(f"## {heading}\n")[1]
    program = text.split("```python\n")[1 + nth].split("```")[0]
    program = program.replace("192.168.1.10", "127.0.0.1").replace("8080", str(router.port))
    path = [word + os.pathsep + str(HERE / "circuitpython") for word in python[1:2]]
    if "MICROPYPATH" in path[0]:  # .frozen stays the last
        path = [path[0].replace(":.frozen", "") + ":.frozen"]
    networks = ["CIRCUITPY_WIFI_SSID=home", "CIRCUITPY_WIFI_PASSWORD=s3cret"]
    with running(python[0], *path, *networks, *python[2:], "-c", program) as board:
        yield board


def test_the_program_for_an_esp32_is_told_of_what_it_published(
    python: list[str], router_process: RouterProcess
) -> None:
    with (
        pasted(python, router_process, "An ESP32 on a network") as board,
        wamplite.connect(router_process.rs) as session,
    ):
        await_procedure(session, "com.example.esp.add", 1, 2)
        assert session.call("com.example.esp.add", 2, 3) == 5
        session.publish("com.example.say", "hello")
        assert {board.line(), board.line()} == {"told: None", "hello"}


def test_the_program_for_asyncio_goes_on_beside_another_task(
    python: list[str], router_process: RouterProcess
) -> None:
    with pasted(python, router_process, "An ESP32 on a network", 1) as board:
        while (line := board.line()) != "joined":
            assert line == "alone"


def test_the_program_for_circuitpython_serves_and_comes_back(python: list[str]) -> None:
    with ExitStack() as stack:
        with running_router() as router:
            port = router.port
            board = stack.enter_context(pasted(python, router, "CircuitPython on a network"))
            say(router, board)
            end(router, signal.SIGKILL)
        with running_router(listen=[f"tcp://127.0.0.1:{port}"]) as router:
            say(router, board)


def say(router: RouterProcess, board: Program) -> None:
    """Call the board and publish to it."""
    with wamplite.connect(router.rs) as session:
        await_procedure(session, "com.example.board.add", 1, 2)
        assert session.call("com.example.board.add", 2, 3) == 5
        text = "x" * 700  # more than the program takes at once
        session.publish("com.example.say", text)
        while (line := board.line()) != text:
            assert line, board.stderr()
