#!/usr/bin/env python3
"""Kill a router with kill -9 while it keeps events in files: nothing acknowledged may be lost.

    python tools/store_kills.py [KILLS]

Each time a router is started on the same folder, what the last one acknowledged must be there: each
event that the history has room for, and the retained value, which may be a newer one that was on
its way. Then events are published until it is killed, after 50 to 500 milliseconds. Prints a line
behind each 50 kills; exit 1 and what is missing at the first loss.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import wamplite  # noqa: E402 - from this tree, wherever it is run
from wamplite.advanced.event_history import MOST  # noqa: E402

READY = 120.0  # seconds: on a busy machine, too
LAST = "com.example.last"
OFTEN = 50  # kills from one line to the next


class Killed:
    """One life of a router, on a folder that outlives it."""

    def __init__(self, folder: str) -> None:
        words = [sys.executable, "-m", "wamplite", "router", "--listen", "rs://127.0.0.1:0"]
        words += ["--history", "prefix:com.example", "--keep", folder, "--log-level", "warning"]
        self.process = subprocess.Popen(
            words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        watchdog = threading.Timer(READY, self.process.kill)
        watchdog.start()
        listening = self.process.stdout.readline()
        ready = self.process.stdout.readline()
        watchdog.cancel()
        if ready.strip() != "ready":
            self.process.kill()
            raise SystemExit(f"the router did not start: {self.process.communicate()[1]}")
        self.url = listening.split()[1]

    def kill(self) -> str:
        """Kill it as a power cut would; return what it logged."""
        self.process.kill()
        return self.process.communicate()[1]


class Trial:
    """What was acknowledged, life after life."""

    def __init__(self, folder: str, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.acknowledged: list[int] = []  # of the last life, to its own topic
        self.last = 0  # what was retained and acknowledged
        self.value = 0
        self.events = 0
        self.topic = "com.example.life0"

    def live(self, number: int) -> list[str]:
        """Look at what the last life left, and publish until the router is killed."""
        router = Killed(self.folder)
        try:
            with wamplite.connect(router.url, timeout=READY) as session:
                missing = self.missing(session)
                self.topic, self.acknowledged = f"com.example.life{number}", []
                patience = self.random.uniform(0.05, 0.5)
                threading.Timer(patience, router.process.kill).start()
                self.publish(session)
        except wamplite.TransportLost:
            pass
        router.process.wait(READY)
        said = router.kill()
        return [*missing, *said.splitlines()]

    def missing(self, session: Any) -> list[str]:
        """Return what is not there that must be."""
        kept = {event["args"][0] for event in session.meta.history(self.topic)}
        newest = self.acknowledged[1 - MOST :]  # one more may have been on its way
        lost = [f"{self.topic}: {value}" for value in newest if value not in kept]
        found: list[int] = []
        session.subscribe(LAST, found.append, options={"get_retained": True})
        session.subscribe(LAST, lambda _: None)  # answered behind the event
        session.drain()
        if self.last and (not found or found[0] < self.last):
            lost.append(f"retained: {found}, not {self.last}")
        return lost

    def publish(self, session: Any) -> None:
        """Publish to both, until the connection is lost."""
        while True:
            self.value += 1
            session.publish(self.topic, self.value, options={"acknowledge": True})
            self.acknowledged.append(self.value)
            asked = {"acknowledge": True, "retain": True}
            session.publish(LAST, self.value, options=asked)
            self.last = self.value
            self.events += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kills", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(folder, options.seed)
        for number in range(1, options.kills + 1):
            if lost := trial.live(number):
                print(f"after kill {number - 1}:", *lost, sep="\n  ")
                return 1
            if number % OFTEN == 0:
                spent = time.monotonic() - began
                print(f"{number} kills, {trial.events} events, {spent:.0f} s", flush=True)
    print(f"{options.kills} kills, {trial.events} events acknowledged: nothing is lost")
    return 0 if trial.events > options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
