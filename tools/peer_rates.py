"""Load wamplite and whichever other routers are installed (`tools/peers`), in turn, and compare.

All routers run at the same time, so that what else the machine does meets them alike; the order
changes each round. A cell of the table has the median of the ratios of each round to the first
router that is there of nexus, nxt, Crossbar; p50 and p99 in milliseconds; and the processor time
of the router for one call, event or session, in microseconds, which other programs disturb least.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.interop.foreign import start_all  # noqa: E402 - from this tree

TICKS = os.sysconf("SC_CLK_TCK")
SCENARIOS = {
    "rpc C1 W1 16 B": "rpc -C 1 -W 1 -P 16",
    "rpc C8 W16 16 B": "rpc -C 8 -W 16 -P 16",
    "rpc C8 W16 1 KB": "rpc -C 8 -W 16 -P 1024",
    "rpc C8 W2 64 KB": "rpc -C 8 -W 2 -P 65536",
    "rpc C64 W1 16 B": "rpc -C 64 -W 1 -P 16",
    "rpc C256 W1 16 B": "rpc -C 256 -W 1 -P 16",
    "pubsub S1 16 B": "pubsub -S 1 -P 16 --inflight 48",
    "pubsub S10 16 B": "pubsub -S 10 -P 16 --inflight 48",
    "pubsub S100 16 B": "pubsub -S 100 -P 16 --inflight 48",
    "pubsub S10 1 KB": "pubsub -S 10 -P 1024 --inflight 48",
    "pubsub S10 64 KB": "pubsub -S 10 -P 65536 --inflight 8",
    "churn C8": "churn -C 8",
}
TRANSPORTS = {"rs": ("RawSocket, MsgPack", "msgpack"), "ws": ("WebSocket, JSON", "json")}
ROOM = "4200"  # connections, all of one address


class Load(NamedTuple):
    """What a router has shown under one load. `wrong`: calls refused, events lost."""

    rate: float
    p50: float  # milliseconds
    p99: float
    cost: float  # microseconds of processor time for each
    wrong: int


class Started(NamedTuple):
    """A router that runs, with its children: URLs by transport."""

    pid: int
    urls: dict[str, str]

    def seconds(self) -> float:
        """Return how much processor time they have taken."""
        return sum(map(_seconds, _tree(self.pid)))


def tables(
    wampload: str, rounds: int, seconds: float, only: str = "", transports: Sequence[str] = ()
) -> Iterator[str]:
    """Measure, and give a table in Markdown for each transport, a line at a time."""
    scenarios = {name: words for name, words in SCENARIOS.items() if only in name}
    for transport in transports or TRANSPORTS:
        found: dict[str, dict[str, list[Load]]] = {name: {} for name in scenarios}
        with routers() as there:
            names = [name for name, router in there.items() if transport in router.urls]
            for turn in range(rounds):
                for scenario, words in scenarios.items():
                    for name in names[turn % len(names) :] + names[: turn % len(names)]:
                        load = loaded(wampload, words, seconds, there[name], transport)
                        found[scenario].setdefault(name, []).append(load)
        yield f"\n| {TRANSPORTS[transport][0]} | {' | '.join(names)} |"
        yield "|" + " --- |" * (1 + len(names))
        for scenario, loads in found.items():
            cells = [cell(loads[name], loads[names[0]]) for name in names]
            yield f"| {scenario} | {' | '.join(cells)} |"


def cell(mine: list[Load], first: list[Load]) -> str:
    """Return what stands in the table for a router and a scenario."""
    ratios = [one.rate / other.rate for one, other in zip(mine, first, strict=True) if other.rate]
    ratio = statistics.median(ratios) if ratios else 0.0
    rate, p50, p99, cost, _ = (statistics.median(each) for each in zip(*mine, strict=True))
    wrong = sum(load.wrong for load in mine)
    told = f"{ratio:.2f}x ({rate:,.0f}) / {p50:.2f} / {p99:.1f} / {cost:.3g}"
    return f"{told} !{wrong}" if wrong else told


@contextmanager
def routers() -> Iterator[dict[str, Started]]:
    """Start wamplite and the others; the first of them is what the ratios are taken to."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        foreign = stack.enter_context(start_all(directory))
        there = {
            name: Started(router.process.pid, {each: router.url(each) for each in router.port})
            for name, router in foreign.items()
            if name != "xconn"  # which serves WebSocket only, and slowly
        }
        there["wamplite"] = stack.enter_context(wamplite())
        yield there


@contextmanager
def wamplite() -> Iterator[Started]:
    """Start a router of this tree."""
    words = [sys.executable, "-m", "wamplite", "router", "--log-level", "error"]
    words += ["--listen", "rs://127.0.0.1:0", "--listen", "ws://127.0.0.1:0"]
    words += ["--max-connections", ROOM, "--max-connections-per-address", ROOM]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            rs, ws = (process.stdout.readline().split()[1] for _ in range(2))
            assert process.stdout.readline().strip() == "ready"
            yield Started(process.pid, {"rs": rs, "ws": ws})
        finally:
            process.terminate()


def loaded(wampload: str, words: str, seconds: float, router: Started, transport: str) -> Load:
    """Load a router for a while."""
    command = [wampload, *words.split(), "--url", router.urls[transport]]
    command += ["--ser", TRANSPORTS[transport][1], "-D", str(seconds)]
    before = router.seconds()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 + 3 * seconds)
    cost = router.seconds() - before
    told = json.loads(done.stdout.splitlines()[-1])
    wrong = sum(told.get(kind) or 0 for kind in ("errors", "lost", "connfail"))
    times = ((told.get(each) or 0) / 1000 for each in ("p50_us", "p99_us"))
    return Load(told["rate"], *times, cost / max(told["total"], 1) * 1e6, wrong)


def _tree(pid: int) -> Iterator[int]:
    """Give a process and all that descend from it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                yield from _tree(int(child))
        except OSError:  # a thread that has ended meanwhile
            continue


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:  # it has ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
