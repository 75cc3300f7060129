"""The example of a board on a serial line, with a cable of pseudo-terminals for the line."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import wamplite
from tests.micro.test_boards import await_procedure
from tests.processes import ROOT, RouterProcess, running
from tests.serial_cable import Cable

EXAMPLE = ROOT / "examples" / "micropython_board.py"
DOCUMENT = ROOT / "docs" / "micro.md"


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
            assert readings.get(timeout=10) == (27.6, "C")


@pytest.mark.parametrize("number", [0, 1])
def test_the_programs_of_the_documentation_are_python(number: int) -> None:
    programs = DOCUMENT.read_text().split("```python\n")[1:]
    compile(programs[number].split("```")[0], DOCUMENT.name, "exec")
