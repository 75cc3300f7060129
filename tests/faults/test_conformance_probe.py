"""The conformance probe on a strict router, over both transports and in both serializers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.probe import EITHER_WAY, ask
from tests.processes import RouterProcess, running_router


@pytest.fixture(scope="module")
def options() -> list[str]:
    return [
        "--strict",
        "--feature",
        "pattern_based_subscription",
        "--feature",
        "publisher_exclusion",
    ]


@pytest.fixture(scope="module")
def featured() -> Iterator[RouterProcess]:
    """A strict router with all that there is."""
    options = ("--strict", "--feature", "all", "--longpoll", "--history", "prefix:adv.history")
    with running_router(*options) as process:
        yield process


@pytest.mark.sampled
@EITHER_WAY
@pytest.mark.parametrize("all_features", [False, True])
def test_no_check_of_the_basic_profile_fails(
    shared: Path,
    router: RouterProcess,
    featured: RouterProcess,
    all_features: bool,
    primary: str,
    serializer: str,
) -> None:
    router = featured if all_features else router
    command = [sys.executable, str(shared / "probe/conformance.py"), "--primary", primary]
    command += ["--rawsocket", f"127.0.0.1:{router.port}", "--ws", router.ws]
    command += ["--serializer", serializer, *(["--all-features"] if all_features else [])]
    probe = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert probe.returncode == 0, probe.stdout + probe.stderr
    passed, failed = (int(word) for word in probe.stdout.splitlines()[-1].split()[:3:2])
    assert failed == 0, probe.stdout
    assert passed >= 23, probe.stdout


# What the probe skips: nobody configures who they are or what they may do.
NOT_ASKED = ("no --auth-realm given", "no --nodisclose-realm given")


@pytest.mark.sampled
@pytest.mark.timeout(150)
@EITHER_WAY
def test_no_check_of_the_advanced_profile_fails(
    shared: Path, featured: RouterProcess, primary: str, serializer: str
) -> None:
    more = ["--longpoll", f"http://127.0.0.1:{featured.port}/lp", "--history", "adv.history"]
    tally = ask(shared, featured.port, primary, serializer, *more)
    skipped = [line for line in tally.lines if line.startswith("SKIP ")]
    assert all(line.endswith(NOT_ASKED) for line in skipped), skipped
    assert tally.failed == 0 and tally.passed >= 60, tally.wrong
