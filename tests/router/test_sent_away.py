"""Who is sent away before it can say anything, and how both sides learn why."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import wamplite
from tests.transports.streams import make_certificate, receive_all
from tests.transports.websocket_peer import REQUEST
from wamplite.router import listen_urls

from .conftest import Start, connected, eventually

pytestmark = pytest.mark.usefixtures("either_reader")

FOREIGN = REQUEST[:-2] + b"Origin: http://127.0.0.1:8000\r\n\r\n"
SAID: dict[str, tuple[bytes, str]] = {
    "a foreign page": (FOREIGN, "403 Forbidden: .*--allow-origin http://127.0.0.1:8000"),
    "another path": (REQUEST.replace(b"/ws", b"/other"), "404 Not Found: .*WebSocket at /ws"),
    "no subprotocol": (REQUEST.replace(b"wamp.2.json", b"mqtt"), "400 Bad Request: subprotocol"),
    "no upgrade": (b"GET /ws HTTP/1.1\r\nHost: pi\r\n\r\n", "426 Upgrade Required"),
    "no serializer": (b"\x7f\xf9\0\0", "serializer 9 is not one of json"),
}


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Give `told()`: the warnings of the router."""

    def warnings() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]

    return warnings


def answer(url: str, said: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", listen_urls.parse(url).port), 5) as sock:
        sock.settimeout(10)
        sock.sendall(said)
        return receive_all(sock)


@pytest.mark.parametrize(("said", "why"), SAID.values(), ids=SAID)
def test_a_refused_handshake_is_a_warning_that_says_why_but_no_flood(
    start: Start, told: Callable[[], list[str]], said: bytes, why: str
) -> None:
    url = start().listen("tcp://127.0.0.1:0")
    for _ in range(3):
        assert answer(url, said)
    eventually(lambda: told() != [])
    [line] = told()
    assert re.search(why, line), line
    assert line.startswith("127.0.0.1:")


def test_who_looks_what_this_is_and_who_goes_at_once_are_no_warnings(
    start: Start, told: Callable[[], list[str]]
) -> None:
    router = start()
    url = router.listen("tcp://127.0.0.1:0")
    assert b" 200 " in answer(url, b"GET / HTTP/1.1\r\nHost: pi\r\n\r\n")
    socket.create_connection(("127.0.0.1", listen_urls.parse(url).port), 5).close()
    eventually(lambda: connected(router) == 0)
    assert told() == []


@pytest.mark.parametrize(
    ("scheme", "to_tls", "client", "router"),
    [
        ("ws", True, "is it wss://", "plain HTTP on a TLS port"),
        ("rs", True, "is it rss://", "RawSocket without TLS on a TLS port"),
        ("wss", False, "is it ws://", "a TLS handshake on a port without TLS"),
        ("rss", False, "is it ws:// or rs://", "a TLS handshake on a port without TLS"),
    ],
)
def test_tls_where_there_is_none_and_the_reverse_are_named_on_both_sides(
    start: Start,
    told: Callable[[], list[str]],
    tmp_path: Path,
    scheme: str,
    to_tls: bool,
    client: str,
    router: str,
) -> None:
    made = make_certificate(tmp_path)
    listening = start()
    url = (
        listening.listen("tls://127.0.0.1:0", cert=made.cert, key=made.key)
        if to_tls
        else listening.listen("tcp://127.0.0.1:0")
    )
    path = "/ws" if scheme.startswith("ws") else ""
    with pytest.raises(wamplite.TransportLost, match=client):
        wamplite.connect(f"{scheme}://127.0.0.1:{listen_urls.parse(url).port}{path}")
    eventually(lambda: any(router in line for line in told()))


def test_origins_that_no_page_could_have_are_refused_before_anything_listens() -> None:
    with pytest.raises(wamplite.UsageError, match="not 'example.com'"):
        wamplite.Router(allowed_origins=["example.com"])
    with pytest.raises(wamplite.UsageError, match="allowed_origins must be a list"):
        wamplite.Router(allowed_origins="http://app.example")
    with pytest.raises(wamplite.UsageError, match="allowed_hosts must be a list"):
        wamplite.Router(allowed_hosts="app.example")
