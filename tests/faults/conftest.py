"""A running router under attack, and a bystander who must not notice.

One router process for each file of tests. All the while two witnesses publish and call. After every
test they have lost nothing, the bystander has received every event in order and serves a call, a
fresh session is answered within 2 s, and the router's threads and descriptors are what they were
before; after the file its memory, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.faults.sessions import Session, Stopwatch, open_session
from tests.faults.witnesses import Witnesses, witnessed
from tests.processes import RouterProcess, running_router
from tests.waiting import until

ANSWERED_WITHIN = 2.0  # seconds, for a fresh session, from connect to WELCOME
SETTLED_WITHIN = 20.0  # for the router to end what the attackers left behind
DIALECTS = ["rs-json", "rs-msgpack", "ws-json", "ws-msgpack"]


class Bystander:
    """A session that subscribed and registered, and a witness who publishes to it and calls it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.session = open_session(port, "rs-msgpack")
        self.witness = open_session(port, "ws-json")
        self.subscription = self.session.subscribe("faults.bystander.news")
        self.registration = self.session.register("faults.bystander.serve")
        self.published = 0
        self.received = 0
        self.served = 0

    def publish(self, witness: Session) -> None:
        """Let somebody publish the next of the numbered events."""
        self.published += 1
        options = {"acknowledge": True}
        answer = witness.ask(16, options, "faults.bystander.news", [self.published])
        assert answer[0] == 17, answer

    def noticed_nothing(self) -> None:
        """Check that the bystander, and whoever comes new, are served as if nothing was."""
        watch = Stopwatch()
        fresh = open_session(self.port, "rs-json")
        assert watch.seconds < ANSWERED_WITHIN, f"WELCOME after {watch.seconds:.1f} s"
        self.publish(self.witness)
        self.publish(fresh)
        while self.received < self.published:
            self.received += 1
            event = self.session.hear()
            assert event[:2] == [36, self.subscription], event
            assert event[3:] == [{}, [self.received]], event
        self._serve(fresh)
        fresh.leave()

    def _serve(self, caller: Session) -> None:
        self.served += 1
        caller.request += 1
        caller.say(48, caller.request, {}, "faults.bystander.serve", [self.served])
        expected = [68, self.served, self.registration, {}, [self.served]]
        assert self.session.hear() == expected
        self.session.say(70, self.served, {}, [-self.served])
        assert caller.hear() == [50, caller.request, {}, [-self.served]]

    def close(self) -> None:
        self.witness.close()
        self.session.close()


BUSY = 10  # times that each stander-by speaks before the router is looked at


class Holdings:
    """What the router process holds."""

    def __init__(self, router: RouterProcess) -> None:
        self._status = Path(f"/proc/{router.pid}/status")
        self._files = f"/proc/{router.pid}/fd"
        self.threads = self.value("Threads")
        self.files = self.open_files()
        self.memory = self.value("VmRSS")

    def value(self, name: str) -> int:
        """Return a number of /proc/PID/status."""
        lines = self._status.read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))

    def open_files(self) -> int:
        """Count them; libffi keeps its own for good once memory was given back through ctypes."""
        targets = []
        for number in os.listdir(self._files):
            with suppress(FileNotFoundError):  # it was closed meanwhile
                targets.append(os.readlink(f"{self._files}/{number}"))
        return sum("/libffi" not in target for target in targets)

    def grown(self) -> int:
        """Return by how many KiB the memory has grown."""
        return self.value("VmRSS") - self.memory

    def leftovers(self) -> str:
        """Wait until threads and files are as before; "" if they are, else what is left."""
        deadline = time.monotonic() + SETTLED_WITHIN
        while time.monotonic() < deadline:
            threads, files = self.value("Threads") - self.threads, self.open_files() - self.files
            if threads <= 0 and files <= 0:
                return ""
            time.sleep(0.02)
        return f"{threads} threads and {files} files more than before"


def warm_up(port: int) -> None:
    """Let the router load, and begin, what it does on first use: also what reads large messages."""
    sessions = [open_session(port, dialect) for dialect in (*DIALECTS, *DIALECTS)]
    for session in sessions:
        for _ in range(2):
            session.ask(16, {"acknowledge": True}, "com.warm", ["x" * 30_000])
        assert session.is_served()
    for session in sessions:
        session.leave()


@pytest.fixture(scope="module")
def options() -> list[str]:
    """Return further options of the router; a file of tests may have its own."""
    return []


@pytest.fixture(scope="module")
def listen() -> list[str]:
    """Return where the router listens; a file of tests may have its own."""
    return ["tcp://127.0.0.1:0"]


@pytest.fixture(scope="module")
def memory() -> int:
    """Return how many KiB the router's heap may keep after the attacks of a file of tests."""
    return 8 * 1024


@pytest.fixture(scope="module")
def router(options: list[str], listen: list[str]) -> Iterator[RouterProcess]:
    """Return the router of a file of tests; it must hold no more at the end than at the start."""
    with running_router(*options, listen=listen) as process:
        warm_up(process.port)
        yield process


@pytest.fixture(scope="module")
def witnesses(router: RouterProcess) -> Iterator[Witnesses]:
    """Let witnesses look on as long as the router runs."""
    with witnessed(router.port) as looking_on:
        yield looking_on


@pytest.fixture(scope="module")
def holdings(
    router: RouterProcess, everyday: Bystander, witnesses: Witnesses, memory: int
) -> Iterator[Holdings]:
    """Return what the router held at the start, once those who stand by have threads of their own.

    Who has sent a few messages gets one, where few are connected.
    """
    for _ in range(BUSY):
        everyday.publish(everyday.witness)
        everyday.noticed_nothing()
    until(lambda: witnesses.rounds > BUSY)
    before = Holdings(router)
    yield before
    until(  # what was freed goes back to the system a little later
        lambda: before.grown() < memory, lambda: f"the router has grown by {before.grown()} KiB"
    )


@pytest.fixture(scope="module")
def everyday(router: RouterProcess) -> Iterator[Bystander]:
    """Return the bystander of a file of tests."""
    bystander = Bystander(router.port)
    bystander.noticed_nothing()
    yield bystander
    bystander.close()


@pytest.fixture(autouse=True)
def bystander(everyday: Bystander, witnesses: Witnesses, holdings: Holdings) -> Iterator[Bystander]:
    """Check after each test that the bystander noticed nothing, and that nothing is left."""
    everyday.publish(everyday.witness)
    yield everyday
    witnesses.check()
    everyday.noticed_nothing()
    assert not (left := holdings.leftovers()), f"the router leaks: {left}"


@pytest.fixture
def port(router: RouterProcess) -> int:
    return router.port


@pytest.fixture
def connect(router: RouterProcess) -> Iterator[Callable[..., Session]]:
    """Give `connect(dialect, join=True)`; what a test leaves open is closed."""
    with ExitStack() as stack:

        def connected(dialect: str = "rs-msgpack", *, join: bool = True) -> Session:
            session = open_session(router.port, dialect, join=join)
            stack.callback(session.close)
            return session

        yield connected


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Run a test over both transports and in both serializers."""
    return str(request.param)
