"""`wamplite micro` prints a file that a board can hold."""

from __future__ import annotations

import subprocess

from tests.processes import ROOT, wamplite


def test_it_prints_the_file_as_it_stands() -> None:
    done = subprocess.run(wamplite("micro"), cwd=ROOT, capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (ROOT / "wamplite" / "micro" / "uwamp.py").read_bytes()


def test_the_file_is_under_eight_kilobytes_and_says_what_it_may_be_used_for() -> None:
    source = (ROOT / "wamplite" / "micro" / "uwamp.py").read_bytes()
    assert len(source) < 8192
    assert b"MIT licence" in source
