"""The process stands still for a while: item 82 of the catalogue."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.conftest import DIALECTS
from tests.faults.scale import scaled
from tests.faults.sessions import Session, Stopwatch, dumps
from tests.faults.wire import WS_PING, Closed
from tests.processes import RouterProcess, running_router

Connect = Callable[..., Session]
STANDS = scaled(3.0, 30.0)  # seconds
INTERVAL = scaled(1.0, 10.0)  # of pings: it stands still for several
SESSIONS, EVENTS = 20, 200


@pytest.fixture(autouse=True)
def bystander() -> None:
    """Nobody could stand by without waiting."""


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    with running_router("--ping-interval", str(INTERVAL)) as process:
        yield process


def test_82_after_a_standstill_all_is_as_before_and_there_is_no_storm(
    router: RouterProcess, connect: Connect
) -> None:
    sessions = [connect(DIALECTS[at % 4]) for at in range(SESSIONS)]
    for session in sessions:
        session.subscribe("faults.standstill")
    publisher = connect("rs-msgpack")
    router.interrupt(signal.SIGSTOP)
    for number in range(EVENTS):
        payload = dumps("msgpack", [16, number + 1, {}, "faults.standstill", [number]])
        publisher.put(payload)
    time.sleep(STANDS)  # what is tried is that time goes by
    watch = Stopwatch()
    router.interrupt(signal.SIGCONT)
    for session in sessions:
        assert [session.hear()[4][0] for _ in range(EVENTS)] == list(range(EVENTS))
    assert watch.seconds < 5
    for session in [*sessions, publisher]:
        session.request = EVENTS
        assert session.is_served(), "a session was ended"
    assert pings_within(sessions, INTERVAL / 2) <= 2 * SESSIONS
    assert "wamplite.close" not in router.stderr()


def pings_within(sessions: list[Session], seconds: float) -> int:
    """Count the pings that come in a while; nothing else may come."""
    watch, pings = Stopwatch(), 0
    while watch.seconds < seconds:
        for session in sessions:
            session.transport.sock.settimeout(0.01)
            try:
                kind, _ = session.transport.frame()
            except TimeoutError:
                continue
            except Closed:
                raise AssertionError("a session was ended") from None
            assert kind in (1, WS_PING), kind
            pings += 1
    return pings
