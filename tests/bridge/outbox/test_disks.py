"""Disks that are full or read-only, and kill -9 on a full one; each in a namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.bridge.disks import SCENARIOS
from tests.processes import ROOT

NAMESPACE = ["unshare", "-Urm"]
KILLS = 3  # 10 by tools/outbox_kills.py itself


@pytest.fixture(autouse=True)
def namespaces() -> None:
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACE, "true"]).returncode:
        pytest.skip("needs mount namespaces")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_disk_that_fails_is_lived_with(scenario: str) -> None:
    words = [*NAMESPACE, sys.executable, "-m", "tests.bridge.disks", scenario]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=55)
    assert done.stdout == "survived\n", done.stderr


@pytest.mark.timeout(120)
def test_nothing_stored_is_lost_by_kill_9_on_a_full_disk() -> None:
    words = [sys.executable, str(ROOT / "tools" / "outbox_kills.py"), str(KILLS)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is lost" in done.stdout
