"""The tools that measure what features cost run to their end; their figures are for people."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT


def run(*words: str | Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.alone
@pytest.mark.timeout(110)
def test_growth_has_a_row_for_patterns_of_each_kind_and_for_retained_topics() -> None:
    rows = run(ROOT / "tools" / "feature_growth.py")
    assert [row.split()[0] for row in rows] == ["subscribe", "register", "retained"]
    ratios = [float(row.rpartition(" ")[2]) for row in rows[:2]]
    assert all(ratio < 10 for ratio in ratios)  # a hundred where all are walked through


@pytest.mark.alone
@pytest.mark.timeout(110)
def test_rates_have_a_row_for_each_scenario(shared: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler for the load generator")
    load = tmp_path / "wampload"
    source = shared / "bench" / "wampload.c"
    subprocess.run([compiler, "-O2", "-o", load, source], check=True, capture_output=True)
    words = ("--rounds", "1", "--seconds", "0.2", "--features", "standard")
    rows = run(ROOT / "tools" / "feature_rates.py", load, *words)
    assert len(rows) == 3
    pattern = r".{16} standard +\d\.\d{3}  \(.*\)  time (\d+\.\d{3}  \(.*\)|-)"
    assert all(re.fullmatch(pattern, row) for row in rows), rows
    rows = run(ROOT / "tools" / "feature_rates.py", load, *words, "--permissions", "100")
    assert [row[17:29] for row in rows] == ["standard+100"] * 3
