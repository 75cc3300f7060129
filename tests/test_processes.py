"""What tests may rely on when they start a program."""

from __future__ import annotations

import signal
import sys

from tests.processes import running

BUSY = """
import threading
for _ in range(7):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


def test_after_sigstop_no_thread_of_a_program_runs() -> None:
    with running(sys.executable, "-c", BUSY) as program:
        assert program.line() == "ready"
        for _ in range(50):
            program.interrupt(signal.SIGSTOP)
            assert program.states() == ["T"] * 8
            program.interrupt(signal.SIGCONT)
