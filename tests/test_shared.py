"""Tests that need the shared material skip where it is missing, and fail where it is empty."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

ASKING = re.compile(r"\bshared: Path\b|usefixtures\(.shared|tests\.shared\b")
# The tests in such files that do.
WORDS = (
    "not publisher and not (bridge_steps and not real_device)"
    " and (capture or all_arrived or vector or sequence or a_sample or shown or probe)"
)


def files() -> list[Path]:
    """Return every file that asks for it."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path for path in paths if path != Path(__file__) and ASKING.search(path.read_text())]


def run(shared: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", WORDS]
    return subprocess.run(
        [*command, *map(str, files())], env=os.environ | {"WAMPLITE_SHARED": str(shared), "CI": ""},
        cwd=ROOT, capture_output=True, text=True, timeout=50,
    )  # fmt: skip


def test_the_files_are_found() -> None:
    assert len(files()) >= 7


def test_where_nothing_is_shared_each_test_of_it_is_skipped_and_says_so(tmp_path: Path) -> None:
    done = run(tmp_path / "nowhere")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ skipped, \d+ deselected", done.stdout, re.M), done.stdout
    reasons = re.findall(r"^SKIPPED .*", done.stdout, re.M)
    assert all(f"{tmp_path / 'nowhere'} is not here" in reason for reason in reasons)


@pytest.mark.long
@pytest.mark.parametrize("folders", [[], ["captures", "vectors/singlemessage/HELLO", "probe"]])
def test_where_the_shared_files_are_missing_nothing_passes(
    tmp_path: Path, folders: list[str]
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    done = run(tmp_path)
    assert done.returncode != 0
    assert " passed" not in done.stdout
    assert f"{tmp_path} has no captures/*.bin" in done.stdout
