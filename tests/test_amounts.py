"""QUICK=1 leaves out what is marked `long`, and tries less of the rest."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

PROGRAM = """
from tests.amounts import some
from tests.property.model import many
print(some(150), many(30).max_examples)
"""


def run(quick: str, *words: str) -> str:
    """Return what Python says."""
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    environment["QUICK"] = quick
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("quick", "is_whole"), [("1", False), ("0", True), ("", True)])
def test_long_tests_are_left_out_and_that_is_told(quick: str, is_whole: bool) -> None:
    said = run(quick, "-m", "pytest", "--collect-only", "-q", "tests/test_check.py")
    assert ("test_each_line_and_branch" in said) == is_whole
    assert (" deselected" in said) != is_whole
    assert "test_format_lint_and_types_are_clean" in said


@pytest.mark.parametrize(("quick", "amounts"), [("1", "50 10"), ("0", "150 30"), ("", "150 30")])
def test_properties_are_tried_on_fewer_examples(quick: str, amounts: str) -> None:
    assert run(quick, "-c", PROGRAM).strip() == amounts
