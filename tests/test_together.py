"""Tests that share a router are run by one process, however many there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.processes import ROOT
from tests.together import FILES, FOLDERS, group_of

FILE = "tests/test_architecture.py"


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/interop/test_a.py::test_x[1]", "tests/interop/"),
        ("tests/interop/clients/test_b.py::test_y", "tests/interop/"),
        ("tests/faults/test_a.py::test_x[a::b]", "tests/faults/test_a.py"),
        ("tests/cli/test_verbs.py::test_x", "tests/cli/test_verbs.py"),
        ("tests/cli/test_pair.py::test_x[1]", "tests/cli/test_pair.py::test_x[1]"),
    ],
)
def test_what_belongs_together_is_a_group_and_any_other_test_is_one(
    nodeid: str, group: str
) -> None:
    assert group_of(nodeid) == group


def test_each_place_that_is_named_is_there() -> None:
    assert all((ROOT / place).exists() for place in FOLDERS + FILES)


def test_one_process_of_two_runs_such_a_file_and_keeps_the_ids() -> None:
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    words = ("-n", "2", "-v", "-k", "circles or stands_twice or reach_across", FILE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    passed = re.findall(r"^\[(gw\d)\].* PASSED (\S+)", done.stdout, re.M)
    assert len(passed) > 5 and len({worker for worker, _ in passed}) == 1, done.stdout
    assert all(nodeid.startswith(f"{FILE}::") and "@" not in nodeid for _, nodeid in passed)
