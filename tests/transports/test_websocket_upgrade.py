"""The HTTP request that asks for a WebSocket: accepted, or answered with what was expected."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress

import pytest
from wsproto.utilities import generate_accept_token

from tests.transports.websocket_peer import ANSWER, REQUEST, WebSocketPeer, connected, masked
from wamplite.core.errors import TransportLost
from wamplite.transports.stream import Stream
from wamplite.transports.websocket_server import WebSocketServer, accept


def asked(
    stream: Stream,
    *,
    origins: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (),
    first_message_size: int = 16384,
) -> WebSocketServer:
    return accept(
        stream,
        stream.recv(),
        serializers=("json", "msgpack"),
        max_message_size=2**20,
        first_message_size=first_message_size,
        allowed_origins=origins,
        allowed_hosts=hosts,
    )


def refused(request: bytes) -> tuple[int, str, str]:
    """Return how a request is refused: status, headers, text."""
    with connected() as (stream, peer):
        peer.write(request)
        with pytest.raises(TransportLost, match="answered with HTTP"):
            asked(stream)
        head, _, text = peer.rest().decode().partition("\r\n\r\n")
        assert f"Content-Length: {len(text.encode())}" in head or not text
        return int(head.split()[1]), head, text


def without(name: bytes) -> bytes:
    lines = REQUEST.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(name + b":"))


def with_line(line: bytes) -> bytes:
    """Return the request with one more header, or with another value of one that it has."""
    return without(line.split(b":")[0])[:-2] + line + b"\r\n\r\n"


# Accepted


def test_the_request_of_the_specification_gets_its_answer() -> None:
    with connected() as (stream, peer):
        peer.write(REQUEST)
        assert asked(stream).serializer == "json"
        assert peer.read(len(ANSWER)) == ANSWER


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (b"wamp.2.msgpack", "msgpack"),
        (b"wamp.2.msgpack, wamp.2.json", "msgpack"),
        (b"wamp.2.cbor,wamp.2.json", "json"),
        (b"mqtt\r\nSec-WebSocket-Protocol: wamp.2.json", "json"),
    ],
)
def test_the_clients_first_that_we_have_is_chosen(offered: bytes, chosen: str) -> None:
    with connected() as (stream, peer):
        peer.write(with_line(b"Sec-WebSocket-Protocol: " + offered))
        assert asked(stream).serializer == chosen
        assert f"Sec-WebSocket-Protocol: wamp.2.{chosen}\r\n".encode() in peer.head()


@pytest.mark.parametrize(
    "request_",
    [
        with_line(b"Connection: keep-alive, UPGRADE"),
        with_line(b"Upgrade: WebSocket"),
        REQUEST.replace(b"/ws", b"/ws?x=1"),
        with_line(b"Sec-WebSocket-Extensions: permessage-deflate"),
        with_line(b"Content-Length: 0"),
        REQUEST.replace(b"/ws", b"http://127.0.0.1:8080/ws"),
        REQUEST.replace(b"/ws", b"HTTP://router.example/ws?x=1"),
        REQUEST.replace(b"/ws", b"ws://[::1]/ws"),
    ],
)
def test_other_spellings_are_accepted_and_compression_is_not(request_: bytes) -> None:
    with connected() as (stream, peer):
        peer.write(request_)
        asked(stream)
        assert peer.read(len(ANSWER)) == ANSWER


def test_a_request_in_pieces_is_accepted_and_the_bytes_behind_it_are_kept() -> None:
    with connected() as (stream, peer):
        threads = threading.Thread(target=write_slowly, args=(peer, REQUEST + masked(0x81, b"x")))
        threads.start()
        server = asked(stream)
        messages: list[bytes] = []
        while not messages:
            messages = server.receive()
        threads.join()
        assert messages == [b"x"]


def write_slowly(peer: WebSocketPeer, data: bytes) -> None:
    peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(0, len(data), 7):
        peer.write(data[at : at + 7])


def test_a_frame_in_the_same_segment_as_the_request_is_kept() -> None:
    with connected() as (stream, peer):
        peer.write(REQUEST, masked(0x81, b"early"))
        assert asked(stream).receive() == [b"early"]


def test_the_first_messages_are_limited_more_than_the_later_ones() -> None:
    with connected() as (stream, peer):
        peer.write(REQUEST, masked(0x81, b"x" * 200))
        server = asked(stream, first_message_size=200)
        assert server.receive() == [b"x" * 200]
        assert server.limit == 200


# Asked alike


ITS_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # of the specification
OTHER_KEY = b"d2FtcGxpdGUtd2FtcGxpdA=="


def with_key(request: bytes, key: bytes = OTHER_KEY) -> bytes:
    return re.sub(rb"(?<=Sec-WebSocket-Key: )[^\r]*", key, request)


def answer_to(request: bytes, **rules: tuple[str, ...]) -> bytes:
    """Return what is answered when a connection brings a request, and who sends it then ends."""
    with connected() as (stream, peer):
        peer.write(request)
        with suppress(TransportLost):
            asked(stream, **rules)
        stream.shutdown("that was all")
        return peer.rest()


def test_who_asks_as_another_did_is_answered_by_its_own_key() -> None:
    answers = [answer_to(with_key(REQUEST, key)) for key in (OTHER_KEY, OTHER_KEY[::-1], ITS_KEY)]
    assert answers[0].count(generate_accept_token(OTHER_KEY)) == 1
    assert re.sub(rb"(?<=Accept: )[^\r]*", generate_accept_token(ITS_KEY), answers[0]) == ANSWER
    assert b" 400 " in answers[1]
    assert answers[2] == ANSWER


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(with_key(REQUEST, b"A" * 21 + b"==="), b"400", id="no key"),
        pytest.param(
            with_key(REQUEST, OTHER_KEY + b"\r\nSec-WebSocket-Key: " + ITS_KEY),
            b"400",
            id="two keys",
        ),
        pytest.param(REQUEST.replace(b"/ws", b"/w"), b"404", id="another path"),
        pytest.param(REQUEST.replace(b"json", b"cbor"), b"400", id="another serializer"),
        pytest.param(with_line(b"Content-Length: 5"), b"400", id="a body"),
    ],
)
def test_who_asks_nearly_as_another_did_is_refused_each_time(
    request_: bytes, status: bytes
) -> None:
    for _ in range(2):
        assert answer_to(with_key(REQUEST)).startswith(b"HTTP/1.1 101 ")
        assert answer_to(request_).startswith(b"HTTP/1.1 %b " % status)


def test_a_page_that_one_listener_lets_in_is_refused_by_another_and_the_other_way_round() -> None:
    page = from_origin("https://app.example", "elsewhere.example")
    for _ in range(2):
        assert answer_to(page, origins=("https://app.example",)).startswith(b"HTTP/1.1 101 ")
        assert answer_to(page).startswith(b"HTTP/1.1 403 ")


def test_a_page_is_judged_by_the_name_that_this_machine_has_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = from_origin("http://kitchen", "kitchen")
    for name, status in (("kitchen", b"101"), ("hall", b"403"), ("Kitchen", b"101")):
        monkeypatch.setattr(socket, "gethostname", lambda name=name: name)
        assert answer_to(page).startswith(b"HTTP/1.1 %b " % status)


@pytest.mark.parametrize("key", [ITS_KEY, OTHER_KEY])
def test_frames_behind_a_request_that_is_known_are_kept(key: bytes) -> None:
    request = with_key(REQUEST, key)
    assert answer_to(request).startswith(b"HTTP/1.1 101 ")
    with connected() as (stream, peer):
        peer.write(request, masked(0x81, b"early"))
        assert asked(stream).receive() == [b"early"]


# Refused


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: pi\r\n\r\n", 200, id="a browser"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", 200, id="HTTP/1.0"),
        pytest.param(b"GET /other HTTP/1.1\r\nHost: pi\r\n\r\n", 404, id="another path"),
        pytest.param(REQUEST.replace(b"/ws", b"/"), 404, id="a WebSocket at another path"),
        pytest.param(b"GET /ws HTTP/1.1\r\nHost: pi\r\n\r\n", 426, id="no upgrade"),
        pytest.param(without(b"Connection"), 426, id="no Connection"),
        pytest.param(with_line(b"Upgrade: h2c"), 426, id="another upgrade"),
        pytest.param(with_line(b"Sec-WebSocket-Version: 8"), 426, id="another version"),
        pytest.param(without(b"Sec-WebSocket-Version"), 426, id="no version"),
        pytest.param(without(b"Sec-WebSocket-Key"), 400, id="no key"),
        pytest.param(with_line(b"Sec-WebSocket-Key: short"), 400, id="a short key"),
        pytest.param(with_line(b"Sec-WebSocket-Key: " + b"?" * 24), 400, id="no base64"),
        pytest.param(with_line(b"Sec-WebSocket-Key: " + b"A" * 24), 400, id="18 bytes"),
        pytest.param(with_line(b"Sec-WebSocket-Key: " + b"A" * 20 + b"=="), 400, id="half a byte"),
        pytest.param(with_line(b"Sec-WebSocket-Key: " + b"A" * 22 + b"="), 400, id="no end"),
        pytest.param(without(b"Sec-WebSocket-Protocol"), 400, id="no subprotocol"),
        pytest.param(with_line(b"Sec-WebSocket-Protocol: mqtt"), 400, id="a foreign subprotocol"),
        pytest.param(with_line(b"Sec-WebSocket-Protocol: json"), 400, id="half a subprotocol"),
        pytest.param(with_line(b"Sec-WebSocket-Protocol: wamp.2.cbor"), 400, id="not served"),
        pytest.param(without(b"Host"), 400, id="no Host"),
        pytest.param(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), 400, id="upgrade in HTTP/1.0"),
        pytest.param(REQUEST.replace(b"GET", b"POST"), 405, id="POST"),
        pytest.param(REQUEST.replace(b"/ws", b"http://h/other"), 404, id="absolute, another path"),
        pytest.param(REQUEST.replace(b"/ws", b"ftp://h/ws"), 404, id="absolute, another scheme"),
        pytest.param(REQUEST.replace(b"/ws", b"http://u@h/ws"), 400, id="absolute, userinfo"),
        pytest.param(b"GET http://pi HTTP/1.1\r\nHost: pi\r\n\r\n", 200, id="absolute, no path"),
        pytest.param(with_line(b"Host: user@localhost"), 400, id="userinfo in Host"),
        pytest.param(with_line(b"Host: localhost/x"), 400, id="a path in Host"),
        pytest.param(with_line(b"Content-Length: 5") + b"hello", 400, id="a body"),
        pytest.param(with_line(b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, id="chunks"),
        pytest.param(with_line(b"Content-Length: 0\r\nTransfer-Encoding: chunked"), 400, id="both"),
        pytest.param(b"hello\r\n\r\n", 400, id="not HTTP"),
        pytest.param(
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS to a plain port"
        ),
        pytest.param(REQUEST[:-2] + b"a: b\r\n" * 57 + b"\r\n", 200, id="64 headers"),
        pytest.param(REQUEST[:-2] + b"a: b\r\n" * 59 + b"\r\n", 431, id="65 headers"),
        pytest.param(with_line(b"a: " + b"x" * 8192), 431, id="9 KB at once"),
    ],
)
def test_other_requests_are_answered_and_closed(request_: bytes, status: int) -> None:
    if b"a: b" in request_ and status == 200:
        with connected() as (stream, peer):
            peer.write(request_)
            assert asked(stream).serializer == "json"
        return
    got, _, text = refused(request_)
    assert got == status
    assert text.strip()


def test_an_answer_says_what_this_is_and_where() -> None:
    _, head, text = refused(b"GET / HTTP/1.1\r\nHost: pi\r\n\r\n")
    assert "wamplite" in text
    assert "/ws" in text
    assert "wamp.2.json" in text
    assert "Content-Type: text/plain; charset=utf-8" in head
    assert "Connection: close" in head


def test_an_answer_of_426_names_the_upgrade_and_the_version() -> None:
    assert "Upgrade: websocket" in refused(b"GET /ws HTTP/1.1\r\nHost: pi\r\n\r\n")[1]
    assert "Sec-WebSocket-Version: 13\r\n" in refused(with_line(b"Sec-WebSocket-Version: 8"))[1]


def test_head_is_answered_without_a_text() -> None:
    status, _, text = refused(b"HEAD / HTTP/1.1\r\nHost: pi\r\n\r\n")
    assert (status, text) == (200, "")


def test_endless_headers_end_at_8_kib() -> None:
    with connected() as (stream, peer):
        peer.write(REQUEST[:-2])
        line = b"x-line: " + b"y" * 92 + b"\r\n"
        lines = threading.Thread(target=write_until_refused, args=(peer, line))
        lines.start()
        with pytest.raises(TransportLost, match="431"):
            asked(stream)
        lines.join()
        assert peer.head().startswith(b"HTTP/1.1 431 ")


def write_until_refused(peer: WebSocketPeer, line: bytes) -> None:
    for _ in range(100):  # 10 KB
        peer.write(line)


def test_a_client_that_hangs_up_in_its_request_is_lost() -> None:
    with connected() as (stream, peer):
        peer.write(REQUEST[:50])
        peer.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(TransportLost, match="closed the connection"):
            asked(stream)
        stream.close()
        assert peer.rest() == b""


# Origin


def from_origin(origin: str, host: str) -> bytes:
    return with_line(b"Host: " + host.encode())[:-2] + f"Origin: {origin}\r\n\r\n".encode()


OWN = socket.gethostname()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8080", "localhost:8080"),
        ("https://localhost", "localhost"),
        ("http://192.168.1.7:8080", "192.168.1.7:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        (f"http://{OWN}:8080", f"{OWN}:8080"),
        (f"http://{OWN.upper()}.local", f"{OWN.upper()}.LOCAL"),
        ("http://pi.example:8080", "Pi.Example:8080"),
        ("https://app.example", "elsewhere.example"),
        ("HTTPS://APP.example", "127.0.0.1"),
        ("ws://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost", "localhost:80"),
    ],
)
def test_our_own_pages_and_allowed_ones_may_connect(origin: str, host: str) -> None:
    with connected() as (stream, peer):
        peer.write(from_origin(origin, host))
        asked(stream, origins=("https://app.example/",), hosts=("PI.example",))
        assert peer.read(len(ANSWER)) == ANSWER


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "127.0.0.1:8080"),
        ("http://evil.example", "evil.example"),  # DNS rebinding
        ("http://evil.example:8080", "evil.example:8080"),
        ("http://localhost:8081", "localhost:8080"),
        ("http://localhost.evil.example", "localhost.evil.example"),
        ("null", "localhost"),
        ("file://", "localhost"),
        ("ftp://localhost", "localhost"),
        ("http://localhost\r\nOrigin: http://evil.example", "localhost"),
        ("http://[x", "[x"),
    ],
)
def test_pages_of_foreign_sites_get_403(origin: str, host: str) -> None:
    assert refused(from_origin(origin, host))[0] == 403


def test_403_tells_what_would_allow_the_page() -> None:
    text = refused(from_origin("http://127.0.0.1:8000", "127.0.0.1:8080"))[2]
    assert "--allow-origin http://127.0.0.1:8000" in text
    assert "allowed_origins=['http://127.0.0.1:8000']" in text


def test_the_authority_of_a_target_in_absolute_form_counts_and_not_host() -> None:
    request = from_origin("http://evil.example", "evil.example")
    target = request.replace(b"/ws", b"http://localhost:8080/ws")
    assert refused(target)[0] == 403
    own = from_origin("http://localhost:8080", "evil.example")
    with connected() as (stream, peer):
        peer.write(own.replace(b"/ws", b"http://localhost:8080/ws"))
        asked(stream)
        assert peer.read(len(ANSWER)) == ANSWER


def test_tls_on_a_plain_port_is_told_so() -> None:
    assert "is it ws://" in refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")[2]
