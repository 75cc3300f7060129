"""The garbage collector of a router: as usual once it is ready, and never for what was there."""

from __future__ import annotations

import subprocess
import sys

from tests.waiting import PATIENCE

PROGRAM = """
import gc, os, signal, sys, threading
from wamplite.__main__ import main

usual, turn = gc.get_threshold(), threading.Event()

def end_once_it_is_settled():
    while not gc.get_freeze_count() or gc.get_threshold() != usual:
        turn.wait(0.01)
    os.kill(os.getpid(), signal.SIGTERM)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
threading.Thread(target=end_once_it_is_settled, daemon=True).start()
sys.exit(main())
"""


def test_a_router_that_is_ready_has_it_as_usual() -> None:
    words = ["router", "--listen", "tcp://127.0.0.1:0"]
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("ready\n")
