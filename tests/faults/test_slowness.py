"""Resources, who reads slowly or sends much: items 66 to 68 of the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.faults.conftest import Bystander, Holdings
from tests.faults.scale import scaled
from tests.faults.sessions import Session, Stopwatch, dumps, open_session
from tests.faults.wire import Closed
from tests.faults.witnesses import is_served_anew
from tests.processes import RouterProcess
from tests.waiting import until

Connect = Callable[..., Session]
MIB = 2**20
EVENT = b"x" * 100_000
TOPIC = "faults.slowness"


@pytest.fixture(scope="module")
def memory() -> int:
    """Return more than usual: there are megabytes in outboxes for a while."""
    return 24 * 1024


def is_there(witness: Session, session: Session) -> bool:
    """Tell whether a session has not been ended."""
    return witness.ask(48, {}, "wamp.session.get", [session.welcome[1]])[0] == 50


def await_end(router: RouterProcess, witness: Session, session: Session) -> None:
    """Wait until a session that did not read is ended."""
    until(lambda: not is_there(witness, session))
    router.await_stderr("reads too slowly")
    with pytest.raises(Closed):
        while True:
            session.hear()


@pytest.mark.parametrize("dialect", ["rs-msgpack", "ws-msgpack"])
def test_66_a_slow_subscriber_is_ended_and_nobody_else_waits(
    connect: Connect, dialect: str, router: RouterProcess, holdings: Holdings
) -> None:
    slow, healthy, publisher = (connect(dialect) for _ in range(3))
    for session in (slow, healthy):
        session.subscribe(TOPIC)
    number = scaled(24, 180) * MIB // len(EVENT)
    worst = 0.0
    for at in range(number):
        watch = Stopwatch()
        assert publisher.ask(16, {"acknowledge": True}, TOPIC, [at, EVENT])[0] == 17
        assert healthy.hear()[4][0] == at
        worst = max(worst, watch.seconds)
        assert holdings.grown() < 32 * 1024
    assert worst < 2.0
    await_end(router, publisher, slow)


@pytest.mark.parametrize("dialect", ["rs-msgpack", "ws-msgpack"])
def test_67_a_slow_caller_is_ended_and_its_callee_lives(
    connect: Connect, dialect: str, router: RouterProcess, holdings: Holdings
) -> None:
    slow, callee, witness = (connect(dialect) for _ in range(3))
    callee.register(TOPIC)
    callee.transport.sock.settimeout(1)
    request = 0
    while is_there(witness, slow):
        request += 1
        slow.say(48, request, {}, TOPIC)
        with suppress(TimeoutError):  # the caller has been ended meanwhile
            assert callee.hear()[:2] == [68, request]
            callee.say(70, request, {}, [EVENT])
        assert holdings.grown() < 32 * 1024 and request < 500
    await_end(router, witness, slow)
    other = connect(dialect)
    other.say(48, 1, {}, TOPIC)
    callee.say(70, callee.hear()[1], {}, ["in time"])
    assert other.hear()[:2] == [50, 1]


@pytest.mark.long
def test_68_a_flood_of_publish_keeps_nobody_waiting(
    connect: Connect, router: RouterProcess, bystander: Bystander
) -> None:
    subscriber = connect("rs-msgpack")
    subscriber.subscribe(TOPIC)
    ending = threading.Event()
    sent = [0, 0]

    def flood(at: int) -> None:
        attacker = open_session(router.port, "rs-msgpack")
        frame = attacker.transport.framed(dumps("msgpack", [16, 1, {}, "faults.flood", [at]]))
        attacker.transport.sock.settimeout(20)
        while not ending.is_set():
            attacker.transport.send(frame * 500)
            sent[at] += 500
        assert attacker.is_served()
        attacker.close()

    floods = [threading.Thread(target=flood, args=(at,)) for at in range(2)]
    for thread in floods:
        thread.start()
    watch = Stopwatch()
    try:
        while watch.seconds < scaled(3, 30):
            assert is_served_anew(router.port)
            bystander.publish(bystander.witness)
    finally:
        ending.set()
        for thread in floods:
            thread.join(30)
    assert min(sent) > 1000
    assert subscriber.is_served()
