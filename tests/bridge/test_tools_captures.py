"""`tools/captures`, in a burst: the pace would take minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT


def test_the_table_says_that_all_arrived_in_order(shared: Path) -> None:
    files = [str(shared / "captures" / name) for name in ("venus634lp.bin", "firefly-II.bin")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "captures"), "--burst", *files],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all, in order") == 2
