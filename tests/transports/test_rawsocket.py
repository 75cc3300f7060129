"""RawSocket: the handshake, the frames, and both on a stream."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transports.streams import (
    PATIENCE,
    receive_all,
    receive_exactly,
    stream_and_socket,
    stream_pair,
)
from wamplite.core.errors import ConnectTimeout, ProtocolError, TransportLost, UsageError
from wamplite.transports import rawsocket
from wamplite.transports import rawsocket_frames as frames
from wamplite.transports.base import MOST
from wamplite.transports.rawsocket import RawSocket, RawSocketRefused
from wamplite.transports.rawsocket_frames import Framer, frame
from wamplite.transports.stream import Stream

ALL = ("json", "msgpack", "cbor")
MIB = 1 << 20


def header(first: int, size: int) -> bytes:
    return bytes([first]) + size.to_bytes(3, "big")


# The handshake, octet by octet


@pytest.mark.parametrize(
    ("size", "code"),
    [(512, 0), (1023, 0), (1024, 1), (16384, 5), (MIB, 11), (MOST - 1, 14), (MOST, 15)]
    + [(MOST * 2, 15)],
)
def test_a_size_is_announced_as_the_power_of_two_below(size: int, code: int) -> None:
    assert rawsocket.length_code(size) == code


def test_a_size_too_small_to_announce_is_our_callers_fault() -> None:
    with pytest.raises(UsageError, match="at least 512, not 511"):
        rawsocket.length_code(511)


@pytest.mark.parametrize(("name", "octet"), [("json", 0xB1), ("msgpack", 0xB2), ("cbor", 0xB3)])
def test_a_request_announces_size_and_serializer(name: str, octet: int) -> None:
    assert rawsocket.request(name, MIB) == bytes([0x7F, octet, 0, 0])


def test_a_serializer_without_a_number_is_our_callers_fault() -> None:
    with pytest.raises(UsageError, match="not 'ubjson'"):
        rawsocket.request("ubjson", MIB)


def test_a_request_is_read_as_it_was_written() -> None:
    head = rawsocket.request("msgpack", 4096)
    assert rawsocket.read_request(head, ALL) == ("msgpack", 4096)


@pytest.mark.parametrize(
    ("head", "answer", "text"),
    [
        ("7e f2 00 00", "", "expected 7f first, not 7e f2 00 00"),
        ("47 45 54 20", "", "expected 7f first"),
        ("7f f0 00 00", "7f 10 00 00", "serializer 0 is not one of json, msgpack"),
        ("7f f3 00 00", "7f 10 00 00", "serializer 3"),
        ("7f f4 00 00", "7f 10 00 00", "serializer 4"),
        ("7f ff 00 00", "7f 10 00 00", "serializer 15"),
        ("7f f2 00 01", "7f 30 00 00", "reserved octets"),
        ("7f f2 80 00", "7f 30 00 00", "reserved octets"),
        ("7f 12 00 00", "7f 20 00 00", "the peer receives 1024 octets, 2048 are needed"),
    ],
)
def test_a_bad_request_is_refused_with_its_number(head: str, answer: str, text: str) -> None:
    with pytest.raises(RawSocketRefused, match=text) as refused:
        rawsocket.read_request(bytes.fromhex(head), ("json", "msgpack"), least_send=2048)
    assert refused.value.answer == bytes.fromhex(answer)


def test_too_many_connections_is_error_4() -> None:
    assert rawsocket.refusal(rawsocket.TOO_MANY_CONNECTIONS) == bytes.fromhex("7f 40 00 00")


def test_a_reply_tells_how_much_the_router_receives() -> None:
    assert rawsocket.read_reply(rawsocket.reply("json", 65536), "json") == 65536


@pytest.mark.parametrize(
    ("head", "error", "text"),
    [
        ("48 54 54 50", ProtocolError, "got b'HTTP'"),
        ("7f 10 00 00", ProtocolError, "serializer unsupported"),
        ("7f 20 00 00", ProtocolError, "maximum message length unacceptable"),
        ("7f 30 00 00", ProtocolError, "use of reserved bits"),
        ("7f 40 00 00", TransportLost, "maximum connection count reached"),
        ("7f 00 00 00", ProtocolError, "error 0"),
        ("7f 90 00 00", ProtocolError, "error 9"),
        ("7f f2 00 00", ProtocolError, "expected a RawSocket handshake for json, got 7f f2 00 00"),
        ("7f f1 00 01", ProtocolError, "got 7f f1 00 01"),
    ],
)
def test_a_bad_reply_says_what_is_wrong(head: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        rawsocket.read_reply(bytes.fromhex(head), "json")


# Frames


def test_a_frame_is_a_length_and_the_payload() -> None:
    assert frame(b"abc") == b"\0\0\0\3abc"
    assert frame(b"", frames.PING) == b"\1\0\0\0"
    assert frame(b"x", frames.PONG) == b"\2\0\0\1x"


def test_the_largest_frame_needs_the_x_bit_and_a_larger_one_cannot_be() -> None:
    assert frame(bytes(MOST - 1))[:4] == b"\0\xff\xff\xff"
    assert frame(bytes(MOST))[:4] == b"\x08\0\0\0"
    with pytest.raises(UsageError, match="at most 16777216 octets, not 16777217"):
        frame(bytes(MOST + 1))


def test_one_recv_may_hold_1700_messages() -> None:
    payloads = [b"%034d" % number for number in range(1700)]
    assert Framer(MIB).feed(b"".join(map(frame, payloads))) == payloads


MESSAGES = [b"a", b"bc" * 20, b"", b"d" * 5000, b"e"]
KINDS = [frames.MESSAGE, frames.MESSAGE, frames.PING, frames.MESSAGE, frames.PING]
WIRE = b"".join(map(frame, MESSAGES, KINDS)) + frame(b"pong!", frames.PONG) + frame(b"z")


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        if cut > start:
            yield data[start:cut]
            start = cut


@given(
    st.lists(st.integers(0, len(WIRE)), max_size=40), st.sampled_from([5000, MIB, MOST - 1, MOST])
)
def test_frames_cut_anywhere_give_the_same(cuts: list[int], limit: int) -> None:
    framer = Framer(limit)
    payloads = [payload for piece in pieces(WIRE, cuts) for payload in framer.feed(piece)]
    assert payloads == [b"a", b"bc" * 20, b"d" * 5000, b"z"]
    assert (framer.pings, framer.knows_pings, framer.error) == ([b"", b"e"], True, None)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
def test_frames_may_dribble(size: int) -> None:
    test_frames_cut_anywhere_give_the_same.hypothesis.inner_test(  # type: ignore[attr-defined]
        list(range(0, len(WIRE), size)), MOST
    )


def test_what_looks_like_a_frame_within_a_message_is_none() -> None:
    framer, parts = Framer(MOST), [b"begun", frame(b"within"), b"on", frame(b"within"), b"end"]
    payload = b"".join(parts)
    assert framer.feed(frame(payload)[:4]) == []
    assert [framer.feed(part) for part in parts] == [[], [], [], [], [payload]]
    assert framer.feed(frame(b"next")) == [b"next"]
    payload = b"\0\0\xfd" + bytes(253)  # with the last octet of its header a frame, too
    assert (framer.feed(frame(payload)[:3]), framer.feed(frame(payload)[3:])) == ([], [payload])


def test_what_is_here_of_an_unfinished_message_is_told() -> None:
    framer = Framer(MOST)
    data = frame(b"whole") + frame(b"x" * 1000)
    told = []
    for start in range(0, len(data), 100):
        framer.feed(data[start : start + 100])
        told.append(framer.buffered)
    assert told == [*range(87, 1000, 100), 0]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (header(3, 1), "frame type in 03000001"),
        (header(7, 1), "frame type in 07000001"),
        (header(0x10, 1), "reserved bits"),
        (header(0x80, 1), "reserved bits"),
        (header(0xF0, 0), "reserved bits"),
        (header(0, 0), "a message of no octets"),
        (header(8, 1), "the X bit with a length of 1"),
        (header(8, 0), "a frame of 16777216 octets, the limit is 1000"),
        (header(0, 1001), "a frame of 1001 octets, the limit is 1000"),
        (header(1, 1001), "a frame of 1001 octets"),
        (header(2, 0xFFFFFF), "a frame of 16777215 octets"),
    ],
)
def test_a_violation_is_found_in_the_header(octets: bytes, text: str) -> None:
    framer = Framer(1000)
    assert framer.feed(frame(b"good") + octets) == [b"good"]
    with pytest.raises(ProtocolError, match=text):
        framer.check()
    assert framer.feed(b"x" + frame(b"never read")) == []
    assert framer.feed(frame(b"never read either")) == []


@pytest.mark.parametrize("size", [1, 999, 1000])
def test_a_frame_of_the_limit_is_within_it(size: int) -> None:
    assert Framer(1000).feed(frame(b"x" * size)) == [b"x" * size]


def test_a_message_of_16_mib_comes_with_the_x_bit() -> None:
    framer, payload = Framer(MOST), bytes(MOST)
    wire = frame(payload)
    assert framer.feed(wire[:100_000]) == []
    assert framer.feed(wire[100_000:] + frame(b"next")) == [payload, b"next"]


def test_a_declared_length_allocates_nothing() -> None:
    tracemalloc.start()
    try:
        framers = [Framer(MOST) for _ in range(30)]
        for framer in framers:
            framer.feed(header(0, MOST - 1) + bytes(1000))
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_a_dribbled_message_costs_little_more_than_itself() -> None:
    framer, size = Framer(MIB), MIB // 8
    wire = memoryview(frame(b"x" * size))
    tracemalloc.start()
    try:
        for start in range(0, len(wire) - 2, 2):
            framer.feed(bytes(wire[start : start + 2]))
        assert tracemalloc.get_traced_memory()[1] < 4 * size
    finally:
        tracemalloc.stop()


# On a stream


def accept(stream: Stream, head: bytes = b"", **options: object) -> RawSocket:
    settings: dict[str, object] = {"serializers": ALL, "max_message_size": MIB} | options
    return rawsocket.accept(stream, head, **settings)  # type: ignore[arg-type]


def accepted(stream: Stream, peer: socket.socket, handshake: str = "7f f2 00 00") -> RawSocket:
    peer.sendall(bytes.fromhex(handshake))
    transport = accept(stream)
    assert receive_exactly(peer, 4) == bytes.fromhex(f"7f b{handshake[4]} 00 00")
    return transport


def receive(transport: RawSocket, count: int) -> list[bytes]:
    payloads: list[bytes] = []
    while len(payloads) < count:
        payloads += transport.receive()
    return payloads


def test_both_sides_agree_and_keep_each_others_limits() -> None:
    with stream_pair() as (ours, theirs):
        made: list[RawSocket] = []
        thread = threading.Thread(target=lambda: made.append(accept(theirs)))
        thread.start()
        client = rawsocket.connect(ours, "msgpack", max_message_size=70_000)
        thread.join(PATIENCE)
        router = made[0]
        assert (client.serializer, router.serializer) == ("msgpack", "msgpack")
        assert (client.max_send, router.max_send) == (MIB, 65536)
        assert client.framing == router.framing == "rawsocket"
        client.stream.write([client.frame(b"hello"), client.frame(b"again")])
        assert receive(router, 2) == [b"hello", b"again"]
        router.stream.write([router.frame(b"x" * 65536)])
        assert receive(client, 1) == [b"x" * 65536]
        client.finish()
        with pytest.raises(TransportLost, match="the peer closed the connection"):
            router.receive()


@pytest.mark.parametrize("cut", range(5))
def test_a_handshake_may_come_in_parts_with_the_first_message_behind_it(cut: int) -> None:
    with stream_and_socket() as (stream, peer):
        wire = bytes.fromhex("7f f1 00 00") + frame(b"hello")
        peer.sendall(wire[cut:])
        transport = accept(stream, wire[:cut])
        assert transport.receive() == [b"hello"]
        peer.sendall(frame(b"more"))
        assert transport.receive() == [b"more"]


def test_a_handshake_may_come_byte_by_byte() -> None:
    with stream_and_socket() as (stream, peer):
        got: list[RawSocket] = []
        thread = threading.Thread(target=lambda: got.append(accept(stream)))
        thread.start()
        for octet in bytes.fromhex("7f f1 00 00") + frame(b"hello"):
            peer.sendall(bytes([octet]))
            time.sleep(0.001)  # so that each is a segment of its own
        thread.join(PATIENCE)
        assert receive(got[0], 1) == [b"hello"]


@pytest.mark.parametrize(
    ("head", "answer"),
    [("7f f5 00 00", "7f 10 00 00"), ("7f f1 01 00", "7f 30 00 00"), ("7e", "")],
)
def test_a_refusal_reaches_the_peer_before_the_end(head: str, answer: str) -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(bytes.fromhex(head))
        with pytest.raises(RawSocketRefused):
            accept(stream)
        stream.finish()
        assert receive_all(peer) == bytes.fromhex(answer)


def test_a_peer_that_leaves_in_the_handshake_is_lost() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"\x7f\xf1")
        peer.close()
        with pytest.raises(TransportLost, match=stream.peer):
            accept(stream)


def test_the_first_message_is_small_until_the_limit_is_raised() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        transport.limit_receive(MIB)
        sender = threading.Thread(target=peer.sendall, args=[frame(b"x" * MIB)])
        sender.start()
        assert receive(transport, 1) == [b"x" * MIB]
        sender.join(PATIENCE)
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        peer.sendall(header(0, 16385))
        with pytest.raises(ProtocolError, match="the limit is 16384"):
            transport.receive()


def test_the_limit_is_never_raised_above_what_was_announced() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        transport.limit_receive(MOST)
        peer.sendall(header(0, MIB + 1))
        with pytest.raises(ProtocolError, match=f"the limit is {MIB}"):
            transport.receive()


def test_what_was_whole_before_a_violation_comes_first() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        peer.sendall(frame(b"good") + header(5, 0) + frame(b"ignored"))
        assert transport.receive() == [b"good"]
        for _ in range(2):
            with pytest.raises(ProtocolError, match="frame type"):
                transport.receive()


def test_a_ping_is_no_message_where_messages_may_be_16_mib() -> None:
    framer = Framer(1 << 24)  # the header of an empty PING, read as a number
    assert framer.feed(b"\x01\x00\x00\x00\x00\x00\x00\x01x") == [b"x"]
    assert framer.pings == [b""]


def test_a_ping_flood_is_answered_in_order() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        payloads = [b"%d" % number for number in range(5000)]
        wire = b"".join(frame(payload, frames.PING) for payload in payloads)
        sender = threading.Thread(target=peer.sendall, args=[wire + frame(b"done")])
        sender.start()
        assert receive(transport, 1) == [b"done"]
        sender.join(PATIENCE)
        answers = b"".join(frame(payload, frames.PONG) for payload in payloads)
        assert receive_exactly(peer, len(answers)) == answers


def test_a_ping_flood_that_nobody_reads_is_seen_by_who_bounds_it() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        transport.limit_receive(MIB)
        stream.on_left = lambda late: late.left > MIB and late.shutdown("slow consumer")
        wire = frame(b"x" * 60_000, frames.PING)

        def flood() -> None:
            try:
                while True:
                    peer.sendall(wire)
            except OSError:
                return

        flooder = threading.Thread(target=flood)
        flooder.start()
        with pytest.raises(TransportLost, match="slow consumer"):
            while True:
                transport.receive()
        stream.close()
        flooder.join(PATIENCE)


def test_a_ping_is_answered_and_the_answer_is_a_sign_of_life() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        transport.ping()
        assert receive_exactly(peer, 4) == b"\1\0\0\0"
        before = transport.heard
        peer.sendall(frame(b"", frames.PONG))
        assert transport.receive() == []
        assert transport.heard > before
        assert transport.answers_pings


def test_the_end_of_the_peer_in_mid_frame_is_an_end() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        peer.sendall(header(0, 100) + b"half")
        peer.close()
        assert transport.receive() == []
        with pytest.raises(TransportLost, match=stream.peer):
            transport.receive()


def test_our_own_reason_is_told_at_the_end() -> None:
    with stream_and_socket() as (stream, peer):
        transport = accepted(stream, peer)
        stream.shutdown("a deadline was missed")
        with pytest.raises(TransportLost, match=f"{stream.peer}: a deadline was missed"):
            transport.receive()


# The client's side


def test_connecting_keeps_what_came_with_the_reply() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(bytes.fromhex("7f f1 00 00") + frame(b"early"))
        client = rawsocket.connect(stream, "json", max_message_size=MOST)
        assert receive_exactly(peer, 4) == bytes.fromhex("7f f1 00 00")
        assert client.max_send == MOST
        assert client.receive() == [b"early"]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError, "got b'H"),
        (bytes.fromhex("7f 10 00 00"), ProtocolError, "serializer unsupported"),
        (bytes.fromhex("7f 40 00 00"), TransportLost, "maximum connection count"),
    ],
)
def test_a_refusal_names_the_router(answer: bytes, error: type[Exception], text: str) -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(answer)
        with pytest.raises(error, match=f"{stream.peer}: .*{text}"):
            rawsocket.connect(stream, "json", max_message_size=MIB)


def test_a_router_that_hangs_up_is_lost() -> None:
    with stream_and_socket() as (stream, peer):
        peer.shutdown(socket.SHUT_WR)
        with pytest.raises(TransportLost, match=stream.peer):
            rawsocket.connect(stream, "json", max_message_size=MIB)


def test_a_router_that_is_silent_or_drips_runs_out_of_time() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(b"\x7f")
        deadline = time.monotonic() + 0.05
        with pytest.raises(ConnectTimeout, match=stream.peer):
            rawsocket.connect(stream, "json", max_message_size=MIB, deadline=deadline)


def test_the_deadline_of_the_handshake_ends_with_it() -> None:
    with stream_and_socket() as (stream, peer):
        peer.sendall(bytes.fromhex("7f f1 00 00"))
        deadline = time.monotonic() + 0.5
        client = rawsocket.connect(stream, "json", max_message_size=MIB, deadline=deadline)
        timer = threading.Timer(0.6, peer.sendall, [frame(b"later")])
        timer.start()
        assert client.receive() == [b"later"]
        timer.join()
