"""tools/arm says why it cannot do its work, before it has touched anything."""

from __future__ import annotations

import os
import subprocess

from tests.processes import ROOT


def test_without_root_it_says_that_it_needs_it_and_does_nothing() -> None:
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    command = [*nobody, "sh", "-s"]  # nobody may not be allowed to read this tree
    script = (ROOT / "tools" / "arm").read_text()
    done = subprocess.run(
        command, input=script, cwd="/", capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "need root: sudo tools/arm" in done.stderr
