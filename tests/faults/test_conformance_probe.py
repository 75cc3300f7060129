"""The conformance probe on a strict router, over both transports and in both serializers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import RouterProcess


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
