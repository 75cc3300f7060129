"""A test that is marked `alone` waits for the others, and they for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.turns import turn

PATIENCE = 20.0


class Turn:
    """A thread that asks for its turn and has it until it is told to end."""

    def __init__(self, files: Path, alone: bool) -> None:
        self.has_it = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(files, alone))
        self._thread.start()

    def _run(self, files: Path, alone: bool) -> None:
        with turn(alone, files / "door", files / "machine"):
            self.has_it.set()
            self._end.wait(PATIENCE)

    def waits(self) -> bool:
        """Tell whether it has not come to its turn after the time that this would take."""
        return not self.has_it.wait(0.05)

    def end(self) -> None:
        self._end.set()
        self._thread.join(PATIENCE)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[[bool], Turn]]:
    """Give `ask(alone)`, which returns a turn that is asked for."""
    for name in ("door", "machine"):
        (tmp_path / name).touch()

    with ExitStack() as stack:

        def asked(alone: bool) -> Turn:
            made = Turn(tmp_path, alone)
            stack.callback(made.end)
            return made

        yield asked


def test_tests_run_together(ask: Callable[[bool], Turn]) -> None:
    first, second = ask(False), ask(False)
    assert first.has_it.wait(PATIENCE) and second.has_it.wait(PATIENCE)


def test_one_that_is_alone_waits_for_those_before_it(ask: Callable[[bool], Turn]) -> None:
    ordinary = ask(False)
    assert ordinary.has_it.wait(PATIENCE)
    alone = ask(True)
    assert alone.waits()
    ordinary.end()
    assert alone.has_it.wait(PATIENCE)


def test_those_that_come_later_wait_for_it(ask: Callable[[bool], Turn]) -> None:
    ordinary = ask(False)
    assert ordinary.has_it.wait(PATIENCE)
    alone = ask(True)
    assert alone.waits()
    later = ask(False)
    assert later.waits()
    ordinary.end()
    assert alone.has_it.wait(PATIENCE) and later.waits()
    alone.end()
    assert later.has_it.wait(PATIENCE)
