"""Boards: a process that runs board.py with uwamp.py, on CPython or on real MicroPython."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.interop.peers import place
from tests.processes import ROOT, Program

HERE = Path(__file__).parent
UWAMP = ROOT / "wamplite" / "micro" / "uwamp.py"
LIBRARY = "node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs"

Boards = Callable[[str, str], AbstractContextManager["Board"]]


class Board(Program):
    """A board's process; it ends with its stdin."""

    def heap(self) -> int:
        """Return the bytes that uwamp.py and board.py hold in MicroPython."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        while not (line := self.line()).isdigit():
            assert line, f"the board has ended: {self.stderr()}"
        return int(line)


def on_cpython(kind: str, port: str) -> list[str]:
    return [sys.executable, str(HERE / "drive.py"), kind, port, str(HERE), str(UWAMP.parent)]


def on_micropython(kind: str, port: str) -> list[str]:
    library = place("micropython") / LIBRARY
    files = [str(UWAMP), str(HERE / "board.py")]
    return ["node", str(HERE / "drive.mjs"), str(library), kind, port, *files]


@pytest.fixture(params=[on_cpython, on_micropython], ids=lambda python: python.__name__[3:])
def run_board(request: pytest.FixtureRequest) -> Boards:
    """Give `run_board(kind, port)`, a context manager; skips where MicroPython is not there."""
    command: Callable[[str, str], list[str]] = request.param

    @contextmanager
    def run(kind: str, port: str) -> Iterator[Board]:
        board = Board(*command(kind, port), stdin=subprocess.PIPE)
        try:
            yield board
        finally:
            board.stop()

    return run
