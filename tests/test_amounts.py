"""QUICK=1 leaves out what is marked `long`, two thirds of what is `sampled`, and tries less."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

PROGRAM = """
from tests.amounts import some
from tests.property.model import many
print(some(150), many(30).max_examples)
"""

TABLES = """
import pytest

@pytest.mark.sampled
@pytest.mark.parametrize("number", range(13))
def test_numbers(number): pass

@pytest.mark.sampled
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("letter", "abc")
def test_crossed(letter, number): pass

@pytest.fixture(params="abcdef")
def letter(request): return request.param

@pytest.mark.sampled
def test_letters(letter): pass

@pytest.mark.parametrize("number", range(3))
def test_whole(number): pass
"""
SAMPLED = {
    "numbers": "0 3 5 10 12",
    "crossed": "a-0 a-3 b-1 c-2",
    "letters": "a d f",
    "whole": "0 1 2",
}


def run(quick: str, *words: str) -> str:
    """Return what Python says."""
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    environment |= {"QUICK": quick, "SHUFFLE": ""}  # in the order of the tables
    command = [sys.executable, *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("quick", "is_whole"), [("1", False), ("0", True), ("", True)])
def test_long_tests_are_left_out_and_that_is_told(quick: str, is_whole: bool) -> None:
    said = run(quick, "-m", "pytest", "--collect-only", "tests/test_check.py")
    assert ("quick: without what is marked long, with a third" in said) != is_whole
    assert ("test_each_line_and_branch" in said) == is_whole
    assert (" deselected" in said) != is_whole
    assert "test_format_lint_and_types_are_clean" in said


@pytest.mark.parametrize(("quick", "amounts"), [("1", "50 10"), ("0", "150 30"), ("", "150 30")])
def test_properties_are_tried_on_fewer_examples(quick: str, amounts: str) -> None:
    assert run(quick, "-c", PROGRAM).strip() == amounts


def collected(quick: str, *words: str | Path) -> dict[str, str]:
    """Return the cases that pytest collects with the suite's settings, by test."""
    options = ("--collect-only", "-q", "-c", "setup.cfg", "-p", "tests.conftest")
    said = run(quick, "-m", "pytest", *options, *map(str, words))
    assert (" deselected" in said) == (quick == "1"), said
    found: dict[str, str] = {}
    for name, case in re.findall(r"::test_(\w+)\[(\S+)\]$", said, re.M):
        found[name] = f"{found.get(name, '')} {case}".strip()
    return found


def test_of_what_is_sampled_a_third_is_run_each_time_the_same(tmp_path: Path) -> None:
    file = tmp_path / "test_tables.py"
    file.write_text(TABLES)
    assert collected("1", file) == SAMPLED
    whole = collected("0", file)
    assert {name: len(cases.split()) for name, cases in whole.items()} == {
        "numbers": 13, "crossed": 12, "letters": 6, "whole": 3
    }  # fmt: skip


def test_what_is_run_once_more_is_not_sampled_anew(tmp_path: Path) -> None:
    file = tmp_path / "test_tables.py"
    file.write_text(TABLES)
    chosen = [f"{file}::test_numbers[{number}]" for number in (3, 4, 5, 12)]
    assert collected("1", *chosen) == {"numbers": "3 5 12"}
