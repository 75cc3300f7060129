"""`tools/attack_costs.py` attacks a router, and its figures are of an attack that took place."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long


@pytest.mark.alone
def test_a_line_tells_what_each_attack_cost() -> None:
    words = [ROOT / "tools" / "attack_costs.py", "nobody", "declared", "--seconds", "1"]
    done = subprocess.run(
        [sys.executable, *words, "--readers", "shared"],
        cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _, nobody, declared = done.stdout.splitlines()
    assert nobody.startswith("| nobody | +") and "failed" not in nobody
    assert declared.startswith("| declared | +") and "| 60 of 60 ended" in declared
