"""What `python -m wamplite` spares at its start and at its end."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import gc, json, sys
from wamplite.__main__ import main
before = gc.get_stats()[0]["collections"]
code = main()
collections = gc.get_stats()[0]["collections"] - before
print(json.dumps([code, gc.isenabled(), collections, gc.get_freeze_count()]))
"""
NOBODY = "tcp://127.0.0.1:1"  # listens there


def test_the_collector_hardly_looks_at_what_stays_until_the_end() -> None:
    command = [sys.executable, "-c", PROGRAM, "call", "--url", NOBODY, "com.example.x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    code, is_enabled, collections, frozen = json.loads(done.stdout)
    assert code == 3, done.stderr
    assert is_enabled
    assert collections <= 3
    assert frozen > 10_000
