"""What a router passes on and a client cannot read fails alone: a call, an invocation, an event."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import wamplite
from tests.client.scripted import Peer, soon

FINITE = "argument 1: a float must be finite, neither NaN nor Infinity"
INVALID = "wamp.error.invalid_argument"


def send(peer: Peer, head: str) -> None:
    """Send a message whose one argument is an infinite number."""
    data = f"[{head},[1e999]]".encode()
    peer.send_bytes(len(data).to_bytes(4, "big") + data)


def leave(peer: Peer, session: wamplite.Session) -> None:
    leaving = soon(session.leave)
    peer.goodbye()
    leaving.result()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("50,1,{}", INVALID),
        ('8,48,1,{},"com.example.own"', "com.example.own"),
    ],
)
def test_a_call_whose_answer_cannot_be_read_raises(peer: Peer, answer: str, error: str) -> None:
    session = peer.join()
    calling = soon(session.call, "com.example.any")
    assert peer.receive()[0] == 48
    send(peer, answer)
    with pytest.raises(wamplite.ApplicationError) as caught:
        calling.result()
    assert (caught.value.error, caught.value.args) == (error, (FINITE,))
    again = soon(session.call, "com.example.any")
    assert peer.receive() == [48, 2, {}, "com.example.any"]
    peer.send([50, 2, {}, [7]])
    assert again.result() == 7
    leave(peer, session)


def test_an_invocation_that_cannot_be_read_is_refused(peer: Peer) -> None:
    session = peer.join()
    seen: list[Any] = []
    registering = soon(session.register, "com.example.any", seen.append)
    peer.receive()
    peer.send([65, 1, 5])
    registering.result()
    send(peer, "68,1,5,{}")
    assert peer.receive() == [8, 68, 1, {}, INVALID, [FINITE]]
    peer.send([68, 2, 5, {}, ["good"]])
    assert peer.receive() == [70, 2, {}]
    assert seen == ["good"]
    leave(peer, session)


def test_events_that_cannot_be_read_are_dropped_and_told_of_once(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    session = peer.join()
    seen: list[Any] = []
    subscribing = soon(session.subscribe, "com.example.any", seen.append)
    peer.receive()
    peer.send([33, 1, 5])
    subscribing.result()
    with caplog.at_level(logging.WARNING, "wamplite.client"):
        for publication in range(1, 10):
            send(peer, f"36,5,{publication},{{}}")
        peer.send([36, 5, 10, {}, ["good"]])
        calling = soon(session.call, "com.example.any")
        assert peer.receive()[0] == 48
        peer.send([50, 2, {}])
        calling.result()
        leave(peer, session)
    assert seen == ["good"]
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"an event was dropped, the 1. of this session: {FINITE}"]


def test_what_a_router_does_not_say_is_a_violation_unfit_or_not(peer: Peer) -> None:
    session = peer.join()
    send(peer, '48,1,{},"com.example.any"')
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    assert session.lost.wait(10)
    assert isinstance(session.error, wamplite.ProtocolError)


def test_an_unfit_message_before_welcome_is_a_violation(peer: Peer) -> None:
    joining = soon(wamplite.connect, peer.url, "realm1")
    peer.accept()
    peer.receive()
    send(peer, "36,5,6,{}")
    assert peer.receive()[2] == "wamp.error.protocol_violation"
    peer.hang_up()
    with pytest.raises(wamplite.ProtocolError, match="not EVENT"):
        joining.result()
