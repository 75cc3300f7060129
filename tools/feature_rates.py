#!/usr/bin/env python3
"""Measure what features cost that nobody uses: a router with the standard ones beside a basic one.

    python tools/feature_rates.py WAMPLOAD [--rounds 5] [--seconds 2] [--features standard,all]
    python tools/feature_rates.py WAMPLOAD --permissions 100     authorization beside none

WAMPLOAD is a load generator: `WAMPLOAD SCENARIO --url URL --ser msgpack -D SECONDS` prints a line
of JSON with `rate`. The routers are loaded in turn; a row has the median of the ratios of each pair
to the rate of the first router, and the least and the greatest. The first is the basic one; with
`--permissions` it has the features of the first group, and the second the same and authorization
with so many permissions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = ("rpc -C 8 -W 16", "rpc -C 1 -W 1", "pubsub -S 100")


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
        urls = {group: started(stack, group) for group in groups}
        for scenario in SCENARIOS:
            rates: dict[str, list[float]] = {group: [] for group in groups}
            for _ in range(options.rounds):
                for group, url in urls.items():
                    rates[group].append(rate(options, scenario, url))
            for group in groups[1:]:
                pairs = zip(rates[group], rates[groups[0]], strict=True)
                ratios = [mine / first for mine, first in pairs]
                print(
                    f"{scenario:16} {group:12} {statistics.median(ratios):.3f}"
                    f"  ({min(ratios):.3f} to {max(ratios):.3f})"
                )
    return 0


def started(stack: ExitStack, group: str) -> str:
    """Start a router, which ends with the stack, and return its URL."""
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
    return url


def rate(options: argparse.Namespace, scenario: str, url: str) -> float:
    """Return how many calls or events a second the router carries."""
    words = [options.wampload, *scenario.split(), "--url", url, "--ser", "msgpack"]
    words += ["-D", str(options.seconds)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told["rate"]


if __name__ == "__main__":
    sys.exit(main())
