"""Resources, in the long run: item 79 of the catalogue."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from statistics import median

import pytest

from tests.faults.conftest import DIALECTS, Holdings
from tests.faults.scale import scaled
from tests.faults.sessions import Session, Stopwatch, open_session
from tests.processes import RouterProcess

CLIENTS = 50
RATE = 200  # messages a second
SECONDS = scaled(12.0, 1200.0)
WARM, LATE = (0.3, 0.5), (0.8, 1.0)  # of the time: when memory is compared, by its median
KIB = scaled(2048, 1024)  # by which it may grow: glibc's caches fill for minutes, then hardly


@pytest.fixture(scope="module")
def options() -> list[str]:
    """Let the bystander be silent for as long as this takes."""
    return ["--ping-interval", "0"]


class Client:
    """One that subscribes and registers under a name of its own."""

    def __init__(self, port: int, number: int, chance: random.Random) -> None:
        self.session = open_session(port, chance.choice(DIALECTS))
        self.name = f"faults.soak.c{number}"
        self.subscription = self.session.subscribe(self.name)
        self.session.register(self.name)
        self.invocations = 0

    def hear_event(self, publisher: Session, text: str) -> None:
        assert publisher.ask(16, {"acknowledge": True, "exclude_me": False}, self.name, [text])
        event = self.session.hear()
        assert (event[:2], event[4:]) == ([36, self.subscription], [[text]]), event

    def serve(self, caller: Session, text: str) -> None:
        caller.request += 1
        self.invocations += 1
        caller.say(48, caller.request, {}, self.name, [text])
        assert self.session.hear()[:2] == [68, self.invocations]
        self.session.say(70, self.invocations, {}, [text])
        assert caller.hear() == [50, caller.request, {}, [text]]

    def end(self, chance: random.Random) -> None:
        how = chance.randrange(3)
        if how == 0:
            self.session.leave()
        elif how == 1:
            self.session.close()
        else:
            self.session.transport.reset()


def middle(memory: list[tuple[float, int]], share: tuple[float, float]) -> float:
    """Return the median of a part of the time."""
    return median(kib for at, kib in memory if share[0] <= at <= share[1])


@pytest.mark.long  # that it grows under one attack, the tests of each other file tell
def test_79_a_router_does_not_grow(router: RouterProcess, holdings: Holdings) -> None:
    chance = random.Random(79)
    clients = [Client(router.port, number, chance) for number in range(CLIENTS)]
    watch, messages, made = Stopwatch(), 0, CLIENTS
    memory: list[tuple[float, int]] = []  # when, KiB
    with ExitStack() as stack:
        stack.callback(lambda: [client.session.close() for client in clients])
        while watch.seconds < SECONDS:
            publisher, target = chance.sample(clients, 2)
            text = "x" * chance.choice([1, 100, 3000])
            act = target.hear_event if chance.random() < 0.7 else target.serve
            act(publisher.session, text)
            messages += 1
            if messages % 20 == 0:
                at = chance.randrange(CLIENTS)
                clients[at].end(chance)
                clients[at] = Client(router.port, made, chance)
                made += 1
                memory.append((watch.seconds / SECONDS, holdings.value("VmRSS")))
            time.sleep(max(0.0, messages / RATE - watch.seconds))
    grown = middle(memory, LATE) - middle(memory, WARM)
    assert messages > 0.5 * RATE * SECONDS, f"only {messages} messages"  # beside other tests
    assert grown < KIB, f"the router has grown by {grown:.0f} KiB after {messages} messages"
