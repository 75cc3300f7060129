"""tools/peers, and what the suite says of a peer that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.peers import CLIENTS, ROUTERS
from tests.processes import ROOT

TOOL = str(ROOT / "tools" / "peers")
GO = """#!/bin/sh
case "$1 $MOOD" in
    version*) echo go version go9.9 test/test ;;
    "build well") while [ "$1" != -o ]; do shift; done; mkdir -p "${2%/*}"; echo made >"$2" ;;
    *) echo "error: the registry is away"; exit 1 ;;
esac
"""


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with no languages but sh's own tools, and an empty cache."""
    own = {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": "/nonexistent", "HOME": str(tmp_path)}
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mkdir").symlink_to("/bin/mkdir")
    clean = {key: value for key, value in os.environ.items() if key not in ("CI", "GOFLAGS")}
    return {**clean, **own, "WAMPLITE_PEERS": str(tmp_path / "peers")}


@pytest.fixture
def with_go(bare: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The same with a `go` whose MOOD decides whether it builds."""
    program = tmp_path / "bin" / "go"
    program.write_text(GO)
    program.chmod(0o755)
    return bare


def peers(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, TOOL, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50)


def test_a_lacking_language_is_named_and_is_no_failure(bare: dict[str, str]) -> None:
    done = peers({**bare, "CI": "true"})
    said = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert said["nexus"] == "not here: no go"
    assert said["wampy-js"] == "not here: no node, npm"
    assert said["autobahn"] == "not here: no CPython from 3.11 on with venv"
    assert said["chromium"] == "not here: no apt"
    assert all(line.startswith("not here: no ") for line in said.values())
    assert set(said) >= {*CLIENTS, *(router.peer for router in ROUTERS.values())}
    assert done.returncode == 0, done.stderr


def test_a_peer_is_installed_once_and_then_present(with_go: dict[str, str]) -> None:
    well = {**with_go, "MOOD": "well"}
    assert peers(well, "--list", "nxt").stdout.split()[:2] == ["nxt", "missing"]
    assert peers(well, "nxt").stdout.split() == ["nxt", "installed"]
    assert Path(well["WAMPLITE_PEERS"], "nxt/bin/nxt").read_text() == "made\n"
    assert peers(with_go, "nxt").stdout.split() == ["nxt", "present"]


def test_a_peer_of_another_recipe_is_out_of_date(with_go: dict[str, str]) -> None:
    well = {**with_go, "MOOD": "well"}
    peers(well, "nxt")
    Path(well["WAMPLITE_PEERS"], "nxt/stamp").write_text("another recipe")
    assert peers(well, "--list", "nxt").stdout.split()[1:4] == ["out", "of", "date"]
    assert peers(well, "nxt").stdout.split() == ["nxt", "installed"]


def test_a_failure_is_tried_twice_told_and_fails_ci_alone(with_go: dict[str, str]) -> None:
    done = peers(with_go, "nxt", "crossbar")
    failed, lacking = done.stdout.splitlines()
    assert failed.split(None, 1)[1].startswith("FAILED: go: error: the registry is away (")
    assert lacking.split(None, 1)[1].startswith("not here")
    log = Path(with_go["WAMPLITE_PEERS"], "logs/nxt.log").read_text()
    assert log.count("error: the registry is away") == 2
    assert done.returncode == 0
    assert peers({**with_go, "CI": "true"}, "nxt").returncode == 1


APT = """#!/bin/sh
echo "$*" >>"${0%/*}/../asked"
case "$* $MOOD" in
    *install*well) echo >"${0%/*}/chromium"; /bin/chmod 755 "${0%/*}/chromium" ;;
    *install*) echo "E: an error: the archive is away"; exit 100 ;;
esac
"""


@pytest.fixture
def with_apt(bare: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The bare machine with an `apt-get` whose MOOD decides whether it installs a browser."""
    program = tmp_path / "bin" / "apt-get"
    program.write_text(APT)
    program.chmod(0o755)
    return bare


@pytest.mark.skipif(os.geteuid() != 0, reason="apt-get is for root alone")
def test_a_browser_is_installed_where_there_is_none(
    with_apt: dict[str, str], tmp_path: Path
) -> None:
    assert peers(with_apt, "--list", "chromium").stdout.split()[:2] == ["chromium", "missing"]
    assert peers({**with_apt, "MOOD": "well"}, "chromium").stdout.split()[1] == "installed"
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends chromium")
    assert peers(with_apt, "chromium").stdout.split() == ["chromium", "present"]
    assert len((tmp_path / "asked").read_text().splitlines()) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="apt-get is for root alone")
def test_a_browser_that_cannot_be_installed_fails_ci_alone(with_apt: dict[str, str]) -> None:
    done = peers(with_apt, "chromium")
    assert "FAILED: apt-get: E: an error: the archive is away (" in done.stdout
    assert done.returncode == 0
    assert peers({**with_apt, "CI": "true"}, "chromium").returncode == 1


def suite(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one interop test of a peer that is missing."""
    test = "tests/interop/test_clients.py::test_a_client_does_it_all[nexus-rs-json]"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50
    )


def test_the_suite_skips_a_missing_peer_and_names_it(with_go: dict[str, str]) -> None:
    done = suite(with_go)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "peer nexus is missing: tools/peers" in done.stdout
    assert "peers used: none" in done.stdout
    (unused,) = [line for line in done.stdout.splitlines() if line.startswith("peers not used: ")]
    assert "nexus (missing)" in unused
    assert "autobahn-js (not here: no node, npm)" in unused


def test_in_ci_a_missing_peer_is_a_failure(with_go: dict[str, str]) -> None:
    done = suite({**with_go, "CI": "true"})
    assert done.returncode == 1
    assert "peer nexus is missing: tools/peers" in done.stdout


def test_in_ci_a_lacking_language_is_no_failure(bare: dict[str, str]) -> None:
    done = suite({**bare, "CI": "true"})
    assert done.returncode == 0, done.stdout
    assert "peer nexus is not run: not here: no go" in done.stdout
