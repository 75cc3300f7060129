"""The black-box probe of the Advanced Profile, asked of a router that listens on one port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

PROBE = "probe/advanced.py"
# Checks that want no other session to leave meanwhile, though those of the check before have only
# just closed their sockets: asked again alone when they fail, where nobody is left who could.
DISTURBED = {"sm_kill"}


# On each transport, and with each serializer, where there is no time for each pair of them
PAIRS = [
    ("rawsocket", "msgpack"),
    ("ws", "json"),
    pytest.param("rawsocket", "json", marks=pytest.mark.long),
    pytest.param("ws", "msgpack", marks=pytest.mark.long),
]
EITHER_WAY = pytest.mark.parametrize(("primary", "serializer"), PAIRS)


class Tally(NamedTuple):
    """What came of it."""

    passed: int
    failed: int
    skipped: int
    lines: list[str]

    @property
    def wrong(self) -> str:
        """Return the lines of what did not pass, to show."""
        return "\n".join(line for line in self.lines if not line.startswith("PASS"))


def users(shared: Path) -> str:
    """Return the principals and roles that it wants, in JSON."""
    command = [sys.executable, str(shared / PROBE), "--print-users"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


def ask(
    shared: Path, port: int | str, primary: str, serializer: str, *words: str, seconds: float = 140
) -> Tally:
    """Ask all that `words` do not leave out, of a router that has all features and is strict."""
    command = [sys.executable, str(shared / PROBE), "--strict", "--all-features"]
    command += ["--rawsocket", f"127.0.0.1:{port}", "--ws", f"ws://127.0.0.1:{port}/ws"]
    command += ["--primary", primary, "--serializer", serializer, "--realm", "realm1", *words]
    tally = run(command, seconds)
    failed = {line.split()[1] for line in tally.lines if line.startswith("FAIL ")}
    if not failed or not failed <= DISTURBED:
        return tally
    again = run([*command, "--only", ",".join(failed)], seconds)
    passed = tally.passed + again.passed
    return Tally(passed, again.failed, tally.skipped, tally.lines + again.lines)


def run(command: list[str], seconds: float) -> Tally:
    """Run the probe and count."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    passed, failed, skipped = (int(word) for word in lines[-1].split()[:5:2])
    assert done.returncode == (1 if failed else 0), done.stdout + done.stderr
    return Tally(passed, failed, skipped, lines)
