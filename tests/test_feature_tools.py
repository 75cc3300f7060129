"""The tools that measure what features cost run to their end; their figures are for people."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long


def run(*words: str | Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.fixture
def load(shared: Path, tmp_path: Path) -> Path:
    """A load generator."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler for the load generator")
    program = tmp_path / "wampload"
    source = shared / "bench" / "wampload.c"
    subprocess.run([compiler, "-O2", "-o", program, source], check=True, capture_output=True)
    return program


@pytest.mark.alone
@pytest.mark.timeout(110)
def test_growth_has_a_row_for_patterns_of_each_kind_and_for_retained_topics() -> None:
    rows = run(ROOT / "tools" / "feature_growth.py")
    assert [row.split()[0] for row in rows] == ["subscribe", "register", "retained"]
    ratios = [float(row.rpartition(" ")[2]) for row in rows[:2]]
    assert all(ratio < 10 for ratio in ratios)  # a hundred where all are walked through


@pytest.mark.alone
@pytest.mark.timeout(110)
def test_rates_have_a_row_for_each_scenario(load: Path) -> None:
    words = ("--rounds", "1", "--seconds", "0.2", "--features", "standard")
    rows = run(ROOT / "tools" / "feature_rates.py", load, *words)
    assert len(rows) == 3
    pattern = r".{16} standard +\d\.\d{3}  \(.*\)  time (\d+\.\d{3}  \(.*\)|-)"
    assert all(re.fullmatch(pattern, row) for row in rows), rows
    rows = run(ROOT / "tools" / "feature_rates.py", load, *words, "--permissions", "100")
    assert [row[17:29] for row in rows] == ["standard+100"] * 3


@pytest.mark.alone
@pytest.mark.timeout(110)
def test_the_benchmark_has_a_table_for_each_transport_and_a_cell_for_each_router(
    load: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAMPLITE_PEERS", str(tmp_path))  # where none is installed
    words = ("--load", load, "--rounds", "1", "--seconds", "0.2", "--only", "64 KB")
    rows = run(ROOT / "tools" / "benchmark.py", *words)
    assert len(rows) == 2 * 5
    assert rows[1] == "| RawSocket, MsgPack | wamplite |"
    assert rows[6] == "| WebSocket, JSON | wamplite |"
    pattern = (
        r"\| (rpc C8 W2|pubsub S10) 64 KB \| 1\.00x \([\d,]+\) / [\d.]+ / [\d.]+ / [\d.e+]+ \|"
    )
    assert all(re.fullmatch(pattern, row) for row in rows[3:5] + rows[8:]), rows


@pytest.mark.alone
def test_the_way_without_the_kernel_is_measured_in_this_tree_and_in_another() -> None:
    words = ("--rounds", "1", "--only", "of a dict")
    for more, figures in ((), r" +[\d.]+"), (("--beside", ROOT), r"( +[\d.]+){2} +[\d.]+x"):
        rows = run(ROOT / "tools" / "pipe.py", *words, *more)
        assert len(rows) == 2
        assert all(
            re.fullmatch(r"..: a call of a dict, 16 a receive" + figures, row) for row in rows
        )
