"""`tools/faults bridge`: twenty faults, with short stops; two hundred take ten minutes."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.processes import ROOT

NAMESPACE = ["unshare", "-Urm"]


def test_after_twenty_faults_the_books_balance() -> None:
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACE, "true"]).returncode:
        pytest.skip("needs mount namespaces")
    words = ("bridge", "--faults", "20", "--stop", "1", "--hurry", "--seed", "20")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "faults"), *words],
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 20" in done.stdout and "20 faults in" in done.stdout
