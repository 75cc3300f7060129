"""`tools/faults bridge`: twenty faults, six kills; two hundred take ten minutes."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long

NAMESPACE = ["unshare", "-Urm"]


def run(*words: str) -> str:
    """Return what the tool says, where it can run and finds nothing wrong."""
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACE, "true"]).returncode:
        pytest.skip("needs mount namespaces")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "faults"), "bridge", *words],
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_after_twenty_faults_the_books_balance() -> None:
    said = run("--faults", "20", "--stop", "1", "--hurry", "--seed", "20")
    assert "seed 20" in said and "20 faults in" in said


def test_after_six_kills_nothing_that_was_stored_is_lost() -> None:
    assert "6 kills in" in run("--kills", "6", "--seed", "3")
