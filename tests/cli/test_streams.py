"""How wide what a verb prints may be, beside what the standard library says of it."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios

import pytest

from tests.cli.terminals import on_terminal
from wamplite.cli import streams

PROGRAM = """
import shutil
from wamplite.cli import streams
print(streams.columns(), shutil.get_terminal_size().columns, flush=True)
"""


@pytest.mark.parametrize("given", [None, "", "0", "-3", "wide", " 44 ", "200"])
def test_columns_are_as_the_standard_library_finds_them(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if given is not None:
        monkeypatch.setenv("COLUMNS", given)
    assert streams.columns() == shutil.get_terminal_size().columns


@pytest.mark.parametrize(("width", "told"), [(51, b"51 51"), (0, b"80 80")])
def test_columns_are_those_of_the_terminal(width: int, told: bytes) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    subprocess.run([sys.executable, "-c", PROGRAM], stdout=slave, env=environment, check=True)
    assert os.read(master, 100).strip() == told
    os.close(slave)
    os.close(master)


def test_help_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")  # Python 3.14 writes help in colours, which take no room
    with on_terminal("pub", "--help") as terminal:
        usage = terminal.read("Publish").split("\r\n")
    assert 150 < max(map(len, usage)) <= 198
