"""Messages over a connection: a transport and a serializer."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client.scripted import PATIENCE, soon
from wamplite import serializers
from wamplite.channel import ByteChannel, TooLarge
from wamplite.core.errors import ProtocolError, TransportLost, UsageError
from wamplite.core.messages import Call, Result
from wamplite.transports.rawsocket import RawSocket
from wamplite.transports.socket_stream import SocketStream

CALL = Call(1, {}, "com.app.p", [1])


class Line:
    """A channel, and the socket at its other end."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.socket.settimeout(PATIENCE)
        transport = RawSocket(SocketStream(ours), "json", max_send=1 << 16, limit=1 << 20)
        self.channel = ByteChannel(transport, serializers.get("json"))

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
    assert line.socket.recv(100) == b'\0\0\0\x19[48,1,{},"com.app.p",[1]]'


def test_the_messages_of_one_recv_come_together_with_their_sizes(line: Line) -> None:
    line.arrive([50, 1, {}], [50, 2, {}, ["x"]])
    line.channel.set_receive_timeout(PATIENCE)
    assert line.channel.receive() == [(Result(1, {}), 11), (Result(2, {}, ["x"]), 18)]


@pytest.mark.parametrize("wrong", [b"\0\0\0\x01]", b"\0\0\0\x04[99]", b"\7\0\0\0"])
def test_what_came_before_a_violation_is_given_first(line: Line, wrong: bytes) -> None:
    line.arrive([50, 1, {}], after=wrong)
    assert line.channel.receive() == [(Result(1, {}), 11)]
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
