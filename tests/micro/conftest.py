"""Boards: a process that runs drive.py, and so uwamp.py, on CPython or on real MicroPython."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import wamplite.micro
from tests.interop.peers import place
from tests.processes import ROOT, Program
from wamplite.cli import micro

HERE = Path(__file__).parent
FILES = ROOT / "wamplite" / "micro"
PATH = os.pathsep.join(map(str, (FILES, HERE)))

sys.path.append(*wamplite.micro.__path__)  # the files import each other by bare names

Boards = Callable[..., AbstractContextManager[Program]]


def on_cpython() -> list[str]:
    return ["env", f"PYTHONPATH={PATH}", sys.executable, "-u"]


def on_micropython(path: str = PATH) -> list[str]:
    """Return the command; its own modules, asyncio above all, are in .frozen."""
    program = place("micropython") / "bin" / "micropython"
    return ["env", f"MICROPYPATH={path}:.frozen", str(program)]


@pytest.fixture(params=[on_cpython, on_micropython], ids=lambda python: python.__name__[3:])
def python(request: pytest.FixtureRequest) -> list[str]:
    """Give the words that run a program with uwamp.py and its companions at hand."""
    command: Callable[[], list[str]] = request.param
    return command()


@pytest.fixture
def run_board(python: list[str]) -> Boards:
    """Give `run_board(kind, target, ..., style="run")`, a context manager: words of drive.py."""

    @contextmanager
    def run(*words: str, style: str = "run") -> Iterator[Program]:
        command = [*python, str(HERE / "drive.py"), style, *words]
        board = Program(*command, stdin=subprocess.PIPE)
        try:
            yield board
        finally:
            board.stop()

    return run


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give directories with the files for boards, as text and compiled."""
    directories = {kind: tmp_path_factory.mktemp(kind) for kind in ("py", "mpy")}
    for name in micro.FILES:
        (directories["py"] / f"{name}.py").write_bytes(micro.source(name))
        (directories["mpy"] / f"{name}.mpy").write_bytes(micro.compiled(name))
    return directories


def ran_on_micropython(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run MicroPython to its end, with the modules of a directory."""
    command = [*on_micropython(str(directory)), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
