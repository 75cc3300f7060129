#!/usr/bin/env python3
"""Measure what it costs to read and check one message, in each serializer, on this machine.

    python tools/gate_speed.py [--rounds 7]

Microseconds of `loads`, the least of some rounds. The first rows are what sessions send; those
behind the line are made to be slow: a message that is refused at once has no figure here.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

from wamplite import serializers
from wamplite.core.errors import ProtocolError

MIB = 2**20
POINT = {"device": "probe7", "t": 1234, "value": 21.5, "unit": "C", "tags": ["a", "b"], "ok": True}


def messages() -> dict[str, list[Any] | None]:
    """Return an argument list for each row; None draws the line."""
    return {
        "text, 16 B": ["x" * 16],
        "text, 1 KB": ["x" * 1024],
        "text, 64 KB": ["x" * 65_536],
        "text, 1 MB": ["x" * MIB],
        "bytes, 64 KB": [bytes(range(256)) * 256],
        "small dicts, 1 KB": [POINT] * 12,
        "small dicts, 16 KB": [POINT] * 190,
        "floats, 1000": [[index + 0.5 for index in range(1000)]],
        "integers, 10,000": [list(range(10_000))],
        "-": None,
        "bytes of zeros, 1 MB": [bytes(MIB)],
        "text of NULs, 1 MB": ["a" + "\0" * MIB],
        "text of semicolons, 1 MB": [";" * MIB],
        "bytes of 0x3b80, 1 MB": [b"\x3b\x80" * (MIB // 2)],
        "bytes of 0xa1, 1 MB": [b"\xa1" * MIB],
        "bytes of 0x9161, 1 MB": [b"\x91\x61" * (MIB // 2)],
        "64 bytes of 0xa100": [b"\xa1\0" * 32],
        "zeros, 60,000": [[0] * 60_000],
        "empty lists, 50,000": [[[] for _ in range(50_000)]],
        "empty texts, 60,000": [[""] * 60_000],
        "text of brackets, 1 MB": ["[" * MIB],
        "text of quotes, 1 MB": ['"' * MIB],
        "text of digits, 1 MB": ["9" * MIB],
    }


def least(run: Callable[[], Any], rounds: int) -> float:
    """Return the seconds of the fastest run; fast ones are run many times a round."""
    begun = time.perf_counter()
    run()
    times = max(1, int(0.01 / (time.perf_counter() - begun + 1e-9)))
    fastest = math.inf
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(times):
            run()
        fastest = min(fastest, (time.perf_counter() - begun) / times)
    return fastest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="the fastest counts")
    options = parser.parse_args()
    readers = [serializers.get(name) for name in serializers.available()]
    print(f"{'us':26}" + "".join(f"{reader.name:>12}" for reader in readers))
    for name, args in messages().items():
        if args is None:
            print("-" * (26 + 12 * len(readers)))
            continue
        row = f"{name:26}"
        for reader in readers:
            data = reader.dumps([48, 70_000, {}, "com.example.echo", args])
            try:
                seconds = least(lambda data=data, loads=reader.loads: loads(data), options.rounds)  # type: ignore[misc]
                row += f"{seconds * 1e6:12,.1f}"
            except ProtocolError:
                row += f"{'refused':>12}"
        print(row)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
