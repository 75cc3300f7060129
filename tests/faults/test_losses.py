"""Connections that are lost: items 87 to 90, 92 and 95 of the catalogue."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

import wamplite
from tests.faults.scale import scaled
from tests.faults.sessions import ROLES, Session, Stopwatch, dumps
from tests.faults.wire import RawSocket, WebSocket, raw_frame, ws_frame
from tests.faults.witnesses import is_served_anew
from tests.processes import RouterProcess
from tests.waiting import until

Connect = Callable[..., Session]
CANCELING = {role: {"features": {"call_canceling": True}} for role in ("caller", "callee")}
CLIENTS = scaled(40, 200)


def test_87_of_30_subscribers_15_are_reset_and_15_hear_all(
    connect: Connect, dialect: str, router: RouterProcess
) -> None:
    subscribers, publisher = [connect(dialect) for _ in range(30)], connect(dialect)
    for session in subscribers:
        session.subscribe("faults.reset")
    for number in range(300):
        if number >= 100 and number % 10 == 0 and number < 250:
            subscribers[(number - 100) // 10].transport.reset()
        publisher.say(16, number + 1, {}, "faults.reset", [number, "x" * 500])
    for session in subscribers[15:]:
        assert [session.hear()[4][0] for _ in range(300)] == list(range(300))
    assert is_served_anew(router.port)


@pytest.mark.parametrize("how", ["drop", "reset", "half a frame"])
def test_88_a_callee_that_is_lost_in_a_call_is_an_error_for_the_caller(
    connect: Connect, dialect: str, how: str
) -> None:
    caller = connect(dialect)
    for _ in range(10):
        callee = connect(dialect)
        caller.request += 1
        until(lambda callee=callee: callee.ask(64, {}, "faults.lost")[0] == 65)
        caller.say(48, caller.request, {}, "faults.lost")
        invocation = callee.hear()[1]
        if how == "reset":
            callee.transport.reset()
        elif how == "half a frame":
            answer = dumps(callee.serializer, [70, invocation, {}, ["x" * 100]])
            callee.transport.send(callee.transport.framed(answer)[:50])
        callee.close()
        assert caller.hear()[:5] == [8, 48, caller.request, {}, "wamp.error.canceled"]


def test_89_a_caller_that_is_lost_with_300_calls_costs_its_callees_nothing(
    connect: Connect, dialect: str
) -> None:
    callees, caller = [connect(dialect) for _ in range(3)], connect(dialect)
    for number, callee in enumerate(callees):
        callee.register(f"faults.busy.n{number}")
    calls = [[48, at + 1, {}, f"faults.busy.n{at % 3}"] for at in range(300)]
    caller.say_all(*calls)
    asked = [[callee.hear()[1] for _ in range(100)] for callee in callees]
    caller.transport.reset()
    for callee, invocations in zip(callees, asked, strict=True):
        callee.say_all(*([70, number, {}, ["late"]] for number in invocations))
        assert callee.is_served()
    other = connect(dialect)
    other.say(48, 1, {}, "faults.busy.n0")
    callees[0].say(70, callees[0].hear()[1], {}, ["in time"])
    assert other.hear()[:2] == [50, 1]


def test_90_a_registration_is_free_after_a_reset(connect: Connect, dialect: str) -> None:
    for _ in range(20):
        first, second = connect(dialect), connect(dialect)
        first.register("faults.free")
        first.transport.reset()
        watch = Stopwatch()
        until(lambda second=second: second.ask(64, {}, "faults.free")[0] == 65)
        assert watch.seconds < 1
        second.leave()


def test_92_whoever_closes_its_half_still_gets_its_answers(connect: Connect, dialect: str) -> None:
    session = connect(dialect)
    asked: list[list[Any]] = [[32, 1, {}, "faults.half"], [64, 2, {}, "faults.half"]]
    asked += [[16, 3, {"acknowledge": True}, "faults.x"], [48, 4, {}, "wamp.session.count"]]
    session.say_all(*asked)
    session.transport.sock.shutdown(socket.SHUT_WR)
    assert [session.hear()[:2] for _ in asked] == [[33, 1], [65, 2], [17, 3], [50, 4]]
    session.ended()


@pytest.mark.parametrize("kind", ["rs", "ws"])
def test_92_a_whole_conversation_may_come_before_the_half_is_closed(
    router: RouterProcess, kind: str
) -> None:
    """All at once: HELLO, a request, GOODBYE and FIN."""
    transport: Any = (RawSocket if kind == "rs" else WebSocket)(router.port, "msgpack")
    said = [[1, "realm1", {"roles": ROLES}], [16, 1, {"acknowledge": True}, "faults.x"]]
    said += [[6, {}, "wamp.close.close_realm"]]
    frames = [dumps("msgpack", each) for each in said]
    transport.send(
        b"".join(raw_frame(each) if kind == "rs" else ws_frame(2, each) for each in frames)
    )
    transport.sock.shutdown(socket.SHUT_WR)
    session = Session(transport, join=False)
    assert [session.hear()[0] for _ in said] == [2, 17, 6]
    session.ended()


@pytest.mark.alone
def test_95_clients_do_not_come_back_all_at_once(tmp_path: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = [f"tcp://127.0.0.1:{free.getsockname()[1]}"]
    options = ("--max-connections-per-address", "400", "--max-handshaking", "400")
    options += ("--max-handshaking-per-address", "400")
    first = RouterProcess(*options, listen=listen, realms=["realm1"])
    services: list[wamplite.Component] = []
    second = None
    joined: list[float] = []
    try:
        first.await_ready()
        for number in range(CLIENTS):
            service = wamplite.Component(first.rs, timeout=20)
            service.register(f"faults.herd.n{number}", lambda number=number: number)
            service.on_join(lambda session: joined.append(time.monotonic()))
            services.append(service)
            service.start()
        until(lambda: all(service.session for service in services))
        first.process.kill()
        first.stop()
        until(lambda: not any(service.session for service in services))
        joined.clear()
        second = RouterProcess(*options, listen=listen, realms=["realm1"])
        second.await_ready()
        watch = Stopwatch()
        until(lambda: all(service.session for service in services), seconds=30)
        with wamplite.connect(second.rs) as caller:
            for number in range(CLIENTS):
                assert caller.call(f"faults.herd.n{number}") == number
        assert watch.seconds < 15
        assert crowd(sorted(joined)) < CLIENTS * 0.75, sorted(joined)
        assert second.stop() == 0
    finally:
        for service in services:
            service.stop()
        for router in filter(None, (first, second)):
            router.stop()


def crowd(times: list[float], window: float = 0.1) -> int:
    """Return how many came within one window at most."""
    return max(sum(start <= other < start + window for other in times) for start in times)
