#!/usr/bin/env python3
"""Attack a router, one attack after the other, and print what it cost: memory, and others' waiting.

    tools/attack_costs.py                      all, with readers threads and shared
    tools/attack_costs.py pings churn --seconds 20 --readers auto

A line in Markdown for each attack (tools/attacks.py says what each does): megabytes of the router
at most and 3 s afterwards, above what it had before; the milliseconds that somebody else waited for
two new sessions, REGISTER, CALL and its answer, at the median and the longest, and how often that
failed. `nobody`: no attack, which tells what the machine does. Each has a router of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.sessions import Session, open_session  # noqa: E402 - found through ROOT
from tests.processes import RouterProcess, running_router  # noqa: E402
from tools.attack_target import GONE  # noqa: E402
from tools.attacks import ATTACKS  # noqa: E402

SECONDS = 15.0
PAUSE = 0.1  # between two times that the router is looked at
AFTERWARDS = 3.0
OPTIONS = {"deflated": ["--compress"]}
NOBODY = "nobody"


class Cost(NamedTuple):
    """What one attack cost. Megabytes; milliseconds."""

    most: float
    kept: float
    waits: list[float]
    failures: int
    said: str

    def cells(self) -> str:
        """Return it as cells of a table."""
        middle, longest = statistics.median(self.waits or [0.0]), max(self.waits, default=0.0)
        failed = f", {self.failures} failed" if self.failures else ""
        return f"+{self.most:.0f} / +{self.kept:.0f} | {middle:.0f} / {longest:.0f}{failed}"


def main() -> None:
    """Measure what is asked for."""
    options = parse()
    print("| attack | " + " | ".join(f"MB, {mode} | ms, {mode} | it" for mode in options.readers))
    for name in options.attacks or [NOBODY, *ATTACKS]:
        costs = [measured(name, mode, options.seconds) for mode in options.readers]
        cells = " | ".join(f"{cost.cells()} | {cost.said}" for cost in costs)
        print(f"| {name} | {cells} |", flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("attacks", nargs="*", choices=[[], NOBODY, *ATTACKS], metavar="ATTACK")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument(
        "--readers", nargs="+", default=["threads", "shared"], choices=["auto", "threads", "shared"]
    )
    return parser.parse_args()


def measured(name: str, mode: str, seconds: float) -> Cost:
    """Attack a new router, and look at it all the while."""
    with attacked_router("--readers", mode, *OPTIONS.get(name, [])) as (router, tls):
        for _ in range(5):
            waited(router.port)
        before = router.resident_kib()
        waits, failures, said = looked_on(router, tls, name, seconds)
        most = router.status_kib("VmHWM")
        time.sleep(AFTERWARDS)
        kept = router.resident_kib()
    return Cost((most - before) / 1024, (kept - before) / 1024, waits, failures, said)


@contextmanager
def attacked_router(*options: str) -> Iterator[tuple[RouterProcess, int]]:
    """Run a router with everybody's limits; give it, and its port for TLS."""
    with tempfile.TemporaryDirectory() as made:
        words = [sys.executable, "-m", "wamplite", "cert", "-d", made]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        keys = ["--cert", f"{made}/router.pem", "--key", f"{made}/router.key"]
        listen = ["tcp://127.0.0.1:0", "tls://127.0.0.1:0"]
        with running_router(*options, *keys, listen=listen) as router:
            yield router, int(router.urls[1].rpartition(":")[2])


def looked_on(
    router: RouterProcess, tls: int, name: str, seconds: float
) -> tuple[list[float], int, str]:
    """Attack in another process; return how long others waited, failures, and what became."""
    waits, failures = [], 0
    command = [sys.executable, str(ROOT / "tools/attacks.py"), name, str(router.port), str(tls)]
    if name == NOBODY:
        command = [sys.executable, "-c", f"import time; time.sleep({seconds}); print('\"\"')"]
    words = [*command, str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            try:
                waits.append(waited(router.port))
            except GONE:
                failures += 1
            time.sleep(PAUSE)
        assert process.stdout is not None
        return waits, failures, json.loads(process.stdout.read())


def waited(port: int) -> float:
    """Return the milliseconds for two sessions, REGISTER, CALL and its answer."""
    began = time.monotonic()
    sessions: list[Session] = []
    try:
        for dialect in ("rs-msgpack", "ws-json"):
            sessions.append(open_session(port, dialect))
        callee, caller = sessions
        callee.register("attacks.health")
        caller.say(48, 1, {}, "attacks.health")
        callee.say(70, callee.hear()[1], {}, [1])
        assert caller.hear() == [50, 1, {}, [1]]
        took = (time.monotonic() - began) * 1000
        for session in sessions:
            session.leave()
        return took
    finally:
        for session in sessions:
            session.close()


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
