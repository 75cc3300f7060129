"""`tools/serial_noise`, with fewer messages than it takes by itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.parametrize(("messages", "error_rate"), [(400, 0.001), (1000, 0)])
def test_a_noisy_line_delivers_no_wrong_value_and_every_call_ends(
    messages: int, error_rate: float
) -> None:
    options = [f"--messages={messages}", f"--error-rate={error_rate}"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "serial_noise"), *options],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["called"] + told["published"] == messages
    assert error_rate or not told["lost"]
    assert not error_rate or told["bytes damaged"] > 10
