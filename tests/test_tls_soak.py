"""`tools/tls_soak.py`, scaled down: nothing breaks within TLS while certificates are renewed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.long


def test_not_one_connection_breaks() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not here")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "tls_soak.py"]
        + ["--seconds", "4", "--every", "0.5", "--growth", "8192"],
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("\nnot one connection broke\n")
    told = dict(re.findall(r"(\w+)=(\d+)", done.stdout))  # the last of each
    for name in ("calls", "events", "heard", "pings", "visits", "renewals"):
        assert int(told[name]) > 2, done.stdout
