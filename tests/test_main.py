"""What `python -m wamplite` spares at its start and at its end."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

import pytest

PROGRAM = """
import gc, json, sys
from wamplite.__main__ import main
before = gc.get_stats()[0]["collections"]
code = main()
collections = gc.get_stats()[0]["collections"] - before
print(json.dumps([code, gc.isenabled(), collections, gc.get_freeze_count(), list(sys.modules)]))
"""
NOBODY = "tcp://127.0.0.1:1"  # listens there


class Ended(NamedTuple):
    code: int
    is_enabled: bool  # the collector
    collections: int
    frozen: int
    modules: list[str]


@pytest.fixture(scope="module")
def ended() -> Ended:
    command = [sys.executable, "-c", PROGRAM, "call", "--url", NOBODY, "com.example.x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = Ended(*json.loads(done.stdout))
    assert found.code == 3, done.stderr
    return found


def test_the_collector_hardly_looks_at_what_stays_until_the_end(ended: Ended) -> None:
    assert ended.is_enabled
    assert ended.collections <= 1  # by Python's default 31
    assert ended.frozen > 10_000


def test_a_verb_loads_nothing_for_help_that_it_does_not_print(ended: Ended) -> None:
    assert "argparse" in ended.modules
    assert "shutil" not in ended.modules


def test_a_verb_loads_pathlib_only_to_read_a_profile(ended: Ended) -> None:
    assert "wamplite.cli.profile" in ended.modules
    assert "pathlib" not in ended.modules


def test_a_verb_that_logs_nothing_loads_no_logging(ended: Ended) -> None:
    assert "wamplite.client.faults" in ended.modules
    assert "logging" not in ended.modules
