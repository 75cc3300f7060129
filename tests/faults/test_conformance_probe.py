"""The conformance probe on a strict router, over both transports and in both serializers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
@pytest.mark.parametrize("primary", ["rawsocket", "ws"])
def test_no_check_of_the_probe_fails(
    shared: Path, router: RouterProcess, primary: str, serializer: str
) -> None:
    command = [sys.executable, str(shared / "probe/conformance.py"), "--primary", primary]
    command += ["--rawsocket", f"127.0.0.1:{router.port}", "--ws", router.ws]
    command += ["--serializer", serializer]
    probe = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert probe.returncode == 0, probe.stdout + probe.stderr
    passed, failed = (int(word) for word in probe.stdout.splitlines()[-1].split()[:3:2])
    assert failed == 0, probe.stdout
    assert passed >= 23, probe.stdout


# What the probe skips: nobody configures who they are or what they may do.
NOT_ASKED = ("no --auth-realm given", "no --nodisclose-realm given")


@pytest.fixture(scope="module")
def featured() -> Iterator[RouterProcess]:
    """A strict router with all that there is."""
    options = ("--strict", "--feature", "all", "--longpoll", "--history", "prefix:adv.history")
    with running_router(*options) as process:
        yield process


@pytest.mark.timeout(150)
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
@pytest.mark.parametrize("primary", ["rawsocket", "ws"])
def test_no_check_of_the_advanced_profile_fails(
    shared: Path, featured: RouterProcess, primary: str, serializer: str
) -> None:
    command = [sys.executable, str(shared / "probe/advanced.py"), "--primary", primary]
    command += ["--rawsocket", f"127.0.0.1:{featured.port}", "--ws", featured.ws]
    command += ["--longpoll", f"http://127.0.0.1:{featured.port}/lp", "--history", "adv.history"]
    command += ["--serializer", serializer, "--realm", "realm1", "--strict", "--all-features"]
    probe = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False)
    lines = probe.stdout.splitlines()
    assert probe.returncode == 0, probe.stdout + probe.stderr
    skipped = [line for line in lines if line.startswith("SKIP ")]
    assert all(line.endswith(NOT_ASKED) for line in skipped), skipped
    passed, failed = (int(word) for word in lines[-1].split()[:3:2])
    assert failed == 0, probe.stdout
    assert passed >= 60, probe.stdout
