#!/usr/bin/env python3
"""Send Ctrl-C at random moments to programs that use wamplite: each must end at once, and cleanly.

    python tools/ctrl_c.py [TIMES] [--seed N]

TIMES (200) programs, of each kind in turn, get SIGINT once, 0 to 600 milliseconds after Python has
begun to run them, and for a command has read wamplite/__main__.py. Each must end within 2 seconds:
a script by KeyboardInterrupt and with no other trace, a command with 130 or, where a signal is how
it ends, 0, and without any. Exit 1 at the first that does not, with what it said.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import wamplite  # noqa: E402 - from this tree, wherever it is run

LATE = 2.0  # seconds
LONGEST = 0.6
BEGUN = "import os; os.write(2, b'begun\\n'); "
SCRIPT = BEGUN + "import sys, wamplite\nurl = sys.argv[1]\n"
COMMAND = "import sys\nfrom wamplite.__main__ import main\n" + BEGUN + "sys.exit(main())"
INTERRUPTED = -signal.SIGINT
FRAMES = ("Traceback ", "  ", "KeyboardInterrupt", "Exception ignored in: ")
# What was being handled when it came: a receive that had nothing to give in time.
FRAMES += ("BlockingIOError: ", "During handling of the above exception, ")


class Kind(NamedTuple):
    """A program: its words after `python -c`, and the exit codes it may end with."""

    words: tuple[str, ...]
    codes: tuple[int, ...]
    is_script: bool


def script(text: str) -> Kind:
    return Kind((SCRIPT + text, "URL"), (INTERRUPTED, 1), True)


def command(*words: str, codes: tuple[int, ...] = (130, INTERRUPTED)) -> Kind:
    return Kind((COMMAND, *words), codes, False)


KINDS = {
    "call": script(
        "with wamplite.connect(url) as session:\n while True: session.call('com.example.echo', 1)"
    ),
    "publish": script(
        "with wamplite.connect(url) as session:\n"
        " while True: session.publish('com.example.t', 1, options={'acknowledge': True})"
    ),
    "subscribe": script(
        "import queue\ncame = queue.Queue()\n"
        "with wamplite.connect(url) as session:\n"
        " session.subscribe('com.example.t', came.put)\n while True: came.get()"
    ),
    "sub": command("sub", "com.example.t", "--url", "URL"),
    "verb call": command("call", "com.example.slow", "--url", "URL"),
    "router": command("router", "--listen", "rs://127.0.0.1:0", codes=(0, 130, INTERRUPTED)),
}


def wrong_with(kind: Kind, url: str, moment: float) -> str | None:
    """Run a program, interrupt it, and say what was wrong with its end."""
    words = [sys.executable, "-c", *(word.replace("URL", url) for word in kind.words)]
    process = subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        process.stderr.readline()
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        said = ending(process)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"still there after {LATE} s: {process.communicate()[1]}"
    took = time.monotonic() - began
    if process.returncode not in kind.codes:
        return f"exit code {process.returncode} after {took:.2f} s: {said}"
    lines = [line for line in said.splitlines() if not line.startswith("20")]  # of the log
    strange = [line for line in lines if line and not (kind.is_script and line.startswith(FRAMES))]
    return f"it said: {said}" if strange else None


def ending(process: subprocess.Popen[str]) -> str:
    """Wait for the end; where Python lost the interrupt in a callback of its own, ask again."""
    try:
        return process.communicate(timeout=LATE)[1]
    except subprocess.TimeoutExpired as late:
        if b"Exception ignored in" not in (late.stderr or b""):
            raise
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=LATE)[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("times", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with wamplite.Router() as router, router.connect() as session:
        url = router.listen("rs://127.0.0.1:0")
        session.register("com.example.echo", lambda value: value)
        session.register("com.example.slow", lambda: time.sleep(1))
        for number in range(options.times):
            name, kind = list(KINDS.items())[number % len(KINDS)]
            moment = chance.uniform(0, LONGEST)
            if wrong := wrong_with(kind, url, moment):
                print(f"{name}, {moment * 1000:.0f} ms: {wrong}")
                return 1
    print(f"{options.times} programs were interrupted, and all ended as they should")
    return 0


if __name__ == "__main__":
    sys.exit(main())
