#!/usr/bin/env python3
"""Measure how features grow: what patterns cost a PUBLISH or a CALL, and retained topics in memory.

    python tools/feature_growth.py

In one process. Patterns of twenty shapes, a hundred and ten thousand of them, of which one fits:
microseconds for a look-up, and the ratio. Topics of retained events: bytes of each, beside its
payload and its own name.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wamplite import features  # noqa: E402 - from this tree, wherever it is run
from wamplite.core.members import Identity, Join, Member  # noqa: E402
from wamplite.core.messages import Publish, Register, Subscribe  # noqa: E402
from wamplite.core.realm import Realm  # noqa: E402

LOOKS = 2000
ROUNDS = 7
TOPICS = 10_000
ROLES: dict[str, Any] = {"publisher": {}, "subscriber": {}, "callee": {}}


class Clock:
    """Time, and no timers."""

    def now(self) -> float:
        return time.time()

    def later(self, seconds: float, run: Any) -> Any:
        return lambda: None


def joined() -> tuple[Realm, Member]:
    """Return a realm with the standard features, and a member to whom nothing is sent."""
    room = {"max_subscriptions": 20_000, "max_registrations": 20_000, "max_in_realm": 40_000}
    realm = Realm("realm1", clock=Clock(), features=features.for_router("standard"), **room)
    identity = Identity("peer", "anonymous", "anonymous", "static")
    member = Member(1, identity, ROLES, lambda _: True, lambda _: True, lambda: None)
    realm.handle(member, Join())
    return realm, member


def pattern(number: int) -> tuple[str, str]:
    """Return a match policy and a pattern, of twenty shapes."""
    shape, own = number % 20, f"n{number}"
    words = [f"w{index}" for index in range(3 + shape // 4)] + [own]
    if shape % 2:
        return "prefix", ".".join(words)
    words[shape % 3] = ""
    return "wildcard", ".".join(words)


def among(number: int, kind: type) -> tuple[list[Any], str]:
    """Return where so many patterns are looked up, by policy, and a URI that one of them fits."""
    realm, member = joined()
    for each in range(number):
        match, uri = pattern(each)
        realm.handle(member, kind(each + 1, {"match": match}, uri))
    matches = list((realm.broker if kind is Subscribe else realm.dealer).matches.values())
    looked = pattern(0)[1].replace("..", ".x.")
    if looked.startswith("."):
        looked = f"x{looked}"
    return matches, looked


def cost(number: int, kind: type) -> float:
    """Return the microseconds of a look-up among so many patterns."""
    matches, looked = among(number, kind)
    assert sum(len(list(match.find(looked))) for match in matches) == 1
    fastest = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(LOOKS):
            for match in matches:
                for _ in match.find(looked):
                    pass
        fastest = min(fastest, time.perf_counter() - begun)
    return fastest / LOOKS * 1e6


def retained(topics: int = TOPICS) -> float:
    """Return the bytes that a retained topic takes, of so many, beside its name and payload."""
    realm, member = joined()
    publish = [
        Publish(number + 1, {"retain": True}, f"com.example.device{number}.reading", [number + 0.5])
        for number in range(topics)
    ]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for message in publish:
        realm.handle(member, message)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / topics


def main() -> None:
    for kind in (Subscribe, Register):
        few, many = cost(100, kind), cost(10_000, kind)
        told = f"{few:6.2f} us among 100, {many:6.2f} us among 10,000: {many / few:.2f}"
        print(f"{kind.__name__.lower():10} {told}")
    print(f"retained   {retained():6.0f} bytes a topic")


if __name__ == "__main__":
    main()
