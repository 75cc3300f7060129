"""The catalogue as a program: every item is tried somewhere, and `tools/faults` tells of each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.catalogue import GROUPS, NOT_RUN, TITLES, item_of, places_of
from tests.faults.conftest import Bystander
from tests.processes import ROOT

HERE = Path(__file__).parent


@pytest.fixture
def bystander() -> Bystander | None:
    """There is no router here."""
    return None


def test_there_are_109_items_in_their_order() -> None:
    assert list(TITLES) == list(range(1, 110))


@pytest.mark.parametrize("letter", GROUPS)
def test_each_item_is_tried_or_says_what_it_needs(letter: str) -> None:
    tried = set()
    for place in places_of(set(GROUPS[letter].items)):
        path, _, name = place.partition("::")
        assert (ROOT / path).exists(), place
        for function in re.findall(r"^def (test_\w+)", (ROOT / path).read_text(), re.M):
            tried.add(item_of(f"{path}::{name or function}"))
    assert set(GROUPS[letter].items) - set(NOT_RUN) <= tried


def test_each_numbered_test_is_found_by_its_group() -> None:
    for path in HERE.glob("test_*.py"):
        for number in map(int, re.findall(r"^def test_(\d+)_", path.read_text(), re.M)):
            places = places_of({number})
            assert f"tests/faults/{path.name}" in places, f"{number} is in {path.name}"


def run(*words: str) -> tuple[int, list[str]]:
    tool = [sys.executable, str(ROOT / "tools" / "faults"), *words]
    in_order = {name: os.environ[name] for name in os.environ if name != "SHUFFLE"}
    done = subprocess.run(tool, capture_output=True, text=True, timeout=50, cwd=HERE, env=in_order)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_line_for_each_item_and_at_the_end_how_many_are_survived() -> None:
    code, lines = run("2", "12")
    assert code == 0
    assert re.fullmatch(r"  2 unknown serializer: passed \(5 cases, [\d.]+ s\)", lines[0])
    assert re.fullmatch(r" 12 message of no length: passed \(2 cases, [\d.]+ s\)", lines[1])
    assert re.fullmatch(r"2 passed; in \d+ s", lines[2])
    assert lines[3:] == ["2 of 109"]


def test_what_is_no_item_is_refused() -> None:
    tool = [sys.executable, str(ROOT / "tools" / "faults"), "110"]
    done = subprocess.run(tool, capture_output=True, text=True, timeout=50)
    assert done.returncode == 2 and "'110' is none of the items 1 to 109" in done.stderr
