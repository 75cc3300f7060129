"""What a source distribution brings: all that a clone has, so that its tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT

FOLDERS = ("docs", "examples", "tests", "tools", "wamplite")
FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md", "SECURITY.md")
SETTINGS = ("pyproject.toml", "ruff.toml", "setup.cfg")
BUILD = "import sys, setuptools.build_meta as build; build.build_sdist(sys.argv[1])"
TESTS = ("tests/core", "tests/test_docs.py")
RUN = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *TESTS)
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def run(folder: Path, *words: str) -> None:
    # CI empty: whoever unpacks it has nothing beside it, and what needs that is skipped by name
    settings = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "CI": ""}
    environment = os.environ | settings
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def names(folder: Path) -> set[str]:
    found = (path for one in FOLDERS for path in (folder / one).rglob("*") if path.is_file())
    kept = {str(path.relative_to(folder)) for path in found if "__pycache__" not in path.parts}
    return kept | {name for name in (*FILES, *SETTINGS) if (folder / name).is_file()}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, built from a copy of this tree and unpacked."""
    place = tmp_path_factory.mktemp("sdist")
    copy, built = place / "copy", place / "built"
    copy.mkdir()
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*FILES, *SETTINGS):
        shutil.copy2(ROOT / name, copy / name)
    run(copy, "-c", BUILD, str(built))
    (archive,) = built.iterdir()
    with tarfile.open(archive) as tar:
        tar.extractall(place, **SAFELY)
    return place / archive.name.removesuffix(".tar.gz")


def test_it_has_every_file(unpacked: Path) -> None:
    assert names(unpacked) == names(ROOT)


@pytest.mark.timeout(220)
def test_tests_run_from_it(unpacked: Path) -> None:
    run(unpacked, *RUN)
