"""`tools/benchmark.py` runs to its end; its figures are for people."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long


@pytest.mark.alone
def test_the_benchmark_prints_a_rate_and_a_ratio_for_each_scenario() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "benchmark.py", "--seconds", "0.2", "--rounds", "1"],
        cwd=ROOT, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()[1:]
    assert len(rows) == 4
    assert all(re.fullmatch(r".{16} +[\d,]+ +[\d,]+ +\d+\.\d\d", row) for row in rows), rows
