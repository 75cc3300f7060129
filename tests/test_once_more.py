"""tools/test runs what failed once more, alone: what fails again has failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long

ENVIRONMENT = f"#!/bin/sh\necho {sys.executable}\n"
FLAKY = """
from pathlib import Path

def test_flaky():
    mark = Path("mark")
    assert mark.exists() or mark.touch()

def test_sound():
    assert not Path("again").exists()
    Path("mark").exists() and Path("again").touch()
"""


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    tools = folder / "tools"
    tools.mkdir()
    shutil.copy(ROOT / "tools" / "test", tools)
    (tools / "environment").write_text(ENVIRONMENT)
    (tools / "environment").chmod(0o755)
    (folder / "test_it.py").write_text(text)
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    environment["WORKERS"] = "1"
    return subprocess.run(
        [tools / "test"], capture_output=True, text=True, timeout=50, env=environment
    )


def test_what_passes_alone_is_named_and_nothing_else_runs_again(tmp_path: Path) -> None:
    done = run(tmp_path, FLAKY)
    assert done.returncode == 0, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    again = done.stdout.split("1 failed beside others, see above; once more, alone:")[1]
    assert "test_it.py::test_flaky PASSED" in again and "test_sound" not in again


@pytest.mark.parametrize(("number", "is_tried_again"), [(1, True), (5, True), (6, False)])
def test_what_fails_again_has_failed(tmp_path: Path, number: int, is_tried_again: bool) -> None:
    tests = [f"def test_{one}():\n    assert False\n" for one in range(number)]
    done = run(tmp_path, "\n".join(tests))
    assert done.returncode == 1, done.stdout
    assert ("once more, alone" in done.stdout) == is_tried_again


def test_what_cannot_be_collected_is_no_flaky_test(tmp_path: Path) -> None:
    done = run(tmp_path, "import nothing_of_this_name\n")
    assert done.returncode not in (0, 5), done.stdout
