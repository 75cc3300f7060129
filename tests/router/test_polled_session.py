"""The far end of a session's socket pair, as HTTP requests use it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from wamplite.core.errors import ProtocolError, TransportLost
from wamplite.router.polled_session import PolledSession, SessionOver
from wamplite.transports.rawsocket_frames import PING, PONG, frame


class Requester:
    """Stands for the HTTP connection that asks."""

    def __init__(self) -> None:
        self.why = ""

    def shutdown(self, why: str) -> None:
        self.why = why


@pytest.fixture
def ends() -> Iterator[tuple[PolledSession, socket.socket]]:
    near, far = socket.socketpair()
    session = PolledSession(far, "json", 0.2)
    yield session, near
    session.end()
    near.close()


def receive(session: PolledSession, seconds: float = 5.0) -> list[bytes | None]:
    came: list[bytes | None] = []
    requester: Any = Requester()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        session.receive(requester, ours.fileno(), seconds, came.append)
    return came


def test_messages_are_handed_over_one_by_one_however_they_come(
    ends: tuple[PolledSession, socket.socket],
) -> None:
    session, near = ends
    near.sendall(frame(b"[1]") + frame(b"[2]") + frame(b"[3]")[:2])
    assert receive(session) == [b"[1]"]
    assert receive(session) == [b"[2]"]
    assert receive(session, 0.05) == [None]
    near.sendall(frame(b"[3]")[2:])
    assert receive(session) == [b"[3]"]


def test_a_ping_of_the_router_is_answered(ends: tuple[PolledSession, socket.socket]) -> None:
    session, near = ends
    near.sendall(frame(b"alive", PING) + frame(b"[1]"))
    assert receive(session) == [b"[1]"]
    assert near.recv(100) == frame(b"alive", PONG)


def test_a_message_that_could_not_be_answered_with_is_kept(
    ends: tuple[PolledSession, socket.socket],
) -> None:
    session, near = ends
    near.sendall(frame(b"[1]"))
    requester: Any = Requester()
    ours, theirs = socket.socketpair()

    def fail(body: bytes | None) -> None:
        raise OSError("gone")

    with ours, theirs, pytest.raises(OSError, match="gone"):
        session.receive(requester, ours.fileno(), 5, fail)
    assert receive(session) == [b"[1]"]


def test_a_client_that_has_gone_takes_nothing(ends: tuple[PolledSession, socket.socket]) -> None:
    session, near = ends
    requester: Any = Requester()
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(TransportLost):
        session.receive(requester, ours.fileno(), 5, lambda body: None)
    near.sendall(frame(b"[1]"))
    assert receive(session) == [b"[1]"]


def test_a_session_that_the_router_has_ended_is_over_behind_its_last_message(
    ends: tuple[PolledSession, socket.socket],
) -> None:
    session, near = ends
    near.sendall(frame(b"[1]"))
    near.close()
    assert receive(session) == [b"[1]"]
    with pytest.raises(SessionOver):
        receive(session)
    with pytest.raises(SessionOver):
        session.send(b"[2]")
    session.end()
    with pytest.raises(SessionOver):
        receive(session)


def test_what_a_router_does_not_take_ends_the_session(
    ends: tuple[PolledSession, socket.socket],
) -> None:
    session, _ = ends
    with pytest.raises(SessionOver):
        while True:
            session.send(bytes(100_000))


def test_an_empty_body_is_no_message(ends: tuple[PolledSession, socket.socket]) -> None:
    with pytest.raises(ProtocolError, match="expected a message in the body"):
        ends[0].send(b"")


def test_it_is_idle_while_nobody_asks(ends: tuple[PolledSession, socket.socket]) -> None:
    session, near = ends
    near.sendall(frame(b"[1]"))
    seen: list[float] = []
    requester: Any = Requester()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        session.receive(requester, ours.fileno(), 5, lambda body: seen.append(len(body or b"")))
    assert 0 < session.idle() < 5
    assert seen == [3] and not requester.why
