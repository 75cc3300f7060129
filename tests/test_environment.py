"""tools/environment says what to type where Python cannot do it, and the guard finds what leaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

LEAVE_THREAD_AND_FILE = """kept.append(open('/proc/self/stat'))
    threading.Thread(target=time.sleep, args=(9,), name='sleeper', daemon=True).start()"""


def environment(python: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Run tools/environment with a stand-in for python."""
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    return subprocess.run(
        [ROOT / "tools" / "environment", "none"],
        env=os.environ | {"PYTHON": str(python)}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_a_python_without_venv_is_told_the_apt_line(tmp_path: Path) -> None:
    body = f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
    done = environment(tmp_path / "python", body)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sudo apt install python3-venv" in done.stderr


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    done = environment(tmp_path / "python", "exit 3")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a Python of at least 3.10" in done.stderr


def test_a_python_that_does_not_run_says_why(tmp_path: Path) -> None:
    done = environment(tmp_path / "python", "echo 'pyenv: not installed' >&2; exit 127")
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not run:\npyenv: not installed\n" in done.stderr


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (LEAVE_THREAD_AND_FILE, "left behind: thread sleeper, file "),
        ("thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()", "Zero"),
        ("warnings.warn('old', DeprecationWarning)", "DeprecationWarning"),
        ("socket.socket()", "ResourceWarning"),
    ],
    ids=["thread and file", "exception in a thread", "warning", "socket"],
)
def test_a_test_that_leaves_something_behind_fails(tmp_path: Path, body: str, found: str) -> None:
    test = tmp_path / "test_leak.py"
    head = "import socket, threading, time, warnings\nkept = []\n\ndef test_it():\n"
    test.write_text(f"{head}    {body}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "setup.cfg")]
    done = subprocess.run(
        [*command, "-p", "tests.conftest", "-p", "no:cacheprovider", str(test)],
        cwd=ROOT, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert found in done.stdout
