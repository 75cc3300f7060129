"""`tools/ctrl_c.py`, scaled down: programs that are interrupted at any moment end at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.amounts import some
from tests.processes import ROOT


@pytest.mark.timeout(110)
def test_programs_that_are_interrupted_at_any_moment_end_at_once() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "ctrl_c.py", str(some(24))],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
