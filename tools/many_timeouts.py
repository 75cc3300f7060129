#!/usr/bin/env python3
"""Call a million times with a timeout, half of them canceled: nothing may be left over.

    python tools/many_timeouts.py [CALLS]

In one process, without sockets, with the router's own timers. Each call has a timeout of 60 seconds
or of one: half are canceled, in each mode, a quarter is answered, a quarter's time runs out. Prints
what is left in the tables, and the memory that Python holds more than after a tenth of the calls;
exit 1 where anything is left.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wamplite import features  # noqa: E402 - from this tree, wherever it is run
from wamplite.core.members import Identity, Join, Member  # noqa: E402
from wamplite.core.messages import Call, Cancel, Interrupt, Invocation, Register, Yield  # noqa: E402
from wamplite.core.realm import Realm  # noqa: E402
from wamplite.router.timers import Timers  # noqa: E402

SPARE = 262144  # bytes that Python may hold more: room in its tables and caches
MODES = ("skip", "kill", "killnowait")
ROLES = {"caller": {}, "callee": {"features": {"call_canceling": True, "call_timeout": True}}}
IN_FLIGHT = 200


class Clock:
    """Time as the calls make it pass."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.timers = Timers()

    def now(self) -> float:
        return self.seconds

    def later(self, seconds: float, run: Callable[[], None]) -> Callable[[], None]:
        timer = self.timers.add(self.seconds + seconds, run)
        return lambda: self.timers.cancel(timer)

    def tick(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.seconds += seconds
        for run in self.timers.take(self.seconds):
            run()


class Peer:
    """A session that counts its answers and keeps its invocations."""

    def __init__(self, number: int) -> None:
        identity = Identity(f"peer{number}", "anonymous", "anonymous", "static")
        self.member = Member(number, identity, ROLES, self.post, self.post, lambda: None)
        self.answers = 0
        self.invocations: list[int] = []
        self.interrupted: list[int] = []

    def post(self, message: Any) -> bool:
        """Take a message of the realm."""
        if type(message) is Invocation:
            self.invocations.append(message.request)
        elif type(message) is Interrupt:
            self.interrupted.append(message.request)
        else:
            self.answers += 1
        return True


class Trial:
    """A caller and a callee in a realm with the standard features."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.realm = Realm("realm1", clock=self.clock, features=features.for_router("standard"))
        self.caller, self.callee = Peer(1), Peer(2)
        for peer in (self.caller, self.callee):
            self.realm.handle(peer.member, Join())
        self.realm.handle(self.callee.member, Register(1, {}, "com.example.slow"))
        self.caller.answers = 0
        self.called = 0

    def run(self, calls: int) -> None:
        """Call so many times, and let all come to an end."""
        realm, caller, callee = self.realm, self.caller.member, self.callee.member
        for number in range(self.called + 1, self.called + calls + 1):
            patience = 60_000 if number % 4 < 3 else 1000
            realm.handle(caller, Call(number, {"timeout": patience}, "com.example.slow", [number]))
            if number % 2:
                realm.handle(caller, Cancel(number, {"mode": MODES[number % 3]}))
            elif not number % 4:
                realm.handle(callee, Yield(self.callee.invocations[-1], {}, [number]))
            if not number % IN_FLIGHT:
                self.clock.tick(2.0)
                self.answer_the_interrupted()
        self.called += calls
        self.clock.tick(120.0)
        self.answer_the_interrupted()

    def answer_the_interrupted(self) -> None:
        """Answer what was canceled by `kill`, and forget the rest."""
        for invocation in self.callee.interrupted:
            self.realm.handle(self.callee.member, Yield(invocation, {}))
        self.callee.interrupted.clear()
        self.callee.invocations.clear()

    def left(self) -> dict[str, int]:
        """Return how much is left in each table."""
        caller, callee = self.caller.member, self.callee.member
        return {
            "calls": len(caller.calls) + self.realm.dealer.calls,
            "invocations": len(callee.invocations),
            "shares": len(caller.asked),
            "timers": len(self.clock.timers),
            "unanswered": self.called - self.caller.answers,
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("calls", nargs="?", type=int, default=1_000_000)
    calls = parser.parse_args().calls
    trial = Trial()
    trial.run(calls // 10)
    tracemalloc.start()
    trial.run(calls // 10)  # while it is watched: its own tables are made
    before = tracemalloc.get_traced_memory()[0]
    began = time.perf_counter()
    trial.run(calls - 2 * (calls // 10))
    seconds = time.perf_counter() - began
    grown = tracemalloc.get_traced_memory()[0] - before
    left = trial.left()
    told = ", ".join(f"{name} {number}" for name, number in left.items())
    print(f"{trial.called:,} calls, half of them canceled: {told}; {grown} bytes more")
    print(f"{calls * 0.8 / seconds:,.0f} calls a second, while the memory is watched")
    return 1 if any(left.values()) or grown > SPARE else 0


if __name__ == "__main__":
    sys.exit(main())
