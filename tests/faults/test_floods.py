"""Resources, what one session may have: items 69, 70 and 78 of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.conftest import Holdings
from tests.faults.scale import scaled
from tests.faults.sessions import ROLES, Session, open_session
from tests.faults.wire import Wire
from tests.processes import RouterProcess
from wamplite.router.limits import Limits

Connect = Callable[..., Session]
MANY = 20_000
LIMITS = Limits()
LOGGED = 200_000  # octets


@pytest.fixture(scope="module")
def memory() -> int:
    """Return more than usual: what thousands of small things leave in pieces."""
    return 16 * 1024


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("code", "kind", "most"),
    [
        (32, "subscription", LIMITS.max_subscriptions),
        (64, "registration", LIMITS.max_registrations),
    ],
)
def test_69_so_many_are_taken_and_no_more(
    connect: Connect, dialect: str, code: int, kind: str, most: int, holdings: Holdings
) -> None:
    session = connect(dialect)
    done = refused = 0
    for first in range(0, MANY, 500):
        requests = range(first + 1, first + 501)
        session.say_all(*([code, request, {}, f"faults.many.{request}"] for request in requests))
        for request in requests:
            answer = session.hear()
            if answer[0] == 8:
                assert answer[2:5] == [request, {}, "wamplite.error.limit_reached"], answer
                refused += 1
            else:
                assert answer[:2] == [code + 1, request]
                done += 1
    assert (done, refused) == (most, MANY - most)
    session.request = MANY
    assert session.is_served()
    assert holdings.grown() < 16 * 1024


@pytest.mark.sampled
def test_70_so_many_calls_wait_and_no_more(
    connect: Connect, dialect: str, holdings: Holdings
) -> None:
    callee, caller = connect(dialect), connect(dialect)
    callee.register("faults.patience")
    refused = 0
    for first in range(0, MANY, 500):
        requests = range(first + 1, first + 501)
        calls = [[48, request, {}, "faults.patience"] for request in requests]
        caller.say_all(*calls, [16, first + 501, {"acknowledge": True}, "faults.marker"])
        while (answer := caller.hear())[0] != 17:
            assert answer[4] == "wamp.error.unavailable", answer
            refused += 1
    waiting = MANY - refused
    assert 50 < waiting <= LIMITS.max_calls // 4
    heard = [callee.hear() for _ in range(waiting)]
    assert {message[0] for message in heard} == {68}
    assert holdings.grown() < 16 * 1024
    caller.request = MANY + 1
    assert caller.is_served()
    other = connect(dialect)
    other.say(48, 1, {}, "faults.patience")
    callee.say(70, callee.hear()[1], {}, ["there is room for others"])
    assert other.hear()[:2] == [50, 1]


@pytest.mark.long
def test_78_what_is_logged_of_an_attack_is_bounded(connect: Connect, router: RouterProcess) -> None:
    before = len(router.stderr())
    long = "realm." + "x" * 10_000 + "\x1b[2J\n\n" + "ü" * 500
    for number in range(scaled(200, 1000)):
        wire = open_session(router.port, "rs-json", join=False)
        wire.say(1, f"{long}{number}", {"roles": ROLES, "agent": long})
        assert wire.hear()[0] == 3
        wire.close()
        junk = Wire(router.port)
        junk.send(b"\x1b[31m\n" * 1000)
        junk.close()
    session = connect()
    for _ in range(scaled(200, 1000)):
        session.ask(48, {"x": long}, "faults." + "y" * 10_000)
    log = router.stderr()[before:]
    assert len(log) < LOGGED, len(log)
    assert max(map(len, log.splitlines()), default=0) < 1000
    assert "\x1b" not in log
