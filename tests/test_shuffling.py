"""SHUFFLE=SEED: the suite in the order that a seed draws."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import groupby
from typing import NamedTuple

from tests.processes import ROOT
from tests.shuffling import shuffled


class Item(NamedTuple):
    """What is looked at of a test."""

    path: str
    name: str


ITEMS = [Item(file, name) for file in "abcdef" for name in "12345"]


def order(seed: str) -> list[Item]:
    return shuffled(ITEMS, seed)


def test_a_seed_draws_an_order_of_all_and_draws_it_again() -> None:
    assert order("one") == order("one")
    assert order("one") != order("two")
    assert sorted(order("one")) == sorted(order("two")) == ITEMS


def test_files_change_places_and_so_do_the_tests_of_each() -> None:
    files = [(file, list(items)) for file, items in groupby(order("one"), lambda item: item.path)]
    assert sorted(file for file, _ in files) == list("abcdef") != [file for file, _ in files]
    assert any(items != sorted(items) for _, items in files)


def test_a_run_tells_its_seed_and_keeps_to_its_order() -> None:
    names = ("test_ids.py", "test_uris.py", "test_weight.py", "test_words.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", *(f"tests/core/{it}" for it in names)],
        cwd=ROOT,
        env=os.environ | {"SHUFFLE": "7"},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "order: drawn by SHUFFLE=7" in done.stdout
    files = re.findall(r"<Module (\S+)>", done.stdout)
    assert sorted(files) == list(names) != files
