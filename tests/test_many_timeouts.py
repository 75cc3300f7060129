"""`tools/many_timeouts.py`, scaled down: nothing is left over of calls with a timeout."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.processes import ROOT


def test_nothing_is_left_of_calls_with_a_timeout() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "many_timeouts.py", "20000"],
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert re.search("calls 0, invocations 0, shares 0, timers 0, unanswered 0;", done.stdout)
