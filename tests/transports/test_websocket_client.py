"""The client's side of a WebSocket, against our own server and against a peer made of bytes."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.transports.streams import make_certificate, tcp_pair
from tests.transports.websocket_peer import (
    ANSWER,
    PATIENCE,
    WebSocketPeer,
    connected,
    masked,
    plain,
    size_bytes,
)
from wamplite.core.errors import ConnectTimeout, ProtocolError, TransportLost
from wamplite.transports import tls
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.stream import Stream
from wamplite.transports.tls import TlsStream
from wamplite.transports.websocket_client import WebSocketClient, connect
from wamplite.transports.websocket_server import WebSocketServer, accept

LIMIT = 100_000
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
URL = "ws://127.0.0.1:8080/ws"


@pytest.fixture
def ends() -> Iterator[tuple[Stream, WebSocketPeer]]:
    with connected() as both:
        yield both


@pytest.fixture
def client(ends: tuple[Stream, WebSocketPeer]) -> WebSocketClient:
    return WebSocketClient(ends[0], "json", LIMIT)


@pytest.fixture
def peer(ends: tuple[Stream, WebSocketPeer]) -> WebSocketPeer:
    return ends[1]


def take(transport: WebSocketClient | WebSocketServer, number: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < number:
        messages += transport.receive()
    return messages


def end_of(client: WebSocketClient) -> tuple[list[bytes], Exception]:
    messages: list[bytes] = []
    while True:
        try:
            messages += client.receive()
        except (ProtocolError, TransportLost) as error:
            return messages, error


def close_code(peer: WebSocketPeer) -> int:
    first, payload = peer.frame()
    assert first == CLOSE
    assert peer.rest() == b""
    return int.from_bytes(payload[:2], "big")


# The handshake


def shake(
    ends: tuple[Stream, WebSocketPeer],
    answer: Callable[[bytes], bytes],
    serializers: tuple[str, ...] = ("json", "msgpack"),
    seconds: float = PATIENCE,
) -> tuple[WebSocketClient, bytes]:
    """Connect to a peer that answers the request as told; return also what it read."""
    stream, peer = ends
    requests: list[bytes] = []

    def serve() -> None:
        requests.append(peer.head())
        peer.write(answer(requests[0]))

    server = threading.Thread(target=serve)
    server.start()
    try:
        deadline = time.monotonic() + seconds
        client = connect(stream, URL, serializers, max_message_size=LIMIT, deadline=deadline)
    finally:
        server.join()
    return client, requests[0]


def agree(request: bytes, subprotocol: bytes = b"wamp.2.json") -> bytes:
    """Answer a request as a server that knows RFC 6455 does."""
    from wsproto.utilities import generate_accept_token

    key = next(
        line.split(b": ")[1]
        for line in request.split(b"\r\n")
        if line.startswith(b"Sec-WebSocket-K")
    )
    answer = ANSWER.replace(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", generate_accept_token(key))
    return answer.replace(b"wamp.2.json", subprotocol)


def test_the_request_offers_our_subprotocols_and_no_origin(
    ends: tuple[Stream, WebSocketPeer],
) -> None:
    client, request = shake(ends, agree)
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /ws HTTP/1.1"
    assert "Host: 127.0.0.1:8080" in lines
    assert "Sec-WebSocket-Protocol: wamp.2.json, wamp.2.msgpack" in lines
    assert "Sec-WebSocket-Version: 13" in lines
    assert not any(line.lower().startswith(("origin", "sec-websocket-ext")) for line in lines)
    assert client.serializer == "json"


def test_the_server_chooses(ends: tuple[Stream, WebSocketPeer]) -> None:
    client, _ = shake(ends, lambda request: agree(request, b"wamp.2.msgpack"))
    assert client.serializer == "msgpack"
    assert client.frame(b"x")[0] == BINARY


def test_bytes_behind_the_answer_are_kept(ends: tuple[Stream, WebSocketPeer]) -> None:
    client, _ = shake(ends, lambda request: agree(request) + plain(TEXT, b"early"))
    assert client.receive() == [b"early"]


def test_the_deadline_ends_with_the_handshake(ends: tuple[Stream, WebSocketPeer]) -> None:
    client, _ = shake(ends, agree, seconds=0.5)
    late = threading.Timer(0.7, ends[1].write, [plain(TEXT, b"late")])
    late.start()
    assert client.receive() == [b"late"]
    late.join()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param((b"wamp.2.json", b"wamp.2.cbor"), "wamp.2.cbor", id="not offered"),
        pytest.param((b"Sec-WebSocket-Protocol: wamp.2.json\r\n", b""), "chose ''", id="none"),
        pytest.param((b"wamp.2.json", b"mqtt"), "mqtt", id="foreign"),
        pytest.param((b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"), "", id="bad accept"),
        pytest.param((b"Upgrade: websocket\r\n", b""), "", id="no upgrade"),
        pytest.param((b"101 Switching", b"xyz Switching"), "xyz", id="no status"),
        pytest.param((b"Upgrade: websocket", b"Upgrade \xff"), "", id="not UTF-8"),
        pytest.param((b"Upgrade: websocket", b"Upgrade websocket"), "", id="no colon"),
        pytest.param(
            (b"Upgrade: websocket", b"Upgrade: websocket\r\nSec-WebSocket-Extensions: x"),
            "extension",
            id="an extension",
        ),
        pytest.param(
            (b"Upgrade: websocket", b"Set-Cookie: \x01=1;\r\nUpgrade: h2c"), "", id="a bad cookie"
        ),
        pytest.param((b"Upgrade: ", b"x: " + b"y" * 20_000 + b"\r\n"), "16384", id="endless"),
        pytest.param((b"101 Switching", b"302 Found"), "edirect", id="a redirect"),
    ],
)
def test_an_answer_that_agrees_to_something_else_is_a_protocol_error(
    change: tuple[bytes, bytes], text: str, ends: tuple[Stream, WebSocketPeer]
) -> None:
    with pytest.raises(ProtocolError) as caught:
        shake(ends, lambda request: agree(request).replace(*change))
    assert text in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\ntry /wamp", "404: 'try /wamp'"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503"),
    ],
)
def test_an_answer_that_refuses_says_why(
    answer: bytes, text: str, ends: tuple[Stream, WebSocketPeer]
) -> None:
    with pytest.raises(TransportLost) as caught:
        shake(ends, lambda request: answer)
    assert text in str(caught.value)


def test_an_endless_refusal_is_not_read_to_its_end(ends: tuple[Stream, WebSocketPeer]) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 60_000
    with pytest.raises(ProtocolError, match="16384"):
        shake(ends, lambda request: answer)


def test_no_answer_in_time_is_a_connect_timeout(ends: tuple[Stream, WebSocketPeer]) -> None:
    begun = time.monotonic()
    with pytest.raises(ConnectTimeout, match="in time"):
        shake(ends, lambda request: b"HTTP/1.1 101 Swi", seconds=0.2)
    assert time.monotonic() - begun < 10


def test_a_server_that_hangs_up_in_the_handshake_is_lost(
    ends: tuple[Stream, WebSocketPeer],
) -> None:
    ends[1].write(b"HTTP/1.1 101 Swi")
    ends[1].sock.shutdown(socket.SHUT_WR)
    with pytest.raises(TransportLost, match="closed the connection"):
        connect(ends[0], URL, ("json",), max_message_size=LIMIT)


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_our_client_and_our_server_understand_each_other(serializer: str) -> None:
    sizes = [0, 125, 126, 65535, 65536, LIMIT]
    with connected() as (stream, peer):
        there = SocketStream(peer.sock)

        def serve() -> None:
            server = accept(there, there.recv(), serializers=[serializer], max_message_size=LIMIT)
            server.limit_receive(LIMIT)
            for message in take(server, len(sizes)):
                server.stream.write([server.frame(message)])
            there.flush(PATIENCE)
            server.finish()

        thread = threading.Thread(target=serve)
        thread.start()
        client = connect(
            stream, URL.replace("ws:", "WS:"), ("cbor", serializer), max_message_size=LIMIT
        )
        for size in sizes:
            client.stream.write([client.frame(b"x" * size)])
            stream.flush(PATIENCE)
        assert [len(message) for message in take(client, len(sizes))] == sizes
        messages, error = end_of(client)
        assert messages == []
        assert "closed the WebSocket: 1000" in str(error)
        thread.join()


def test_over_tls_a_writer_and_pings_do_not_disturb_each_other(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    ours, theirs = tcp_pair()
    stream = TlsStream(ours, tls.client_context(certificate.cert), hostname="localhost")
    there = TlsStream(theirs, tls.server_context(*certificate), server_side=True)
    number = 2000

    def serve() -> None:
        there.handshake()
        server = accept(there, there.recv(), serializers=["msgpack"], max_message_size=LIMIT)
        writer = threading.Thread(target=publish, args=(server,))
        writer.start()
        for count, message in enumerate(take(server, number)):
            assert message == b"%d" % count
        writer.join()
        server.finish()

    def publish(server: WebSocketServer) -> None:
        for count in range(number):
            server.stream.write([server.frame(b"%d" % count * 100)])
            there.flush(PATIENCE)

    def talk() -> None:
        for count in range(number):
            client.ping()
            client.stream.write([client.frame(b"%d" % count)])
            stream.flush(PATIENCE)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        stream.handshake()
        client = connect(stream, "wss://localhost/ws", ["msgpack"], max_message_size=LIMIT)
        talker = threading.Thread(target=talk)
        talker.start()
        assert take(client, number) == [b"%d" % count * 100 for count in range(number)]
        talker.join()
        thread.join()
        assert "closed the WebSocket: 1000" in str(end_of(client)[1])
    finally:
        stream.close()
        there.close()


# Messages


def test_each_frame_has_a_mask_of_its_own(client: WebSocketClient, peer: WebSocketPeer) -> None:
    assert client.frame(b"x" * 9) != client.frame(b"x" * 9)
    for size in (0, 125, 126, 65536):
        client.stream.write([client.frame(b"y" * size)])
        client.stream.flush(PATIENCE)
        first, second = peer.read(2)
        assert first == TEXT
        assert second & 0x80
        peer.read({126: 2, 127: 8}.get(second & 0x7F, 0) + 4 + size)


def test_a_segment_with_many_messages_is_one_arrival(
    client: WebSocketClient, peer: WebSocketPeer
) -> None:
    peer.write(*(plain(TEXT, b"%d" % number) for number in range(50)))
    assert client.receive() == [b"%d" % number for number in range(50)]


def test_messages_split_at_every_byte_arrive(client: WebSocketClient, peer: WebSocketPeer) -> None:
    wire = plain(TEXT, b"a" * 130) + plain(0x01, b"b") + plain(PING, b"?") + plain(0x80, b"c")
    messages: list[bytes] = []
    for byte in wire + plain(TEXT, b"last"):
        peer.write(bytes((byte,)))
        messages += client.receive()
    assert messages == [b"a" * 130, b"bc", b"last"]
    assert peer.frame() == (PONG, b"?")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_message_of_each_size_arrives_wherever_its_header_is_cut(
    client: WebSocketClient, peer: WebSocketPeer, size: int, at: int
) -> None:
    frame = plain(TEXT, b"x" * size)
    peer.write(frame[:at])
    messages = client.receive()
    peer.write(frame[at:], frame)  # the second is there whole
    assert messages + take(client, 2 - len(messages)) == [b"x" * size] * 2


def test_our_ping_is_masked_and_a_pong_is_heard(
    client: WebSocketClient, peer: WebSocketPeer
) -> None:
    client.ping()
    data = peer.read(6)
    assert data[:2] == b"\x89\x80"
    before = client.heard
    peer.write(plain(PONG))
    assert client.receive() == []
    assert client.heard > before


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param(masked(TEXT, b"x"), 1002, id="masked"),
        pytest.param(plain(0xC1, b"x"), 1002, id="RSV1"),
        pytest.param(plain(0x83, b"x"), 1002, id="reserved opcode"),
        pytest.param(plain(0x09, b"x"), 1002, id="fragmented ping"),
        pytest.param(plain(0x89, b"x" * 126), 1002, id="long ping"),
        pytest.param(plain(0x80, b"x"), 1002, id="stray continuation"),
        pytest.param(plain(0x01, b"x") + plain(TEXT, b"y"), 1002, id="message within a message"),
        pytest.param(b"\x81\x7f\x80" + bytes(7), 1002, id="size with its top bit"),
        pytest.param(b"\x81\x7e\x00\x7d", 1002, id="size of 125 in two bytes"),
        pytest.param(b"\x81\x7e\x00\x7d" + b"x" * 125, 1002, id="125 bytes, size in two bytes"),
        pytest.param(b"\x81" + size_bytes(500, 64), 1002, id="size of 500 in eight bytes"),
        pytest.param(plain(CLOSE, b"\x03\xed"), 1002, id="close code 1005"),
        pytest.param(plain(CLOSE, b"\x03"), 1002, id="half a close code"),
        pytest.param(plain(CLOSE, b"\x03\xe8\xff"), 1007, id="close reason not UTF-8"),
        pytest.param(plain(TEXT, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(plain(0x01, b"\xc3") + plain(0x80, b"x"), 1007, id="fragments not UTF-8"),
        pytest.param(plain(BINARY, b"x"), 1003, id="wrong kind"),
        pytest.param(plain(0x02, b"x"), 1003, id="wrong kind in fragments"),
        pytest.param(b"\x81" + size_bytes(LIMIT + 1), 1009, id="too big"),
        pytest.param(b"\x81" + size_bytes(1 << 40), 1009, id="1 TB"),
        pytest.param(plain(0x01, b"x" * LIMIT) + plain(0x80, b"x"), 1009, id="fragments too big"),
    ],
)
def test_a_breach_ends_the_connection_with_its_code(
    frames: bytes, code: int, client: WebSocketClient, peer: WebSocketPeer
) -> None:
    peer.write(plain(TEXT, b"good"), frames, plain(TEXT, b"ignored"))
    messages, error = end_of(client)
    assert messages == [b"good"]
    assert isinstance(error, ProtocolError)
    assert f"({code})" in str(error)
    assert close_code(peer) == code


def test_a_large_message_is_collected_without_copying_it_over_and_over(
    client: WebSocketClient, peer: WebSocketPeer
) -> None:
    size = 5_000_000
    client.limit_receive(size)
    tracemalloc.start()
    try:
        writer = threading.Thread(target=peer.write, args=(b"\x81" + size_bytes(size), b"x" * size))
        writer.start()
        assert [len(message) for message in take(client, 1)] == [size]
        writer.join()
        assert tracemalloc.get_traced_memory()[1] < 5 * size
    finally:
        tracemalloc.stop()


def test_a_close_frame_is_answered_and_what_follows_is_ignored(
    client: WebSocketClient, peer: WebSocketPeer
) -> None:
    peer.write(plain(TEXT, b"last"), plain(CLOSE, b"\x03\xe9bye"), plain(TEXT, b"ignored"))
    messages, error = end_of(client)
    assert messages == [b"last"]
    assert isinstance(error, TransportLost)
    assert "1001 'bye'" in str(error)
    assert close_code(peer) == 1001


def test_finish_says_goodbye_once_and_still_reads(
    client: WebSocketClient, peer: WebSocketPeer
) -> None:
    client.finish()
    client.finish()
    peer.write(plain(TEXT, b"on its way"), plain(CLOSE, b"\x03\xe8"))
    messages, error = end_of(client)
    assert (messages, type(error)) == ([b"on its way"], TransportLost)
    assert close_code(peer) == 1000
