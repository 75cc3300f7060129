"""`tools/interrupts.py`, scaled down: Ctrl-C mixes up no answers, and leaves no thread."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.timeout(110)
def test_interrupted_calls_mix_up_no_answers_and_leave_no_thread(threads: int) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "interrupts.py", "300", "--threads", str(threads)],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
