#!/usr/bin/env python3
"""Interrupt calls of one session at random moments: each answer is its own, and no thread stays.

    python tools/interrupts.py [TIMES] [--seed N] [--threads N]

TIMES (1000) SIGINTs come to a thread that calls, 0 to 2 milliseconds after the one before was
handled, while other THREADS (2) call over the same session. A session that one has ended is
followed by another. Exit 1 where a call got what another one asked for, waited for its timeout,
or was ended by anything but the loss of its session, or where a thread of the client is left.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import wamplite  # noqa: E402 - from this tree, wherever it is run

ROUTER = """
import sys, wamplite
with wamplite.Router() as router, router.connect() as session:
    session.register("com.example.echo", lambda value: value)
    print(router.listen("rs://127.0.0.1:0"), flush=True)
    sys.stdin.read()
"""
LONGEST = 0.002  # seconds between two interrupts
LOST = 1.0  # Python may lose an interrupt, in a finalizer: send another
ENDED = (wamplite.TransportLost, wamplite.SessionNotReady)


class Hammer:
    """One session after the other, and what went wrong with them."""

    def __init__(self, url: str, times: int, seed: int) -> None:
        self.url = url
        self.times = times
        self.chance = random.Random(seed)
        self.session = wamplite.connect(url)
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.interrupts = 0
        self.armed = threading.Event()  # the next interrupt may come
        self.over = threading.Event()

    def call(self, *value: int) -> None:
        """Call once, and look at the answer."""
        session = self.session
        try:
            answer = session.call("com.example.echo", list(value), options={"timeout": 10})
            self.seen["calls"] += 1
            if answer != list(value):
                self.wrong.append(f"{list(value)} was answered with {answer!r}")
        except ENDED as error:
            self.seen[str(error).rpartition(": ")[2]] += 1
            if value[0] == 0:
                self.session = wamplite.connect(self.url)
            else:  # it is for the first thread to join anew
                self.over.wait(0.001)
        except Exception as error:
            self.wrong.append(f"{list(value)} was ended by {error!r}")

    def call_until_interrupted(self, number: int) -> int:
        """Call until the next interrupt; return the number of the last call."""
        try:
            if self.interrupts % 2:  # it may come while a session is joined
                self.armed.set()
            number += 1
            self.call(0, number)
            self.armed.set()
            while True:
                number += 1
                self.call(0, number)
        except KeyboardInterrupt:
            self.interrupts += 1
        return number

    def call_beside(self, thread: int) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            self.call(thread, number)

    def interrupt(self) -> None:
        """Send SIGINT to the main thread, again and again."""
        main = threading.main_thread().ident or 0
        while not self.over.is_set():
            if not self.armed.wait(LOST):
                continue
            self.armed.clear()
            before = self.interrupts
            self.over.wait(self.chance.uniform(0, LONGEST))
            signal.pthread_kill(main, signal.SIGINT)
            late = time.monotonic() + LOST
            while self.interrupts == before and not self.over.is_set():
                if time.monotonic() > late:
                    self.seen["lost by Python"] += 1
                    self.armed.set()
                    break
                self.over.wait(0.0001)

    def run(self, threads: int) -> None:
        beside = [
            threading.Thread(target=self.call_beside, args=(number,))
            for number in range(1, threads + 1)
        ]
        for thread in (*beside, threading.Thread(target=self.interrupt, daemon=True)):
            thread.start()
        number = 0
        while self.interrupts < self.times:
            number = self.call_until_interrupted(number)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.over.set()
        for thread in beside:
            thread.join()
        self.session.leave()
        patience = time.monotonic() + 5
        while left() and time.monotonic() < patience:  # an ended session's closes within a second
            time.sleep(0.02)
        self.wrong += [f"{name} is left over" for name in left()]


def left() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("wamplite")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("times", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    router = subprocess.Popen(
        [sys.executable, "-c", ROUTER], text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    assert router.stdin is not None and router.stdout is not None
    try:
        hammer = Hammer(router.stdout.readline().strip(), options.times, options.seed)
        hammer.run(options.threads)
    finally:
        router.communicate()
    seen = ", ".join(f"{number} {what}" for what, number in hammer.seen.items())
    print(f"{hammer.interrupts} interrupts, {seen}; {len(hammer.wrong)} went wrong")
    print(*hammer.wrong[:20], sep="\n", end="\n" if hammer.wrong else "")
    return 1 if hammer.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
