#!/usr/bin/env python3
"""Measure what features cost that nobody uses: a router with the standard ones beside a basic one.

    python tools/feature_rates.py WAMPLOAD [--rounds 5] [--seconds 2] [--features standard,all]
    python tools/feature_rates.py WAMPLOAD --permissions 100     authorization beside none

WAMPLOAD is a load generator: `WAMPLOAD SCENARIO --url URL --ser msgpack -D SECONDS` prints a line
of JSON with `rate`. The routers are loaded in turn; a row has the median of the ratios of each pair
to the rate of the first router, and the least and the greatest; then the same of the processor time
that a call or event takes, which other programs disturb less. The first router is the basic one;
with `--permissions` it has the features of the first group, and the second the same and
authorization with so many permissions.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
SCENARIOS = ("rpc -C 8 -W 16", "rpc -C 1 -W 1", "pubsub -S 100")


class Started(NamedTuple):
    """A router that runs."""

    url: str
    process: int

    def seconds(self) -> float:
        """Return how much processor time it has taken."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


class Load(NamedTuple):
    """What one run of the load generator has shown."""

    rate: float  # calls or events a second
    cost: float  # processor time of the router for one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wampload")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--features", default="standard")
    parser.add_argument("--permissions", type=int, default=0)
    options = parser.parse_args()
    groups = ["basic", *options.features.split(",")]
    if options.permissions:
        groups = [groups[1], f"{groups[1]}+{options.permissions}"]
    with ExitStack() as stack:
        routers = {group: started(stack, group) for group in groups}
        for scenario in SCENARIOS:
            loads: dict[str, list[Load]] = {group: [] for group in groups}
            for _ in range(options.rounds):
                for group, router in routers.items():
                    loads[group].append(loaded(options, scenario, router))
            first = loads[groups[0]]
            for group in groups[1:]:
                pairs = list(zip(loads[group], first, strict=True))
                rates = spread([mine.rate / its.rate for mine, its in pairs])
                costs = spread([mine.cost / its.cost for mine, its in pairs if its.cost])
                print(f"{scenario:16} {group:12} {rates}  time {costs}")
    return 0


def spread(ratios: list[float]) -> str:
    """Return the median, the least and the greatest."""
    if not ratios:
        return "-"
    return f"{statistics.median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})"


def started(stack: ExitStack, group: str) -> Started:
    """Start a router, which ends with the stack."""
    group, _, permissions = group.partition("+")
    words = [sys.executable, "-m", "wamplite", "router", "--listen", "rs://127.0.0.1:0"]
    words += ["--feature", group, "--log-level", "warning"]
    if permissions:
        words = [sys.executable, "-m", "tools.guarded_router", group, permissions]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    stack.callback(process.wait, 10)
    stack.callback(process.terminate)
    assert process.stdout is not None
    url = process.stdout.readline().split()[1]
    assert process.stdout.readline().strip() == "ready"
    return Started(url, process.pid)


def loaded(options: argparse.Namespace, scenario: str, router: Started) -> Load:
    """Load a router for a while."""
    words = [options.wampload, *scenario.split(), "--url", router.url, "--ser", "msgpack"]
    words += ["-D", str(options.seconds)]
    before = router.seconds()
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    rate = json.loads(done.stdout.splitlines()[-1])["rate"]
    return Load(rate, (router.seconds() - before) / (rate * options.seconds))


if __name__ == "__main__":
    sys.exit(main())
