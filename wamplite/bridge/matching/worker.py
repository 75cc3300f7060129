"""A process that matches texts with one pattern, and is killed when it takes too long.

Python's `re` holds the interpreter's lock for as long as a search takes, so a thread would stop all
ports. A process costs 10 MB and, once it runs, 16 us a text (measured on x86-64); it is started by
the first text that needs it, in 60 ms.
"""

from __future__ import annotations

import json
import re
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...locks import Lock

if TYPE_CHECKING:
    import subprocess

__all__ = ["Groups", "TookTooLong", "MatchWorker", "end_all"]

PROGRAM = Path(__file__).with_name("worker_program.py")
START = 20.0  # seconds until it runs: a small board may be busy
DEADLINE = 0.25  # seconds for a text: the kernel keeps 0.36 s of a line at 115200 baud


Groups = list[str | None]  # what was found, then each group


class TookTooLong(Exception):
    """A text was not matched in time."""


class MatchWorker:
    """One pattern's process; any thread may use it, one at a time."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()  # guards the process: a question and its answer

    def groups(self, text: str) -> Groups | None:
        """Return what was found and its groups, None where nothing was; TookTooLong."""
        with self._lock:
            try:
                return self._ask(text)
            except BrokenPipeError:  # somebody has ended it
                self._end()
                return self._ask(text)

    def end(self) -> None:
        """End the process; the next text starts another one."""
        with self._lock:
            self._end()

    def _ask(self, text: str) -> Groups | None:
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps(text).encode() + b"\n")
        process.stdin.flush()
        groups: Groups | None = json.loads(self._line(process, DEADLINE))
        return groups

    def _start(self) -> subprocess.Popen[bytes]:
        import subprocess  # only bridges with a pattern that needs it

        process = self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the bridge
        )
        RUNNING.add(self)
        assert process.stdin is not None
        told = [self._pattern.pattern, self._pattern.flags]
        process.stdin.write(json.dumps(told).encode() + b"\n")
        process.stdin.flush()
        self._line(process, START)
        return process

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        assert process.stdout is not None
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        if not poll.poll(seconds * 1000):
            self._end()
            raise TookTooLong
        line = process.stdout.readline()
        if not line:
            raise BrokenPipeError
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        RUNNING.discard(self)
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what it was not sent is lost with it
                    pipe.close()


RUNNING: set[MatchWorker] = set()  # those that have a process


def end_all() -> None:
    """End all workers' processes; they are started again where somebody still needs one."""
    for worker in list(RUNNING):
        worker.end()
