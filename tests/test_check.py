"""The code is formatted, linted and typed: `tools/check` with the tools of this environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.timeout(300)
def test_format_lint_and_types_are_clean() -> None:
    checked = subprocess.run(
        [ROOT / "tools" / "check"],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=290,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
