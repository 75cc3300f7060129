"""Resources, connections: items 71 to 74 of the catalogue."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from tests.faults.scale import scaled
from tests.faults.sessions import ROLES, Session, Stopwatch, dumps
from tests.faults.wire import Closed, RawSocket, WebSocket, Wire, raw_frame
from tests.faults.witnesses import is_served_anew
from tests.processes import RouterProcess
from tests.waiting import until
from wamplite.router.limits import Limits

Connect = Callable[..., Session]
GREEDY = "127.0.0.67"
LIMITS = Limits()
SLOW = 30.0  # seconds within which a handshake that does not end must be closed


def from_greedy(port: int, join: bool) -> Session | None:
    """Open a connection from another address; None where it is refused."""
    sock = socket.create_connection(("127.0.0.1", port), 10, (GREEDY, 0))
    wire = RawSocket.__new__(RawSocket)
    wire.sock, wire.unread, wire.pongs = sock, b"", []
    try:
        wire.send(b"\x7f\xf2\0\0")
        reply = wire.exactly(4)
        if reply[1] & 15 == 0:
            assert reply[1] >> 4 == 4, reply.hex()
            raise Closed
        return Session(wire, join=join)
    except Closed:
        sock.close()
        return None


def test_71_of_400_connections_of_one_address_so_many_are_taken(
    router: RouterProcess,
) -> None:
    sessions = [from_greedy(router.port, join=True) for _ in range(400)]
    taken = [session for session in sessions if session is not None]
    assert len(taken) == LIMITS.max_connections_per_address
    assert is_served_anew(router.port)
    for session in taken[:3]:
        assert session.is_served()
    for session in taken:
        session.close()
    until(lambda: from_greedy_again(router.port))
    router.await_stderr("max_connections_per_address")


def from_greedy_again(port: int) -> bool:
    session = from_greedy(port, join=True)
    if session is not None:
        session.close()
    return session is not None


def test_72_100_sessions_that_are_reset_at_once_leave_nothing(
    router: RouterProcess, connect: Connect, dialect: str
) -> None:
    sessions = [connect(dialect) for _ in range(100)]
    for number, session in enumerate(sessions):
        session.register(f"faults.{dialect}.n{number}")
        session.subscribe("faults.reset")
    publisher = connect()
    publisher.say(16, 1, {}, "faults.reset", ["x" * 10_000])
    for session in sessions:
        session.transport.reset()
    assert is_served_anew(router.port)
    publisher.request = 1
    for number in range(100):
        take(publisher, f"faults.{dialect}.n{number}")


def take(session: Session, procedure: str) -> None:
    """Register what somebody had who has gone, as soon as the router has noticed."""
    until(lambda: session.ask(64, {}, procedure)[0] == 65)


@pytest.mark.sampled
@pytest.mark.parametrize("how", ["goodbye", "drop", "reset"])
def test_73_who_comes_and_goes_leaves_nothing(
    connect: Connect, dialect: str, how: str, router: RouterProcess
) -> None:
    for _ in range(scaled(25, 300)):
        session = connect(dialect)
        session.subscribe("faults.churn")
        take(session, "faults.churn")
        if how == "goodbye":
            session.leave()
        elif how == "drop":
            session.close()
        else:
            session.transport.reset()
    assert is_served_anew(router.port)


def slow_ones(port: int) -> list[tuple[Wire, bytes]]:
    """Return connections whose handshake does not end, and what they drip."""
    half = Wire(port)
    half.send(b"\x7f\xf2")
    request = Wire(port)
    request.send(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    hello = RawSocket(port)
    hello.send(raw_frame(dumps("msgpack", [1, "realm1", {"roles": ROLES}]))[:10])
    return [
        (Wire(port), b""),
        (half, b""),
        (request, b"X: y\r\n"),
        (RawSocket(port), b""),
        (WebSocket(port), b""),
        (hello, b"\x00"),
        (RawSocket(port), b"\x01\0\0\0"),  # PINGs
    ]


def test_74_a_handshake_that_does_not_end_is_ended(router: RouterProcess) -> None:
    slow, watch = slow_ones(router.port), Stopwatch()
    dripped = 0.0
    while slow and watch.seconds < SLOW:
        if watch.seconds > dripped:
            for wire, drip in slow:
                wire.send(drip)
            dripped = watch.seconds + 0.5
        slow = [(wire, drip) for wire, drip in slow if not has_ended(wire)]
        assert watch.seconds > 1 or len(slow) > 5
    assert not slow, f"{len(slow)} are still open"
    assert watch.seconds < LIMITS.handshake_timeout + 2 * LIMITS.linger + 1
    assert is_served_anew(router.port)


def has_ended(wire: Wire) -> bool:
    """Take what came; tell whether the router has closed, and close as well."""
    wire.sock.settimeout(0.02)
    try:
        ended = not wire.sock.recv(65536)
    except TimeoutError:
        return False
    except ConnectionError:
        ended = True
    if ended:
        wire.close()
    return ended
