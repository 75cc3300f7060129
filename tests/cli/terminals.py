"""Programs on a pseudo-terminal: what they write there, and how large it is."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.processes import wamplite as command
from tests.waiting import PATIENCE


class Terminal:
    """A program on a pseudo-terminal, and what it has written there."""

    def __init__(self, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(30, 200, self.master)
        self.process = subprocess.Popen(
            command(*words), stdin=slave, stdout=slave, stderr=subprocess.PIPE
        )
        os.close(slave)
        self.text = ""

    def resize(self, height: int, width: int, descriptor: int | None = None) -> None:
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(descriptor or self.master, termios.TIOCSWINSZ, size)

    def read(self, until: str) -> str:
        """Return what comes until a text has come."""
        deadline, found = time.monotonic() + PATIENCE, ""
        while until not in found:
            ready, _, _ = select.select([self.master], [], [], deadline - time.monotonic())
            assert ready, f"no {until!r} in {found!r}"
            try:
                found += os.read(self.master, 65536).decode()
            except OSError:  # the program has ended
                break
        self.text += found
        return found


@contextmanager
def on_terminal(*words: str) -> Iterator[Terminal]:
    terminal = Terminal(*words)
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        assert terminal.process.stderr is not None
        terminal.process.stderr.close()
        os.close(terminal.master)
