"""Batched WebSocket over real sockets: frames by hand, and router and client as they are used."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.transports.websocket_peer import ANSWER, REQUEST, WebSocketPeer, connected, masked
from tests.waiting import until
from wamplite import ProtocolError, Router, UsageError, connect
from wamplite.transports import websocket_server
from wamplite.transports.base import Transport
from wamplite.transports.stream import Stream
from wamplite.transports.websocket_batched import Batched
from wamplite.transports.websocket_frames import BINARY, TEXT
from wamplite.transports.websocket_server import WebSocketServer

LIMIT = 100_000


@pytest.fixture
def ends() -> Iterator[tuple[Stream, WebSocketPeer]]:
    with connected() as both:
        yield both


@pytest.fixture
def batched(ends: tuple[Stream, WebSocketPeer]) -> Transport:
    return Batched(WebSocketServer(ends[0], "json", LIMIT))


def test_a_batch_that_comes_is_its_messages_and_two_of_one_recv_are_both(
    batched: Transport, ends: tuple[Stream, WebSocketPeer]
) -> None:
    ends[1].write(masked(TEXT, b"[1]\x1e[2]\x1e"), masked(TEXT, b"[3]\x1e"))
    assert batched.receive() == [b"[1]", b"[2]", b"[3]"]


def test_what_is_written_at_once_is_one_batch(
    batched: Transport, ends: tuple[Stream, WebSocketPeer]
) -> None:
    write = batched.writer()
    assert write([batched.frame(b"[1]"), batched.frame(b"[2]")])
    assert write([batched.frame(b"[3]")], droppable=True)
    assert ends[1].frame() == (TEXT, b"[1]\x1e[2]\x1e")
    assert ends[1].frame() == (TEXT, b"[3]\x1e")


def test_a_message_as_large_as_is_taken_has_room_for_what_the_batch_adds(
    ends: tuple[Stream, WebSocketPeer],
) -> None:
    batched = Batched(WebSocketServer(ends[0], "msgpack", LIMIT))
    for _ in range(2):  # before and after joining
        payload = b"x" * LIMIT
        ends[1].write(masked(BINARY, batched.frame(payload)))
        assert next(filter(None, iter(batched.receive, None))) == [payload]
        batched.limit_receive(LIMIT)


@pytest.mark.parametrize("batch", [b"", b"[1]", b"\x1e"])
def test_a_batch_that_is_none_ends_the_connection_after_what_came_before(
    batch: bytes, batched: Transport, ends: tuple[Stream, WebSocketPeer]
) -> None:
    ends[1].write(masked(TEXT, b"[1]\x1e"), masked(TEXT, batch))
    assert batched.receive() == [b"[1]"]
    with pytest.raises(ProtocolError, match="a batch"):
        batched.receive()
    first, payload = ends[1].frame()
    assert (first, payload[:2]) == (0x88, (1002).to_bytes(2, "big"))


def test_an_empty_batch_alone_ends_the_connection_at_once(
    batched: Transport, ends: tuple[Stream, WebSocketPeer]
) -> None:
    ends[1].write(masked(TEXT, b""))
    with pytest.raises(ProtocolError, match="a batch without a message"):
        batched.receive()


def test_the_server_agrees_to_a_batched_subprotocol(ends: tuple[Stream, WebSocketPeer]) -> None:
    stream, peer = ends
    head = REQUEST.replace(b"wamp.2.json", b"wamp.2.ubjson.batched, wamp.2.json.batched")
    transport = websocket_server.accept(stream, head, serializers=["json"], max_message_size=LIMIT)
    assert peer.head() == ANSWER.replace(b"wamp.2.json", b"wamp.2.json.batched")
    assert isinstance(transport, Batched) and transport.serializer == "json"


@pytest.mark.parametrize("serializer", ["json.batched", "msgpack.batched", "cbor.batched"])
def test_sessions_call_and_publish_in_batches(
    serializer: str, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[int] = []
    with Router() as router, caplog.at_level(logging.INFO, "wamplite.router"):
        url = router.listen("tcp://127.0.0.1:0").replace("tcp", "ws") + "/ws"
        with connect(url, serializer=serializer) as one, connect(url) as other:
            one.register("com.app.add", lambda a, b: a + b)
            one.subscribe("com.app.topic", came.append)
            assert other.call("com.app.add", 2, 3) == 5
            other.publish_all(("com.app.topic", [number], {}, None) for number in range(1000))
            until(lambda: len(came) == 1000)
            assert came == list(range(1000))
            assert one.call("com.app.add", "x" * 100_000, "y") == "x" * 100_000 + "y"
    assert f"websocket, {serializer.partition('.')[0]}" in caplog.text


def test_batches_are_for_websocket() -> None:
    with pytest.raises(UsageError, match="serializer='json.batched' is for ws and wss"):
        connect("rs://127.0.0.1:1", serializer="json.batched")
    with pytest.raises(UsageError, match="one of json, msgpack, cbor"):
        connect("ws://127.0.0.1:1", serializer="xml.batched")
