"""Deflated WebSocket messages over real sockets: frames by hand, and router and client as used."""

from __future__ import annotations

import random
import threading
import zlib
from collections.abc import Callable, Iterator

import pytest
from wsproto.utilities import generate_accept_token

from tests.transports.websocket_peer import (
    ANSWER,
    REQUEST,
    WebSocketPeer,
    connected,
    masked,
    plain,
)
from tests.waiting import until
from wamplite import ProtocolError, Router, TransportLost, UsageError, connect
from wamplite.core.errors import WampliteError
from wamplite.transports import websocket_client, websocket_server
from wamplite.transports.deflate import Deflate, longest
from wamplite.transports.stream import Stream
from wamplite.transports.websocket import WebSocket
from wamplite.transports.websocket_client import WebSocketClient
from wamplite.transports.websocket_frames import BINARY, DEFLATED, TEXT
from wamplite.transports.websocket_server import WebSocketServer

LIMIT = 100_000
FIN = 0x80
CONTINUATION, PING, PONG, CLOSE = 0x00, 0x89, 0x8A, 0x88
MESSAGE = b'[36, 1, 2, {}, ["the same, ", "the same, "]]' * 20
CHOSEN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
BITS = "server_max_window_bits"
Side = tuple[type[WebSocketServer] | type[WebSocketClient], Callable[..., bytes]]
SIDES: dict[str, Side] = {"server": (WebSocketServer, masked), "client": (WebSocketClient, plain)}


def packed(message: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (machine.compress(message) + machine.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.fixture
def ends() -> Iterator[tuple[Stream, WebSocketPeer]]:
    with connected() as both:
        yield both


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    return SIDES[request.param]


@pytest.fixture
def socket(side: Side, ends: tuple[Stream, WebSocketPeer]) -> WebSocket:
    return side[0](ends[0], "json", LIMIT, deflate=Deflate())


@pytest.fixture
def write(side: Side, ends: tuple[Stream, WebSocketPeer]) -> Callable[..., None]:
    """Return what writes frames as the peer does: (first byte, payload) ..."""

    def write(*frames: tuple[int, bytes]) -> None:
        ends[1].write(*(side[1](first, payload) for first, payload in frames))

    return write


def take(socket: WebSocket, number: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < number:
        messages += socket.receive()
    return messages


def refusal(socket: WebSocket, peer: WebSocketPeer) -> tuple[int, str]:
    """Read until the socket refuses; return the code that the peer is told, and what is raised."""
    with pytest.raises(ProtocolError) as caught:
        while True:
            socket.receive()
    first, payload = peer.frame()
    while first != CLOSE:
        first, payload = peer.frame()
    return int.from_bytes(payload[:2], "big"), str(caught.value)


# Frames


def test_deflated_messages_and_others_may_come_in_turn(
    socket: WebSocket, write: Callable[..., None]
) -> None:
    write((TEXT | DEFLATED, packed(MESSAGE)), (TEXT, b"[1]"), (TEXT | DEFLATED, packed(b"[2]")))
    write((TEXT | DEFLATED, packed(b"")), (TEXT, MESSAGE))
    assert take(socket, 5) == [MESSAGE, b"[1]", b"[2]", b"", MESSAGE]
    assert socket.buffered == 0


def test_a_deflated_message_may_come_in_fragments_with_control_frames_between(
    socket: WebSocket, write: Callable[..., None], ends: tuple[Stream, WebSocketPeer]
) -> None:
    data = packed(MESSAGE)
    write((0x01 | DEFLATED, data[:5]), (PING, b"are you there"), (CONTINUATION, data[5:9]))
    while socket.buffered < 9:
        assert socket.receive() == []
    assert ends[1].frame() == (PONG, b"are you there")
    write((CONTINUATION | FIN, data[9:]), (0x01, b"[1"), (CONTINUATION | FIN, b"]"))
    assert take(socket, 2) == [MESSAGE, b"[1]"]


def test_each_octet_may_come_alone(
    socket: WebSocket, side: Side, ends: tuple[Stream, WebSocketPeer]
) -> None:
    for octet in side[1](TEXT | DEFLATED, packed(MESSAGE)):
        ends[1].write(bytes((octet,)))
    assert take(socket, 1) == [MESSAGE]


def test_what_is_large_enough_is_written_deflated(
    socket: WebSocket, ends: tuple[Stream, WebSocketPeer]
) -> None:
    socket.stream.write([socket.frame(MESSAGE), socket.frame(b"[1]")])
    first, payload = ends[1].frame()
    assert first == TEXT | DEFLATED and len(payload) < len(MESSAGE) / 5
    assert Deflate().unpack(payload, LIMIT) == MESSAGE
    assert ends[1].frame() == (TEXT, b"[1]")


def test_a_bomb_is_refused_at_the_bound_of_a_message(
    socket: WebSocket, write: Callable[..., None], ends: tuple[Stream, WebSocketPeer]
) -> None:
    write((TEXT, b"[1]"), (TEXT | DEFLATED, packed(bytes(50_000_000))))
    assert take(socket, 1) == [b"[1]"]
    code, said = refusal(socket, ends[1])
    assert code == 1009 and said.endswith(f"a message that inflates to over {LIMIT} bytes")


def test_a_message_of_the_bound_passes_even_where_deflating_made_it_longer(
    side: Side, write: Callable[..., None], ends: tuple[Stream, WebSocketPeer]
) -> None:
    noise = random.Random(1).randbytes(LIMIT)
    assert LIMIT < len(packed(noise)) <= longest(LIMIT)
    binary = side[0](ends[0], "msgpack", LIMIT, deflate=Deflate())
    write((BINARY | DEFLATED, packed(noise)))
    assert take(binary, 1) == [noise]


@pytest.mark.parametrize("size", [LIMIT + 1, longest(LIMIT), longest(LIMIT) + 1])
def test_a_message_above_the_bound_is_refused_where_others_are_deflated(
    size: int, socket: WebSocket, write: Callable[..., None], ends: tuple[Stream, WebSocketPeer]
) -> None:
    write((TEXT, b" " * size))
    code, said = refusal(socket, ends[1])
    assert code == 1009 and f"a message of {size} bytes or more, at most {LIMIT}" in said


def test_fragments_of_a_deflated_message_are_bounded_together(
    socket: WebSocket, write: Callable[..., None], ends: tuple[Stream, WebSocketPeer]
) -> None:
    write((0x01 | DEFLATED, bytes(60_000)), (CONTINUATION, bytes(60_000)))
    assert refusal(socket, ends[1])[0] == 1009


@pytest.mark.parametrize(
    "frames",
    [
        [(PING | DEFLATED, b"")],
        [(CLOSE | DEFLATED, b"")],
        [(0x01, b"[1"), (CONTINUATION | FIN | DEFLATED, b"]")],
        [(CONTINUATION | FIN | DEFLATED, b"")],
        [(TEXT | 0x20, b"[1]")],
        [(TEXT | DEFLATED | 0x10, b"[1]")],
        [(0x01 | DEFLATED, b""), (TEXT | DEFLATED, b"")],
    ],
)
def test_the_bit_of_a_deflated_message_stands_in_its_first_frame_alone(
    frames: list[tuple[int, bytes]],
    socket: WebSocket,
    write: Callable[..., None],
    ends: tuple[Stream, WebSocketPeer],
) -> None:
    write(*frames)
    assert refusal(socket, ends[1])[0] == 1002


@pytest.mark.parametrize(
    "payload", [b"\xff\xff\xff", packed(MESSAGE)[:20], packed(b"\xff\xfe" * 99)]
)
def test_what_inflates_to_nonsense_is_refused(
    payload: bytes,
    socket: WebSocket,
    write: Callable[..., None],
    ends: tuple[Stream, WebSocketPeer],
) -> None:
    write((TEXT | DEFLATED, payload))
    assert refusal(socket, ends[1])[0] == 1007


def test_without_an_agreement_a_deflated_message_is_refused(
    side: Side, write: Callable[..., None], ends: tuple[Stream, WebSocketPeer]
) -> None:
    socket = side[0](ends[0], "json", LIMIT)
    write((TEXT | DEFLATED, packed(MESSAGE)))
    assert refusal(socket, ends[1])[0] == 1002


# The handshake


@pytest.mark.parametrize(
    ("offer", "compress", "answer"),
    [
        ("permessage-deflate; client_max_window_bits", True, CHOSEN),
        (f"permessage-deflate; {BITS}=10", True, f"{CHOSEN}; {BITS}=10"),
        (f"permessage-deflate; {BITS}=8", True, None),
        ("permessage-deflate; client_max_window_bits", False, None),
    ],
)
def test_the_server_agrees_where_it_was_told_to(
    offer: str, compress: bool, answer: str | None, ends: tuple[Stream, WebSocketPeer]
) -> None:
    stream, peer = ends
    asked = f"Sec-WebSocket-Extensions: {offer}\r\n\r\n".encode()
    transport = websocket_server.accept(
        stream,
        REQUEST[:-2] + asked,
        serializers=["json"],
        max_message_size=LIMIT,
        compress=compress,
    )
    said = f"Sec-WebSocket-Extensions: {answer}\r\n".encode() if answer else b""
    assert peer.head() == ANSWER[:-2] + said + b"\r\n"
    assert transport.frame(MESSAGE)[0] == (TEXT | DEFLATED if answer else TEXT)


def test_frames_are_alike_where_the_window_is(ends: tuple[Stream, WebSocketPeer]) -> None:
    framings = [
        WebSocketServer(ends[0], serializer, LIMIT, deflate=deflate).framing
        for serializer in ("json", "cbor")
        for deflate in (None, Deflate(), Deflate(10))
    ]
    assert len(set(framings)) == 6
    assert WebSocketServer(ends[0], "msgpack", LIMIT, deflate=Deflate()).framing in framings


@pytest.mark.parametrize("answer", ["permessage-deflate", "permessage-deflate; mystery", "x-gzip"])
def test_the_client_refuses_what_it_did_not_ask_for(
    answer: str, ends: tuple[Stream, WebSocketPeer]
) -> None:
    stream, peer = ends

    def answer_it() -> None:
        request = peer.head().decode()
        assert "Sec-WebSocket-Extensions: permessage-deflate; server_no_context" in request
        key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        token = generate_accept_token(key.encode())
        head = ANSWER.replace(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", token)
        peer.write(head[:-2] + f"Sec-WebSocket-Extensions: {answer}\r\n\r\n".encode())

    thread = threading.Thread(target=answer_it)
    thread.start()
    try:
        with pytest.raises(ProtocolError, match="expected the extension permessage-deflate"):
            websocket_client.connect(
                stream, "ws://127.0.0.1/ws", ["json"], max_message_size=LIMIT, compress=True
            )
    finally:
        thread.join(10)


# Sessions


@pytest.mark.sampled
@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor", "json.batched"])
@pytest.mark.parametrize("asking", [True, False])
@pytest.mark.parametrize("agreeing", [True, False])
def test_sessions_are_served_whoever_wants_it_deflated(
    serializer: str, asking: bool, agreeing: bool
) -> None:
    came: list[str] = []
    with Router(compress=agreeing) as router:
        url = router.listen("tcp://127.0.0.1:0").replace("tcp", "ws") + "/ws"
        with (
            connect(url, serializer=serializer, compress=asking) as one,
            connect(url, serializer=serializer) as other,
        ):
            one.register("com.app.echo", lambda text: text)
            one.subscribe("com.app.topic", came.append)
            for size in (1, 100, 1000, 300_000):
                assert other.call("com.app.echo", "ab" * size) == "ab" * size
                other.publish("com.app.topic", "cd" * size)
            until(lambda: len(came) == 4)
            assert came == ["cd" * size for size in (1, 100, 1000, 300_000)]


def test_a_bomb_before_hello_meets_the_bound_of_a_first_message() -> None:
    with Router(compress=True, max_first_message_size=1000) as router:
        url = router.listen("tcp://127.0.0.1:0").replace("tcp", "ws") + "/ws"
        with pytest.raises(WampliteError, match=r"inflates to over 1000|closed"):
            connect(url, compress=True, authextra={"bomb": "0" * 2000})


def test_deflating_is_for_websocket() -> None:
    with pytest.raises(UsageError, match="compress= is for ws and wss, not for rs://"):
        connect("rs://127.0.0.1:1", compress=True)
    with pytest.raises(UsageError, match="compress must be a bool, not 9"):
        connect("ws://127.0.0.1:1", compress=9)  # type: ignore[arg-type]
    with pytest.raises(TransportLost):
        connect("ws://127.0.0.1:1/ws", compress=True)
