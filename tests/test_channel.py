"""Messages over a connection, and between two ends in one process."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client.scripted import PATIENCE, soon
from wamplite import channel as channels
from wamplite import serializers
from wamplite.channel import Channel, Local, TooLarge, pair
from wamplite.core.errors import ProtocolError, TransportLost, UsageError
from wamplite.core.messages import Call, Event, Goodbye, Result, Welcome
from wamplite.transports.rawsocket import RawSocket
from wamplite.transports.stream import Stream

CALL = Call(1, {}, "com.app.p", [1])


class Line:
    """A channel, and the socket at its other end."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.socket.settimeout(PATIENCE)
        transport = RawSocket(Stream(ours), "json", max_send=1 << 16, limit=1 << 20)
        self.channel = Channel(transport, serializers.get("json"))

    def arrive(self, *arrays: Any, after: bytes = b"") -> None:
        payloads = [json.dumps(array).encode() for array in arrays]
        frames = [len(data).to_bytes(4, "big") + data for data in payloads]
        self.socket.sendall(b"".join(frames) + after)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.socket.close()
    line.channel.close()


# ---- a transport and a serializer


def test_a_message_is_encoded_and_framed(line: Line) -> None:
    assert line.channel.send(CALL)
    assert not line.channel.left
    assert line.socket.recv(100) == b'\0\0\0\x19[48,1,{},"com.app.p",[1]]'


def test_the_messages_of_one_recv_come_together_with_their_sizes(line: Line) -> None:
    line.arrive([50, 1, {}], [50, 2, {}, ["x"]])
    assert line.channel.wait(PATIENCE)
    assert line.channel.receive() == [Result(1, {}), Result(2, {}, ["x"])]
    assert line.channel.sizes == [11, 18]


@pytest.mark.parametrize("wrong", [b"\0\0\0\x01]", b"\0\0\0\x04[99]", b"\7\0\0\0"])
def test_what_came_before_a_violation_is_given_first(line: Line, wrong: bytes) -> None:
    line.arrive([50, 1, {}], after=wrong)
    assert line.channel.receive() == [Result(1, {})]
    for _ in range(2):
        with pytest.raises(ProtocolError):
            line.channel.receive()


def test_a_violation_stays_one(line: Line) -> None:
    line.arrive(after=b"\0\0\0\x01]")
    for _ in range(2):
        with pytest.raises(ProtocolError):
            line.channel.receive()


def test_silence_is_a_timeout_and_a_ping_is_answered(line: Line) -> None:
    line.channel.set_receive_timeout(0.01)
    with pytest.raises(TimeoutError):
        line.channel.receive()
    assert not line.channel.wait(0.01)
    assert not line.channel.ping()  # nothing is known of the peer: many ignore it or die of it
    line.channel.watch_over(0.01, announced=True)
    assert line.channel.ping()
    assert line.socket.recv(4) == b"\1\0\0\0"
    line.socket.sendall(b"\2\0\0\0")
    assert line.channel.receive() == []


def test_what_the_peer_does_not_take_is_not_sent(line: Line) -> None:
    with pytest.raises(TooLarge, match="CALL of .* bytes: unix takes at most 65536"):
        line.channel.send(Call(1, {}, "com.app.p", ["x" * 70_000]))
    with pytest.raises(UsageError, match="JSON cannot carry"):
        line.channel.send(Call(1, {}, "com.app.p", [object()]))
    line.channel.send(CALL)
    assert line.socket.recv(100)[4:7] == b"[48"


def test_what_is_left_over_is_flushed(line: Line) -> None:
    large = Call(1, {}, "com.app.p", ["x" * 60_000])
    while line.channel.send(large):
        pass
    assert line.channel.left
    with pytest.raises(TimeoutError):
        line.channel.flush(0.01)
    draining = soon(lambda: list(iter(lambda: line.socket.recv(1 << 20), b"")))
    line.channel.flush(PATIENCE)
    line.channel.finish()
    assert b"".join(draining.result()).endswith(b'x"]]')


def test_a_flush_ends_with_the_connection(line: Line) -> None:
    while line.channel.send(Call(1, {}, "com.app.p", ["x" * 60_000])):
        pass
    line.channel.shutdown("enough")
    with pytest.raises(TransportLost, match="enough"):
        line.channel.flush(PATIENCE)


def test_the_end_is_a_loss_that_says_why(line: Line) -> None:
    line.channel.shutdown("enough")
    with pytest.raises(TransportLost, match="unix: enough"):
        line.channel.receive()


def test_finish_ends_after_what_was_sent(line: Line) -> None:
    line.channel.send(CALL)
    line.channel.finish()
    assert line.socket.recv(100).endswith(b"]")
    assert line.socket.recv(100) == b""


# ---- two ends in one process


@pytest.fixture
def ends() -> tuple[Local, Local]:
    return pair()


def test_messages_arrive_in_order(ends: tuple[Local, Local]) -> None:
    ours, theirs = ends
    messages = [CALL, Goodbye({}, "wamp.close.close_realm"), Welcome(1, {"roles": {"dealer": {}}})]
    assert all(ours.send(message) for message in messages)
    assert theirs.wait(0)
    assert theirs.receive() == messages
    assert theirs.sizes == [0, 0, 0]
    assert not theirs.wait(0)
    theirs.send(CALL)
    assert ours.receive() == [CALL]


def test_nothing_mutable_is_shared(ends: tuple[Local, Local]) -> None:
    ours, theirs = ends
    args, kwargs, details = [[1]], {"k": {"a": 1}}, {"x": [1]}
    ours.send(Event(1, 2, details, args, kwargs))
    (event,) = theirs.receive()
    assert event == Event(1, 2, details, args, kwargs)
    args[0].append(2)
    kwargs["k"]["a"] = 2
    details["x"].append(2)
    assert event == Event(1, 2, {"x": [1]}, [[1]], {"k": {"a": 1}})


@pytest.mark.parametrize("value", [object(), float("nan"), {1: 2}, "\0"])
def test_payloads_pass_the_same_gate(ends: tuple[Local, Local], value: Any) -> None:
    with pytest.raises(UsageError, match="CALL cannot be sent"):
        ends[0].send(Call(1, {}, "com.app.p", [value]))
    assert not ends[1].wait(0)


def test_a_payload_that_passes_through_unread_is_taken(ends: tuple[Local, Local]) -> None:
    ends[0].send(Call(1, {"ppt_scheme": "mqtt"}, "com.app.p", b"\0"))
    assert ends[1].receive()[0].args == b"\0"  # type: ignore[union-attr]


def test_the_inbox_has_a_bound(ends: tuple[Local, Local], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MOST_WAITING", 3)
    ours, theirs = ends
    assert [ours.send(CALL) for _ in range(4)] == [True, True, True, False]
    assert ours.left
    with pytest.raises(TimeoutError, match="3 messages not taken"):
        ours.flush(0.01)
    flushing = soon(ours.flush, PATIENCE)
    assert len(theirs.receive()) == 4
    flushing.result()
    assert ours.send(CALL)
    assert not ours.left


def test_silence_is_a_timeout_and_a_ping_finds_life(ends: tuple[Local, Local]) -> None:
    ours, _ = ends
    ours.set_receive_timeout(0.01)
    with pytest.raises(TimeoutError):
        ours.receive()
    ours.ping()
    assert ours.receive() == []
    with pytest.raises(TimeoutError):
        ours.receive()


def test_what_was_sent_before_the_end_arrives(ends: tuple[Local, Local]) -> None:
    ours, theirs = ends
    ours.send(CALL)
    ours.finish()
    assert theirs.receive() == [CALL]
    with pytest.raises(TransportLost, match="the other end closed"):
        theirs.receive()
    with pytest.raises(TransportLost, match="closed"):
        ours.receive()
    theirs.send(CALL)
    with pytest.raises(TransportLost):
        ours.receive()


@pytest.mark.parametrize("end", [0, 1])
def test_shutdown_wakes_both_readers(ends: tuple[Local, Local], end: int) -> None:
    waiting = [soon(one.receive) for one in ends]
    ends[end].shutdown("enough")
    for later in waiting:
        with pytest.raises(TransportLost, match="in process: enough"):
            later.result()
    with pytest.raises(TransportLost):
        ends[0].flush(0)
    ends[0].close()


def test_many_senders_lose_nothing(ends: tuple[Local, Local]) -> None:
    ours, theirs = ends
    count, senders = 500, 4

    def send(sender: int) -> None:
        for number in range(count):
            if not ours.send(Call(1, {}, "com.app.p", [sender, number])):
                ours.flush(PATIENCE)

    sending = [soon(send, sender) for sender in range(senders)]
    received: list[Any] = []
    deadline = time.monotonic() + PATIENCE
    while len(received) < count * senders:
        assert time.monotonic() < deadline
        received += [call.args for call in theirs.receive()]  # type: ignore[union-attr]
    for later in sending:
        later.result()
    for sender in range(senders):
        assert [n for s, n in received if s == sender] == list(range(count))
