"""Transport framing, WebSocket: cases 13 to 24 of the catalogue."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from tests.faults.conftest import Holdings
from tests.faults.sessions import ROLES, Session, Stopwatch, dumps, flood
from tests.faults.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PATIENCE,
    TEXT,
    WS_PING,
    WS_PONG,
    Closed,
    WebSocket,
    Wire,
    upgrade,
    ws_frame,
)

Connect = Callable[..., Session]
MIB = 2**20
WAMP = "Sec-WebSocket-Protocol: wamp.2.json"


def answer_to(port: int, request: bytes) -> bytes:
    """Return all that the router says to a request until it closes."""
    wire = Wire(port)
    wire.send(request)
    said = wire.rest()
    wire.close()
    return said


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer.split()[1])


def closed_with(session: Session) -> int | None:
    """Return the code of the close frame that must come; an ABORT may come before."""
    try:
        message = session.hear()
        assert message[0] == 3, message
        session.hear()
    except Closed as closed:
        assert session.transport.rest() == b""
        return closed.code
    raise AssertionError("the connection goes on")


def plain(port: int, method: str = "GET", path: str = "/", *headers: str) -> bytes:
    head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "", ""]
    return "\r\n".join(head).encode()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["/", "/ws", "/../../etc/passwd"])
def test_13_a_plain_request_gets_a_short_answer(port: int, method: str, path: str) -> None:
    answer = answer_to(port, plain(port, method, path))
    assert status_of(answer) == 200 or 400 <= status_of(answer) < 500
    assert len(answer) < 2000


@pytest.mark.parametrize(
    "request_", [b"\r\n\r\n\r\n", b"HELO mail\r\n\r\n", b"GET /ws\r\n\r\n", b"\x16\x03\x01\x02\r\n"]
)
def test_13_what_is_no_http_is_closed(port: int, request_: bytes) -> None:
    answer = answer_to(port, request_)
    assert not answer or 400 <= status_of(answer) < 500


@pytest.mark.parametrize(
    "headers", [[], ["Sec-WebSocket-Protocol: mqtt"], ["Sec-WebSocket-Protocol: wamp.2.ubjson"]]
)
def test_14_a_missing_or_foreign_subprotocol_is_400(port: int, headers: list[str]) -> None:
    assert status_of(answer_to(port, upgrade(port, *headers))) == 400


def test_14_the_offer_that_is_known_is_selected(port: int) -> None:
    session = Session(WebSocket(port, "ubjson, wamp.2.json"), "json", join=False)
    assert isinstance(session.transport, WebSocket)
    assert "wamp.2.json\r\n" in session.transport.head.replace("wamp.2.ubjson", "")
    session.close()


@pytest.mark.parametrize("line", [b"X-%d: x\r\n", b"X-%d: " + b"x" * 500 + b"\r\n"])
def test_15_endless_headers_are_refused_within_64_kb(port: int, line: bytes) -> None:
    wire = Wire(port)
    sent = 0
    wire.send(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode())
    wire.sock.settimeout(PATIENCE)
    try:
        while sent <= 64 * 1024:
            sent += wire.sock.send(line % sent)
        answer = wire.rest()
        assert not answer or status_of(answer) == 431
    except ConnectionError:
        assert sent <= 64 * 1024
    wire.close()


@pytest.mark.parametrize("head", [b"GET /ws HTTP/1.1\r\nX: ", b"GET /", b"G"])
def test_15_an_endless_line_is_refused_within_64_kb(port: int, head: bytes) -> None:
    wire = Wire(port)
    wire.send(head + b"x" * 64 * 1024)
    answer = wire.rest()
    assert not answer or 400 <= status_of(answer) < 500
    wire.close()


def unmasked(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, len(payload)]) + payload


PUBLISH = dumps("json", [16, 1, {}, "faults.x"])
VIOLATIONS = {
    "unmasked": unmasked(TEXT, PUBLISH),
    "rsv1": ws_frame(TEXT, PUBLISH, rsv=4),
    "rsv2": ws_frame(TEXT, PUBLISH, rsv=2),
    "rsv3": ws_frame(TEXT, PUBLISH, rsv=1),
    "reserved opcode 3": ws_frame(3, b""),
    "reserved opcode 7": ws_frame(7, PUBLISH),
    "reserved opcode 11": ws_frame(11, b""),
    "reserved opcode 15": ws_frame(15, b""),
    "fragmented ping": ws_frame(WS_PING, b"x", fin=False),
    "fragmented close": ws_frame(CLOSE, b"\x03\xe8", fin=False),
    "long ping": ws_frame(WS_PING, b"x" * 126),
    "long pong": ws_frame(WS_PONG, b"x" * 126),
    "long close": ws_frame(CLOSE, b"\x03\xe8" + b"x" * 124),
    "stray continuation": ws_frame(CONTINUATION, b"x"),
    "new message within another": ws_frame(TEXT, b"[", fin=False) + ws_frame(TEXT, b"]"),
    "top bit length": bytes([0x81, 0xFF]) + b"\xff" * 8 + b"mask",
    "close code 1005": ws_frame(CLOSE, struct.pack(">H", 1005)),
    "close code 1006": ws_frame(CLOSE, struct.pack(">H", 1006)),
    "close code 0": ws_frame(CLOSE, struct.pack(">H", 0)),
    "close code 5000": ws_frame(CLOSE, struct.pack(">H", 5000)),
    "close of one byte": ws_frame(CLOSE, b"\x03"),
}


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_16_a_violation_of_rfc_6455_is_closed_with_1002(
    connect: Connect, name: str, joined: bool
) -> None:
    attacker = connect("ws-json", join=joined)
    attacker.transport.send(VIOLATIONS[name])
    assert closed_with(attacker) == 1002


@pytest.mark.parametrize("bad", [b'["\xff"]', b"\xed\xa0\x80", b"\xc0\xaf", b"[\xf5]"])
def test_17_text_that_is_no_utf_8_is_closed_with_1007(connect: Connect, bad: bytes) -> None:
    attacker = connect("ws-json")
    attacker.put(bad)
    assert closed_with(attacker) == 1007


def test_17_a_close_reason_that_is_no_utf_8_is_closed_with_1007(connect: Connect) -> None:
    attacker = connect("ws-json")
    attacker.transport.send(ws_frame(CLOSE, b"\x03\xe8\xff"))
    assert closed_with(attacker) in (1002, 1007)


def test_18_a_tebibyte_is_refused_at_the_header(port: int, holdings: Holdings) -> None:
    attackers = [Session(WebSocket(port)) for _ in range(30)]
    before = holdings.grown()
    for attacker in attackers:
        attacker.transport.send(bytes([0x82, 0xFF]) + (2**40).to_bytes(8, "big") + b"mask")
    for attacker in attackers:
        assert closed_with(attacker) in (1002, 1009)
        attacker.close()
    assert holdings.grown() - before < 8 * 1024


@pytest.mark.parametrize(("joined", "limit"), [(True, MIB), (False, 16 * 1024)])
def test_18_a_message_above_the_limit_is_closed_with_1009(
    connect: Connect, joined: bool, limit: int
) -> None:
    attacker = connect("ws-msgpack", join=joined)
    attacker.transport.send(ws_frame(BINARY, b"x" * (limit + 1)))
    assert closed_with(attacker) == 1009


@pytest.mark.parametrize("size", [16, 16 * 1024])
def test_19_endless_fragments_are_closed_with_1009_at_the_limit(
    connect: Connect, size: int, holdings: Holdings
) -> None:
    attacker = connect("ws-json")
    watch = Stopwatch()
    sent = size
    attacker.transport.send(ws_frame(TEXT, b"[" * size, fin=False))
    many = max(1, 65536 // size)
    while sent <= MIB:
        attacker.transport.send(ws_frame(CONTINUATION, b"[" * size, fin=False) * many)
        sent += size * many
    assert closed_with(attacker) == 1009
    assert watch.seconds < PATIENCE
    assert holdings.grown() < 24 * 1024


def test_19_fragments_with_a_ping_within_make_one_message(connect: Connect) -> None:
    session = connect("ws-json", join=False)
    hello = dumps("json", [1, "realm1", {"roles": ROLES}])
    session.transport.send(ws_frame(TEXT, hello[:9], fin=False) + ws_frame(WS_PING, b"beat"))
    session.transport.send(ws_frame(CONTINUATION, b"", fin=False))
    session.transport.send(ws_frame(CONTINUATION, hello[9:]))
    assert session.hear()[0] == 2
    assert session.transport.pongs == [b"beat"]


@pytest.mark.parametrize(
    "extension", ["permessage-deflate", "permessage-deflate; client_max_window_bits", "x-webkit"]
)
def test_20_compression_is_not_negotiated(port: int, extension: str) -> None:
    wire = WebSocket(port, "json", f"Sec-WebSocket-Extensions: {extension}")
    assert "sec-websocket-extensions" not in wire.head.lower()
    wire.close()


def test_20_a_deflate_bomb_is_a_reserved_bit(port: int, holdings: Holdings) -> None:
    bomb = zlib.compressobj(wbits=-15)
    payload = b"".join(bomb.compress(b" " * MIB) for _ in range(100)) + bomb.flush()
    attacker = Session(
        WebSocket(port, "json", "Sec-WebSocket-Extensions: permessage-deflate"), "json"
    )
    attacker.transport.send(ws_frame(TEXT, payload, rsv=4))
    assert closed_with(attacker) == 1002
    attacker.close()
    assert holdings.grown() < 24 * 1024


@pytest.mark.long  # a smaller one: tests/router/test_slow_consumers.py
def test_21_a_ping_flood_without_reading_is_bounded(connect: Connect, holdings: Holdings) -> None:
    flood(connect("ws-json"), ws_frame(WS_PING, b"x" * 125) * 500)
    assert holdings.grown() < 16 * 1024


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("dialect", "opcode"), [("ws-msgpack", TEXT), ("ws-json", BINARY)])
def test_22_the_other_kind_of_frame_is_closed_with_1003(
    connect: Connect, dialect: str, opcode: int, joined: bool
) -> None:
    attacker = connect(dialect, join=joined)
    attacker.transport.send(ws_frame(opcode, PUBLISH))
    assert closed_with(attacker) == 1003


def test_22_msgpack_in_a_text_frame_is_refused(connect: Connect) -> None:
    attacker = connect("ws-msgpack")
    attacker.transport.send(ws_frame(TEXT, dumps("msgpack", [16, 1, {}, "faults.x"])))
    assert closed_with(attacker) in (1003, 1007)  # it is no UTF-8 either


def test_23_data_after_the_close_frame_is_ignored(connect: Connect) -> None:
    subscriber, attacker = connect("ws-json"), connect("ws-json")
    subscriber.subscribe("faults.x")
    attacker.transport.send(ws_frame(CLOSE, b"\x03\xe8") + ws_frame(TEXT, PUBLISH))
    assert closed_with(attacker) == 1000
    assert subscriber.is_served()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null", "file://"]
)
def test_24_a_foreign_origin_is_403(port: int, origin: str) -> None:
    answer = answer_to(port, upgrade(port, WAMP, f"Origin: {origin}"))
    assert status_of(answer) == 403


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "pi.evil.example:80"])
def test_24_a_page_that_calls_itself_our_host_is_403(port: int, name: str) -> None:
    request = upgrade(port, WAMP, f"Origin: http://{name}")
    rebound = request.replace(f"Host: 127.0.0.1:{port}".encode(), f"Host: {name}".encode())
    assert rebound != request
    assert status_of(answer_to(port, rebound)) == 403


def test_24_an_origin_of_this_host_is_let_in(port: int) -> None:
    session = Session(WebSocket(port, "json", f"Origin: http://127.0.0.1:{port}"), "json")
    session.leave()
