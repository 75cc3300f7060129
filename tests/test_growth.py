"""`tools/growth`: no cost grows with what it has nothing to do with, and one that does is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "growth"), *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.alone
@pytest.mark.timeout(110)
def test_nothing_grows_that_must_not() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert len(done.stdout.splitlines()) >= 18


def test_what_grows_is_told() -> None:
    done = run("--only", "a mask", "--factor", "0.01")
    assert done.returncode == 1
    assert "a mask is taken off" in done.stdout and "GROWS, at most 0.025" in done.stdout
