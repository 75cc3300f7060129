"""What a source distribution brings: all that a clone has, so that its tests run."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT

FOLDERS = ("docs", "examples", "tests", "tools", "wamplite")
FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md", "SECURITY.md")
SETTINGS = ("pyproject.toml", "ruff.toml", "setup.cfg", "setup.py")
BUILD = "import sys, setuptools.build_meta as build; build.build_sdist(sys.argv[1])"
DESCRIBE = (
    "import sys, setuptools.build_meta as build;build.prepare_metadata_for_build_wheel(sys.argv[1])"
)
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


@pytest.fixture(scope="module")
def metadata(unpacked: Path) -> Message:
    """What it tells of itself, which is what an installed wamplite tells."""
    return message_from_string((unpacked / "PKG-INFO").read_text(encoding="utf-8"))


@pytest.mark.long
def test_the_licence_is_an_expression_where_setuptools_can_tell_it(metadata: Message) -> None:
    major = int(importlib.metadata.version("setuptools").partition(".")[0])
    told = {key: metadata[key] for key in ("License", "License-Expression", "License-File")}
    old, new = ("MIT", None) if major < 77 else (None, "MIT")
    assert told == {"License": old, "License-Expression": new, "License-File": "LICENSE"}


@pytest.mark.long
def test_the_long_description_has_no_link_that_leads_nowhere(
    metadata: Message, unpacked: Path
) -> None:
    text = metadata.get_payload()
    assert isinstance(text, str)
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links and all(link.startswith("https://") for link in links), links
    assert "[docs/" not in text
    files = re.findall(r"`((?:docs|examples)/[^`]*|[A-Z]+\.md)`", text)
    assert {"docs/router.md", "examples/serial_sensor.py", "CHANGELOG.md"} <= set(files)
    assert not [file for file in files if not (unpacked / file).is_file()]


def test_no_address_is_told_that_is_not_there(metadata: Message) -> None:
    assert not metadata.get_all("Project-URL") and not metadata["Home-page"]


@pytest.mark.long
@pytest.mark.timeout(220)
def test_tests_run_from_it(unpacked: Path) -> None:
    run(unpacked, *RUN)
