#!/usr/bin/env python3
"""Calls, events and pings within TLS from many threads in both directions, for ten minutes.

    tools/tls_soak.py [--seconds 600] [--every 20] [--growth 1024]

A router in a process of its own, whose certificate is renewed every so many seconds, and in this
one: four speakers over RawSocket and WebSocket, of which each serves a procedure, calls the others
from two threads with payloads of up to 100 KB, publishes from a third and pings from a fourth; two
listeners, whom the router pings because they say nothing; and one who comes, calls and leaves all
the time. Printed are figures, ten times; exit status 1 where a connection broke, an answer or an
event was not what was sent, or memory grew.

Both processes run without the caches of glibc's allocator: it keeps up to seven freed pieces of
each size for each thread, and has an arena for each few threads, which fill for more than ten
minutes (in 2 minutes by 3 MB, where what is held in C does not grow at all).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import wamplite  # noqa: E402 - from this tree, wherever it is run
from tests.processes import RouterProcess, running_router  # noqa: E402
from tests.waiting import until  # noqa: E402
from wamplite.cli import main as command  # noqa: E402
from wamplite.locks import Latch, Lock  # noqa: E402
from wamplite.router.trimming import trim  # noqa: E402

SPEAKERS, LISTENERS = 4, 2
LARGEST = 100_000  # bytes of a payload
PAUSE = 0.005  # seconds of a thread between two requests
INTERVAL = 5.0  # seconds of silence until the router pings
WARM, LATE = (0.3, 0.5), (0.8, 1.0)  # of the time: when memory is compared, by its median
GROWTH = 1024  # KiB by which a process may grow from one to the other
NO_CACHES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1"}
KINDS = (("rss", "", "msgpack"), ("wss", "/ws", "json"))


class Soak:
    """The sessions, the threads, and what they count."""

    def __init__(self, router: RouterProcess, folder: Path, stack: ExitStack) -> None:
        self.router, self._folder = router, folder
        self.port = urlsplit(router.urls[0]).port
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.over = Latch()
        self._lock = Lock()  # guards the counts
        self._last: Counter[tuple[int, int]] = Counter()  # listener, speaker -> its last event
        self.speakers = [self.join(stack, number) for number in range(SPEAKERS)]
        self.listeners = [self.join(stack, number) for number in range(LISTENERS)]
        for number, session in enumerate(self.speakers):
            session.register(f"soak.echo.{number}", lambda value: value)
        for number, session in enumerate(self.listeners):
            session.subscribe("soak.tick", self._hearing(number))

    def join(self, stack: ExitStack, number: int) -> wamplite.Session:
        """Open a session of one of the kinds, which ends with the stack."""
        scheme, path, serializer = KINDS[number % len(KINDS)]
        return stack.enter_context(
            wamplite.connect(
                f"{scheme}://localhost:{self.port}{path}",
                ca=str(self._folder / "ca.pem"),
                serializer=serializer,
                ping_interval=INTERVAL,
            )
        )

    def count(self, what: str) -> None:
        """Note that something was done."""
        with self._lock:
            self.counts[what] += 1

    def _hearing(self, listener: int) -> Callable[[int, int, str], None]:
        def hear(speaker: int, number: int, text: str) -> None:
            self.count("heard")
            before, self._last[listener, speaker] = self._last[listener, speaker], number
            if number != before + 1 or len(text) != number % 1000:
                self.faults.append(f"of speaker {speaker} came {number} after {before}")

        return hear

    def work(self) -> list[threading.Thread]:
        """Start all threads."""
        kinds = (self._call, self._call, self._publish, self._ping)
        threads = [
            threading.Thread(target=self._run, args=(kind, speaker))
            for speaker in range(SPEAKERS)
            for kind in kinds
        ]
        threads.append(threading.Thread(target=self._run, args=(self._come, 0)))
        for thread in threads:
            thread.start()
        return threads

    def _run(self, work: Callable[[int, random.Random], None], speaker: int) -> None:
        chance = random.Random(speaker)
        try:
            while not self.over.wait(PAUSE):
                work(speaker, chance)
        except Exception as error:
            self.faults.append(f"speaker {speaker}: {error!r}")
            self.over.set()

    def _call(self, speaker: int, chance: random.Random) -> None:
        size = chance.choice((10, 100, 1000, LARGEST))
        other = chance.randrange(SPEAKERS)
        if self.speakers[speaker].call(f"soak.echo.{other}", "x" * size) != "x" * size:
            raise AssertionError("an answer is not what was sent")
        self.count("calls")

    def _publish(self, speaker: int, chance: random.Random) -> None:
        with self._lock:
            self.counts["events"] += 1
            self.counts[f"of {speaker}"] += 1
            number = self.counts[f"of {speaker}"]
        told = {"acknowledge": True}
        self.speakers[speaker].publish(
            "soak.tick", speaker, number, "x" * (number % 1000), options=told
        )

    def _ping(self, speaker: int, chance: random.Random) -> None:
        self.speakers[speaker]._shared._channel.ping()
        self.count("pings")

    def _come(self, speaker: int, chance: random.Random) -> None:
        with ExitStack() as stack:
            self.join(stack, chance.randrange(SPEAKERS)).call("soak.echo.0", 1)
        self.count("visits")

    def renew(self) -> None:
        """Renew the router's certificate."""
        with contextlib.redirect_stdout(io.StringIO()):
            if command(["cert", "renew", "--directory", str(self._folder)]):
                self.faults.append("the certificate was not renewed")
        self.count("renewals")

    def memory(self) -> tuple[int, int]:
        """Return the resident memory of the router and of this process, in KiB.

        Of this one what is free goes back first, as in a router it does by itself.
        """
        trim()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return self.router.resident_kib(), pages * resource.getpagesize() // 1024


def soak(seconds: float, every: float, growth: int) -> list[str]:
    """Do it; return what was wrong."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        with contextlib.redirect_stdout(io.StringIO()):
            assert command(["cert", "--directory", name]) == 0
        files = ["--cert", str(folder / "router.pem"), "--key", str(folder / "router.key")]
        options = [*files, "--ping-interval", str(INTERVAL)]
        router = stack.enter_context(running_router(*options, listen=["tls://127.0.0.1:0"]))
        running = Soak(router, folder, stack)
        threads = running.work()
        try:
            memory = watch(running, seconds, every)
        finally:
            running.over.set()
            for thread in threads:
                thread.join(60)
        if not running.faults:
            wanted = LISTENERS * running.counts["events"]
            until(lambda: running.counts["heard"] == wanted, lambda: f"{running.counts}, {wanted}")
        for who, samples in zip(("router", "clients"), zip(*memory, strict=True), strict=True):
            before, after = (middle(samples, share) for share in (WARM, LATE))
            print(f"{who}: {before:.0f} KiB, later {after:.0f} KiB")
            if after - before > growth:
                running.faults.append(f"the {who} grew by more than {growth} KiB")
        return running.faults


def middle(samples: Sequence[int], share: tuple[float, float]) -> float:
    """Return the median of a part of some samples."""
    first, last = (round(len(samples) * each) for each in share)
    return median(samples[first:last] or samples)


def watch(running: Soak, seconds: float, every: float) -> list[tuple[int, int]]:
    """Print figures and renew the certificate until it is over; return the memory meanwhile."""
    began = time.monotonic()
    renewed, shown, memory = began, began, [running.memory()]
    while (now := time.monotonic()) < began + seconds and not running.over.wait(seconds / 200):
        memory.append(running.memory())
        if now - renewed >= every:
            renewed = now
            running.renew()
        if now - shown >= seconds / 10:
            shown = now
            show(running, now - began)
    show(running, time.monotonic() - began)
    return memory


def show(running: Soak, seconds: float) -> None:
    """Print a line."""
    told = {name: running.counts[name] for name in ("calls", "events", "heard", "pings", "visits")}
    router, clients = running.memory()
    figures = " ".join(f"{name}={number}" for name, number in told.items())
    renewals = running.counts["renewals"]
    print(f"{seconds:6.0f} s {figures} renewals={renewals} router={router} clients={clients} KiB")
    sys.stdout.flush()


def main() -> int:
    """Run it, and tell what was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between renewals")
    parser.add_argument("--growth", type=int, default=GROWTH, help="of memory, in KiB")
    options = parser.parse_args()
    if not NO_CACHES.items() <= os.environ.items():  # they are read when a process begins
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **NO_CACHES})
    faults = soak(options.seconds, options.every, options.growth)
    print("\n".join(faults) or "not one connection broke")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
