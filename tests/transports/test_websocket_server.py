"""The router's side of a WebSocket against a peer made of bytes."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.transports.websocket_peer import (
    KEY,
    PATIENCE,
    WebSocketPeer,
    connected,
    masked,
    plain,
    size_bytes,
)
from wamplite.core.errors import ProtocolError, TransportLost
from wamplite.transports.base import MessageTooLarge
from wamplite.transports.stream import Stream
from wamplite.transports.websocket_server import WebSocketServer

SMALL = 16384  # bytes of a buffer in the kernel
LIMIT = 100_000
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


@pytest.fixture
def ends() -> Iterator[tuple[Stream, WebSocketPeer]]:
    with connected() as both:
        yield both


@pytest.fixture
def server(ends: tuple[Stream, WebSocketPeer]) -> WebSocketServer:
    return WebSocketServer(ends[0], "json", LIMIT)


@pytest.fixture
def peer(ends: tuple[Stream, WebSocketPeer]) -> WebSocketPeer:
    return ends[1]


def take(server: WebSocketServer, number: int) -> list[bytes]:
    """Receive until there are so many messages."""
    messages: list[bytes] = []
    while len(messages) < number:
        messages += server.receive()
    return messages


def end_of(server: WebSocketServer) -> tuple[list[bytes], Exception]:
    """Receive until the end: what came, and how it ended."""
    messages: list[bytes] = []
    while True:
        try:
            messages += server.receive()
        except (ProtocolError, TransportLost) as error:
            return messages, error


def close_code(peer: WebSocketPeer) -> int:
    """Read up to the close frame, and the silence behind it; return its code."""
    while True:
        first, payload = peer.frame()
        if first == CLOSE:
            assert peer.rest() == b""
            return int.from_bytes(payload[:2], "big") if payload else 1005


# Messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, LIMIT])
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_messages_of_every_size_go_both_ways(
    size: int, serializer: str, ends: tuple[Stream, WebSocketPeer]
) -> None:
    stream, peer = ends
    server = WebSocketServer(stream, serializer, LIMIT)
    kind = TEXT if serializer == "json" else BINARY
    payload = b"x" * size
    peer.write(masked(kind, payload))
    assert take(server, 1) == [payload]
    server.stream.write([server.frame(payload)])
    stream.flush(PATIENCE)
    assert peer.frame() == (kind, payload)


def test_a_segment_with_many_messages_is_one_arrival(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(*(masked(TEXT, b"%d" % number) for number in range(50)))
    assert server.receive() == [b"%d" % number for number in range(50)]


def test_a_message_split_at_every_byte_arrives(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    for byte in masked(TEXT, b"a" * 130) + masked(TEXT, b"second"):
        peer.write(bytes((byte,)))
        messages = server.receive()
    assert messages == [b"second"]


def test_equal_kinds_have_equal_frames(ends: tuple[Stream, WebSocketPeer]) -> None:
    msgpack, cbor, json = (
        WebSocketServer(ends[0], name, LIMIT) for name in ("msgpack", "cbor", "json")
    )
    assert msgpack.framing == cbor.framing != json.framing
    assert msgpack.frame(b"x" * 200) == cbor.frame(b"x" * 200) != json.frame(b"x" * 200)


def test_fragments_make_one_message_with_pings_between(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(
        masked(TEXT, b"before"),
        masked(0x01, b"one "),
        masked(PING, b"?"),
        masked(0x00, b""),
        masked(0x80, b"two"),
        masked(TEXT, b"after"),
    )
    assert take(server, 3) == [b"before", b"one two", b"after"]
    assert peer.frame() == (PONG, b"?")


def test_bytes_that_came_with_the_handshake_are_read_first(
    ends: tuple[Stream, WebSocketPeer],
) -> None:
    first, second = masked(TEXT, b"first"), masked(TEXT, b"second")
    server = WebSocketServer(ends[0], "json", LIMIT, first + second[:3])
    assert server.receive() == [b"first"]
    ends[1].write(second[3:])
    assert take(server, 1) == [b"second"]


FRAMES = some.one_of(
    some.tuples(some.just(TEXT), some.sampled_from(["", "x", "é" * 70, "y" * 126, "z" * 70_000])),
    some.tuples(some.just(PING), some.text(max_size=30)),
    some.tuples(some.just(PONG), some.text(max_size=30)),
    some.tuples(some.just(0), some.lists(some.text(max_size=200), min_size=2, max_size=5)),
)


def on_the_wire(kind: int, content: str | list[str]) -> bytes:
    if isinstance(content, str):
        return masked(kind, content.encode())
    parts = [part.encode() for part in content]
    firsts = [0x01, *[0x00] * (len(parts) - 2), 0x80]
    return b"".join(
        masked(PING, b"!") + masked(*frame) for frame in zip(firsts, parts, strict=True)
    )


@settings(max_examples=60, deadline=None)
@given(some.lists(FRAMES, max_size=6), some.lists(some.integers(1, 2000), min_size=1, max_size=30))
def test_cuts_do_not_change_what_arrives(
    frames: list[tuple[int, str | list[str]]], cuts: list[int]
) -> None:
    wire = b"".join(on_the_wire(*frame) for frame in frames)
    messages = []
    with connected() as (stream, peer):
        server = WebSocketServer(stream, "json", LIMIT)
        least = len(wire) // 300
        for cut in itertools.cycle(cuts):
            if not wire:
                break
            size = max(cut, least)
            peer.write(wire[:size])
            messages += server.receive()
            wire = wire[size:]
        server.finish()
        pongs = peer.rest().removesuffix(b"\x88\x02\x03\xe8")
    assert messages == [content for kind, content in contents(frames) if kind == TEXT]
    pings = [content for kind, content in contents(frames) if kind == PING]
    assert pongs == b"".join(plain(PONG, ping) for ping in pings)


def contents(frames: list[tuple[int, str | list[str]]]) -> Iterator[tuple[int, bytes]]:
    for kind, content in frames:
        if isinstance(content, str):
            yield kind, content.encode()
        else:
            yield from [(PING, b"!")] * len(content)
            yield TEXT, "".join(content).encode()


# Pings


def test_a_ping_is_answered_with_its_payload(server: WebSocketServer, peer: WebSocketPeer) -> None:
    peer.write(masked(PING, b"x" * 125))
    assert server.receive() == []
    assert peer.frame() == (PONG, b"x" * 125)


def test_an_unsolicited_pong_is_ignored_but_heard(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    before = server.heard
    peer.write(masked(PONG, b"x"))
    assert server.receive() == []
    assert server.heard > before


def test_our_ping_is_a_ping(server: WebSocketServer, peer: WebSocketPeer) -> None:
    server.ping()
    assert peer.frame() == (PING, b"")


def test_a_peer_that_pings_without_reading_is_not_answered_for_ever(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    def flood() -> None:
        peer.write(masked(PING, b"x" * 125) * 20_000)  # more than the kernel holds of PONGs
        peer.sock.shutdown(socket.SHUT_WR)

    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    with socket.socket(fileno=os.dup(server.stream.fileno())) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)

    left: list[int] = []
    server.stream.on_left = lambda stream: left.append(stream.left)
    flooder = threading.Thread(target=flood)
    flooder.start()
    assert isinstance(end_of(server)[1], TransportLost)
    flooder.join(PATIENCE)
    assert 0 < max(left) < 256 * 1024


# Breaches


def head(first: int, second: int, size: bytes = b"") -> bytes:
    return bytes((first, second)) + size + KEY


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x81\x02hi", id="unmasked"),
        pytest.param(masked(0xC1, b"x"), id="RSV1, as compression sets it"),
        pytest.param(masked(0xA1, b"x"), id="RSV2"),
        pytest.param(masked(0x91, b"x"), id="RSV3"),
        pytest.param(masked(0x83, b"x"), id="reserved data opcode"),
        pytest.param(masked(0x8B, b"x"), id="reserved control opcode"),
        pytest.param(masked(0x09, b"x"), id="fragmented ping"),
        pytest.param(masked(0x89, b"x" * 126), id="long ping"),
        pytest.param(masked(0x80, b"x"), id="stray continuation"),
        pytest.param(masked(0x01, b"x") + masked(TEXT, b"y"), id="message within a message"),
        pytest.param(head(TEXT, 0xFF, (1 << 63).to_bytes(8, "big")), id="size with its top bit"),
        pytest.param(head(TEXT, 0xFE, (125).to_bytes(2, "big")), id="size of 125 in two bytes"),
        pytest.param(head(TEXT, 0xFF, (500).to_bytes(8, "big")), id="size of 500 in eight bytes"),
        pytest.param(masked(CLOSE, (1005).to_bytes(2, "big")), id="close code 1005"),
        pytest.param(masked(CLOSE, (999).to_bytes(2, "big")), id="close code 999"),
        pytest.param(masked(CLOSE, b"\x03"), id="half a close code"),
    ],
)
def test_a_breach_of_the_protocol_is_answered_with_1002(
    frame: bytes, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(masked(TEXT, b"good"), frame, masked(TEXT, b"ignored"))
    messages, error = end_of(server)
    assert messages == [b"good"]
    assert isinstance(error, ProtocolError)
    assert server.stream.peer in str(error)
    assert close_code(peer) == 1002


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(masked(TEXT, b"\xff"), id="whole"),
        pytest.param(masked(TEXT, b"\xed\xa0\x80"), id="surrogate"),
        pytest.param(masked(TEXT, b"abc\xc3"), id="half a character"),
        pytest.param(masked(TEXT, b"\xff" * 200)[:150], id="before the frame is complete"),
        pytest.param(masked(0x01, b"\xc3") + masked(0x80, b"x"), id="fragments"),
        pytest.param(masked(0x01, b"\xff"), id="before the message is complete"),
        pytest.param(masked(CLOSE, b"\x03\xe8\xff"), id="reason of a close frame"),
    ],
)
def test_text_that_is_not_utf8_is_answered_with_1007(
    frames: bytes, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(masked(TEXT, b"good"), frames)
    messages, error = end_of(server)
    assert (messages, type(error)) == ([b"good"], ProtocolError)
    assert close_code(peer) == 1007


@pytest.mark.parametrize("cut", [1, 2, 3, 2047, 2049, 30_001, 70_000])
def test_a_long_text_may_be_cut_within_a_character(
    cut: int, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    text = ("a€" * 20_000 + "é").encode()
    wire = masked(TEXT, text) + masked(TEXT, b"next")
    for part in (wire[:14], wire[14 : 14 + cut]):
        peer.write(part)
        came = 0
        while came < len(part):
            before = server.stream.came
            assert server.receive() == []
            came += server.stream.came - before
    assert server.buffered == cut
    peer.write(wire[14 + cut :])
    assert take(server, 2) == [text, b"next"]
    assert server.buffered == 0


@pytest.mark.parametrize("size", [3, 70_000])
@pytest.mark.parametrize("tail", [b"\xe2\x82", b"\xe2\x82a", b"\xe2a\x82"])
def test_a_character_that_is_not_whole_is_answered_with_1007(
    tail: bytes, size: int, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    wire = masked(TEXT, b"x" * size + tail)
    peer.write(wire[:-2])
    while server.stream.came < len(wire) - 2:
        assert server.receive() == []
    peer.write(wire[-2:])
    messages, error = end_of(server)
    assert (messages, type(error)) == ([], ProtocolError)
    assert f"byte {size}" in str(error)
    assert close_code(peer) == 1007


def test_a_character_may_be_split_between_fragments(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(masked(0x01, b"\xc3"), masked(0x80, b"\xa9"))
    assert take(server, 1) == ["é".encode()]


def test_fragments_and_pings_between_them_may_be_cut_at_every_byte(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    wire = masked(0x01, "a€".encode()[:2]) + masked(PING, b"are you there") + masked(0x00)
    wire += masked(0x00, "€".encode()[1:] + b"x" * 200) + masked(PONG, b"y") + masked(0x80, b"z")
    wire += masked(0x01) + masked(0x80) + masked(TEXT, b"next")
    expected = ["a€".encode() + b"x" * 200 + b"z", b"", b"next"]
    for cut in range(len(wire)):
        messages: list[bytes] = []
        for part in (wire[:cut], wire[cut:]):
            goal = server.stream.came + len(part)
            peer.write(part)
            while server.stream.came < goal:
                messages += server.receive()
        assert messages == expected
        assert peer.frame() == (PONG, b"are you there")
        assert server.buffered == 0


@pytest.mark.parametrize("wrong", [0, 1, 7, 63, 64])
def test_text_in_fragments_is_refused_at_the_byte_that_is_not_utf8(
    wrong: int, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    text = bytearray(b"x" * 65)
    text[wrong] = 0xFF
    peer.write(*(masked(0x00 if at else 0x01, bytes(text[at : at + 5])) for at in range(0, 65, 5)))
    messages, error = end_of(server)
    assert (messages, type(error)) == ([], ProtocolError)
    assert f"byte {wrong}" in str(error)
    assert close_code(peer) == 1007


@pytest.mark.parametrize(
    ("serializer", "kind"), [("msgpack", TEXT), ("cbor", TEXT), ("json", BINARY)]
)
@pytest.mark.parametrize("size", [3, 70_000])
def test_the_wrong_kind_of_message_is_answered_with_1003(
    serializer: str, kind: int, size: int, ends: tuple[Stream, WebSocketPeer]
) -> None:
    server = WebSocketServer(ends[0], serializer, LIMIT)
    ends[1].write(masked(kind, b"x" * size))
    messages, error = end_of(server)
    assert (messages, type(error)) == ([], ProtocolError)
    assert close_code(ends[1]) == 1003


# Sizes


@pytest.mark.parametrize("size", [LIMIT + 1, 1 << 40])
def test_a_message_above_the_limit_is_refused_at_its_header(
    size: int, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(masked(TEXT, b"good"), b"\x81\xff", size_bytes(size, 64)[1:], KEY)
    messages, error = end_of(server)
    assert messages == [b"good"]
    assert str(LIMIT) in str(error)
    assert close_code(peer) == 1009


def test_a_small_message_above_a_small_limit_is_refused(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    server.limit_receive(10)
    peer.write(masked(TEXT, b"x" * 10), masked(TEXT, b"x" * 11))
    messages, error = end_of(server)
    assert (messages, type(error)) == ([b"x" * 10], MessageTooLarge)
    assert close_code(peer) == 1009


def test_the_limit_can_be_raised(server: WebSocketServer, peer: WebSocketPeer) -> None:
    server.limit_receive(10)
    server.limit_receive(20)
    peer.write(masked(TEXT, b"x" * 20))
    assert take(server, 1) == [b"x" * 20]


def test_fragments_up_to_the_limit_are_taken_and_one_byte_more_is_not(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    most = [masked(0x01, b"x" * 60_000), masked(0x80, b"y" * 40_000)]
    peer.write(*most)
    assert [len(message) for message in take(server, 1)] == [LIMIT]
    peer.write(*most)
    assert [len(message) for message in take(server, 1)] == [LIMIT]
    peer.write(masked(0x01, b"x" * 60_000), masked(0x00, b"y" * 40_000), masked(0x80, b"z"))
    assert isinstance(end_of(server)[1], ProtocolError)
    assert close_code(peer) == 1009


def test_what_is_here_of_an_unfinished_message_is_told(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    first, rest = masked(0x01, b"x" * 1000), masked(0x80, b"y" * 2000)
    peer.write(first + rest[:100])
    while server.buffered < 1000 + 100 - 8:
        assert server.receive() == []
    peer.write(rest[100:])
    assert take(server, 1) == [b"x" * 1000 + b"y" * 2000]
    assert server.buffered == 0


def test_endless_fragments_end_at_the_limit_with_bounded_memory(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    server.limit_receive(20_000)
    tracemalloc.start()
    try:
        peer.write(masked(0x01, b"xy"))
        server.receive()
        fragments = masked(0x00, b"xy") * 100
        with pytest.raises(ProtocolError, match="1009"):
            for _ in range(1000):
                peer.write(fragments)
                server.receive()
        assert tracemalloc.get_traced_memory()[1] < 400_000
    finally:
        tracemalloc.stop()


# The end


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_a_close_frame_is_answered_with_its_code_and_what_follows_is_ignored(
    code: int, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    reason = code.to_bytes(2, "big") + "schön".encode()
    peer.write(masked(TEXT, b"last"), masked(CLOSE, reason), masked(TEXT, b"ignored"), b"\xff\xff")
    messages, error = end_of(server)
    assert messages == [b"last"]
    assert isinstance(error, TransportLost)
    assert f"{code} 'schön'" in str(error)
    assert close_code(peer) == code


def test_a_close_frame_without_a_code_gets_one_without_a_code(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(masked(CLOSE))
    assert isinstance(end_of(server)[1], TransportLost)
    assert peer.rest() == b"\x88\x00"


def test_what_is_sent_between_the_last_message_and_its_end_still_goes_out(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(masked(TEXT, b"question"), masked(CLOSE, b"\x03\xe8"))
    assert server.receive() == [b"question"]
    server.stream.write([server.frame(b"answer")])
    assert isinstance(end_of(server)[1], TransportLost)
    assert peer.frame() == (TEXT, b"answer")
    assert close_code(peer) == 1000


def test_finish_says_goodbye_once_behind_what_is_queued(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    server.stream.write([server.frame(b"last")])
    server.finish()
    server.finish()
    server.stream.write([server.frame(b"too late")])
    assert peer.rest() == b"\x81\x04last\x88\x02\x03\xe8"


def test_after_our_goodbye_messages_still_arrive_until_the_peers(
    server: WebSocketServer, peer: WebSocketPeer
) -> None:
    server.finish()
    peer.write(masked(TEXT, b"on its way"), masked(CLOSE, b"\x03\xe8"))
    messages, error = end_of(server)
    assert (messages, type(error)) == ([b"on its way"], TransportLost)
    assert peer.rest() == b"\x88\x02\x03\xe8"


def test_the_end_is_told_again_and_again(server: WebSocketServer, peer: WebSocketPeer) -> None:
    peer.write(masked(CLOSE))
    for _ in range(3):
        with pytest.raises(TransportLost, match="closed the WebSocket"):
            server.receive()


@pytest.mark.parametrize("sent", [b"", b"\x81", masked(TEXT, b"cut off")[:9]], ids=len)
def test_a_peer_that_hangs_up_is_lost(
    sent: bytes, server: WebSocketServer, peer: WebSocketPeer
) -> None:
    peer.write(sent)
    peer.sock.shutdown(socket.SHUT_WR)
    messages, error = end_of(server)
    assert (messages, type(error)) == ([], TransportLost)
    assert server.stream.peer in str(error)


def test_a_shutdown_from_another_thread_wakes_the_reader(server: WebSocketServer) -> None:
    ends: list[Exception] = []
    reader = threading.Thread(target=lambda: ends.append(end_of(server)[1]))
    reader.start()
    server.stream.shutdown("a deadline was missed")
    reader.join(PATIENCE)
    assert "a deadline was missed" in str(ends[0])


def test_no_thread_is_started(ends: tuple[Stream, WebSocketPeer]) -> None:
    before = threading.active_count()
    server = WebSocketServer(ends[0], "json", LIMIT)
    ends[1].write(masked(TEXT, b"x"))
    assert take(server, 1) == [b"x"]
    assert threading.active_count() == before
