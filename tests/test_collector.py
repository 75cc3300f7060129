"""The garbage collector of programs that run: as usual once they have started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import running_router
from tests.waiting import PATIENCE

PROGRAM = """
import gc, os, signal, sys, threading
from wamplite.__main__ import main

usual, turn = gc.get_threshold()[:2], threading.Event()

def end_once_it_is_settled():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # it is for the main thread
    while not gc.get_freeze_count() or gc.get_threshold()[:2] != usual:
        turn.wait(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_once_it_is_settled, daemon=True).start()
sys.exit(main())
"""
BRIDGE = """
[session]
url = "tcp://127.0.0.1:1"

[[port]]
name = "a"
device = "/dev/there-is-none"
decode = "text"
[[port.publish]]
topic = "com.example.a"
"""


@pytest.mark.parametrize("verb", ["router", "sub", "bridge"])
def test_a_program_that_has_started_has_it_as_usual(verb: str, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text(BRIDGE)
    with running_router() as router:
        words = {
            "router": ["--listen", "tcp://127.0.0.1:0"],
            "sub": ["com.example.a", "--url", router.rs],
            "bridge": [str(tmp_path / "bridge.toml")],
        }[verb]
        command = [sys.executable, "-c", PROGRAM, verb, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
