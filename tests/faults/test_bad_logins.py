"""Logins that are guessed at: item 56 of the catalogue."""

from __future__ import annotations

import queue
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults.conftest import Holdings
from tests.faults.programs import PASSWORD, embedded
from tests.faults.scale import scaled
from tests.faults.sessions import ROLES, Session, Stopwatch, open_session
from tests.faults.wire import Closed, RawSocket
from tests.processes import RouterProcess

pytestmark = pytest.mark.long

GREEDY = "127.0.0.68"
NUMBER = scaled(300, 1000)
AT_ONCE = 12
JUDGED = AT_ONCE + 8  # before there is a bad one, and then after 0.25 + 0.5 + 1 + 2 + 4 + 8 ... s


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    """Give a router with users, as it is without any setting."""
    with embedded("guarded") as process:
        yield process


def log_in(port: int, address: str, password: str, authid: str = "joe") -> str:
    """Log in by a ticket; return what came of it: welcome, or why not."""
    sock = socket.create_connection(("127.0.0.1", port), 20, (address, 0))
    wire = RawSocket.__new__(RawSocket)
    wire.sock, wire.unread, wire.pongs = sock, b"", []
    session = Session(wire, join=False)
    try:
        wire.send(b"\x7f\xf2\0\0")
        if wire.exactly(4)[1] & 15 == 0:
            return "no place"
        details = {"roles": ROLES, "authmethods": ["ticket"], "authid": authid}
        session.say(1, "realm1", details)
        answer = session.hear()
        if answer[0] == 4:
            session.say(5, password, {})
            answer = session.hear()
        return "welcome" if answer[0] == 2 else str(answer[2])
    except Closed:
        return "closed"
    finally:
        sock.close()


def test_56_who_guesses_waits_and_nobody_else_does(
    router: RouterProcess, holdings: Holdings
) -> None:
    tasks: queue.Queue[int] = queue.Queue()
    for number in range(NUMBER):
        tasks.put(number)
    outcomes: Counter[str] = Counter()

    def guess() -> None:
        while True:
            try:
                number = tasks.get_nowait()
            except queue.Empty:
                return
            outcomes[log_in(router.port, GREEDY, f"guess {number}")] += 1

    guessing = [threading.Thread(target=guess) for _ in range(AT_ONCE)]
    for thread in guessing:
        thread.start()
    worst = 0.0
    while any(thread.is_alive() for thread in guessing):
        watch = Stopwatch()
        assert log_in(router.port, "127.0.0.1", PASSWORD) == "welcome"
        fresh = open_session(router.port, "rs-json")
        assert fresh.is_served()
        fresh.close()
        worst = max(worst, watch.seconds)
    assert worst < 2
    assert outcomes["welcome"] == 0
    assert 0 < outcomes["wamp.error.authentication_denied"] <= JUDGED, outcomes
    assert sum(outcomes.values()) == NUMBER


def test_56_what_is_remembered_of_bad_logins_is_bounded(
    router: RouterProcess, holdings: Holdings
) -> None:
    for number in range(scaled(1500, 5000)):
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        outcome = log_in(router.port, address, "wrong", f"joe{number}")
        assert outcome == "wamp.error.authentication_denied"
    assert holdings.grown() < 4 * 1024
