"""Bytes of transports, whole and in pieces: the same must come of them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.held import held_octets
from wamplite.core.errors import ProtocolError, TransportLost
from wamplite.transports.deflate import Deflate, choose
from wamplite.transports.http_exchange import Exchange
from wamplite.transports.http_server import HttpRefusal
from wamplite.transports.origins import advice, is_our_name, may_connect, read
from wamplite.transports.rawsocket_frames import Framer
from wamplite.transports.serial_frames import Frame, Unframer, longest
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.websocket import WebSocket
from wamplite.transports.websocket_client import WebSocketClient
from wamplite.transports.websocket_server import WebSocketServer, accept

LIMIT = 4096
MOST = 65536  # bytes of one input: what a socket takes without waiting


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return bytes, and the same in pieces whose size the first byte tells."""
    if not data:
        return b"", []
    size, data = data[0] % 32 + 1, data[1:MOST]
    return data, [data[at : at + size] for at in range(0, len(data), size)]


def rawsocket(data: bytes) -> None:
    """RawSocket frames: the same messages, PINGs and violation, and no more held than allowed."""
    data, cut = pieces(data)
    one, other = Framer(LIMIT), Framer(LIMIT)
    whole = one.feed(data)
    parts = [payload for piece in cut for payload in other.feed(piece)]
    assert whole == parts and all(0 < len(payload) <= LIMIT for payload in whole)
    assert one.pings == other.pings
    assert str(one.error) == str(other.error)
    assert one.error or one.buffered == other.buffered <= LIMIT


def serial(data: bytes) -> None:
    """Serial frames: the same frames and counts, and no more held than the longest."""
    data, cut = pieces(data)
    one, other = Unframer(LIMIT), Unframer(LIMIT)
    whole: list[Frame] = one.feed(data)
    parts = [frame for piece in cut for frame in other.feed(piece)]
    assert whole == parts and all(len(frame.message) <= LIMIT for frame in whole)
    assert (one.damaged, one.overlong) == (other.damaged, other.overlong)
    assert held_octets(other) <= longest(LIMIT)


@contextmanager
def connected() -> Iterator[tuple[SocketStream, socket.socket]]:
    """Give a stream, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    stream = SocketStream(ours)
    stream.set_receive_timeout(2.0)
    try:
        with theirs:
            yield stream, theirs
    finally:
        stream.close()


Make = Callable[[SocketStream], WebSocket]


def heard(make: Make, parts: list[bytes]) -> tuple[list[bytes], str]:
    """Return the messages of what comes in parts, and how the connection ended."""
    messages: list[bytes] = []
    with connected() as (stream, peer):
        transport = make(stream)
        try:
            for part in parts:
                peer.sendall(part)
                messages += transport.receive()
                assert transport.buffered <= LIMIT
            peer.shutdown(socket.SHUT_WR)
            while True:
                messages += transport.receive()
        except (ProtocolError, TransportLost) as end:
            return messages, type(end).__name__


def compared(make: Make, data: bytes) -> None:
    """Compare what comes whole with what comes in pieces; only protocol errors may end it."""
    data, cut = pieces(data)
    whole, parts = heard(make, [data] if data else []), heard(make, cut)
    assert whole == parts, (whole, parts)
    assert all(len(message) <= LIMIT for message in whole[0])


def websocket(data: bytes) -> None:
    """A client's frames, as a router reads them: the same messages, none above the limit."""
    kind = "json" if data[:1] < b"\x80" else "msgpack"
    compared(lambda stream: WebSocketServer(stream, kind, LIMIT), data)


def websocket_deflated(data: bytes) -> None:
    """The same, where messages may be deflated."""
    compared(lambda stream: WebSocketServer(stream, "json", LIMIT, b"", agreed()), data)


def agreed() -> Deflate:
    """Return what router and client agree on about compression."""
    found = choose(["permessage-deflate"])
    assert found is not None
    return found[0]


def websocket_client(data: bytes) -> None:
    """A router's frames, as a client reads them."""
    kind = "json" if data[:1] < b"\x80" else "msgpack"
    compared(lambda stream: WebSocketClient(stream, kind, LIMIT), data)


def http(data: bytes) -> None:
    """The request for a WebSocket: it is agreed to, or answered by one status line of HTTP."""
    with connected() as (stream, peer):
        peer.sendall(data[:MOST])
        peer.shutdown(socket.SHUT_WR)
        head = stream.recv() if data else b""
        with suppress(TransportLost):  # it was anything but a request that we serve
            accept(
                stream, head, serializers=("json", "msgpack"), max_message_size=LIMIT, compress=True
            )
        stream.shutdown("done")
        peer.settimeout(2.0)
        answer = peer.recv(MOST)
    assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:100]
    assert answer.count(b"HTTP/1.1 ") <= 1 or b"\r\n\r\n" in answer
    head, _, _ = answer.partition(b"\r\n\r\n")
    assert b"\n" not in head.replace(b"\r\n", b""), f"a header was smuggled in: {head!r}"


def requests(data: bytes) -> None:
    """Requests over HTTP, one after the other: each has its answer, and a body within bounds."""
    with connected() as (stream, peer):
        peer.sendall(data[:MOST])
        peer.shutdown(socket.SHUT_WR)
        head = stream.recv() if data else b""
        exchange = Exchange(stream, head)
        with suppress(TransportLost, HttpRefusal):
            while (asked := exchange.next(2.0, LIMIT, lambda size: None)) is not None:
                assert len(asked[1]) <= LIMIT
                served = asked[0].method in (b"GET", b"HEAD", b"POST")  # CONNECT is never
                if not exchange.answer(200 if served else 405, b"ok", []):
                    break
        stream.shutdown("done")


def origins(data: bytes) -> None:
    """An Origin and a Host: who may connect is a page of the host that it calls, by our name."""
    text, _, host = data[:MOST].decode("latin-1").partition("\n")
    allowed = may_connect(text, host, frozenset(), frozenset({"pi.example"}))
    advice(text, host)
    if allowed:
        own = read(text.lower())
        assert own is not None and host.lower().startswith(own.host)
        assert is_our_name(host, {"pi.example"})
