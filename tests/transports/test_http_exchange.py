"""Requests over HTTP, one after the other: what their bodies may be, and may weigh."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from wamplite.transports.http_exchange import Exchange
from wamplite.transports.http_server import HttpRefusal
from wamplite.transports.socket_stream import SocketStream

PATIENCE = 20.0  # seconds
HEAD = b"POST /lp/x/send HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED, FIVE = b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n"
Ends = tuple[SocketStream, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Give the stream of a router, and the socket of its client."""
    near, far = socket.socketpair()
    far.settimeout(PATIENCE)
    stream = SocketStream(near)
    with far:
        yield stream, far
    stream.close()


@pytest.mark.parametrize("framing", [CHUNKED + FIVE, FIVE + CHUNKED])
def test_a_body_with_two_ends_is_refused_and_what_follows_is_no_request(
    ends: Ends, framing: bytes
) -> None:
    stream, far = ends
    exchange = Exchange(stream, HEAD + framing + b"\r\n0\r\n\r\n" + HEAD + b"\r\n")
    with pytest.raises(HttpRefusal, match="Transfer-Encoding and Content-Length") as raised:
        exchange.next(PATIENCE, 1000, lambda size: None)
    assert not exchange.refuse(raised.value, ())
    with far.makefile("rb") as answers:
        assert answers.read().count(b"HTTP/1.1 400 ") == 1


def test_a_head_is_answered_by_headers_alone_and_what_follows_by_all(ends: Ends) -> None:
    stream, far = ends
    exchange = Exchange(stream, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    far.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    for method, goes_on in (b"HEAD", True), (b"GET", False):
        came = exchange.next(PATIENCE, 0, lambda size: None)
        assert came is not None and (came[0].method, came[1]) == (method, b"")
        assert exchange.answer(200, b"hello", [("X-Of", method.decode())]) is goes_on
    with far.makefile("rb") as answers:
        first, second, third = answers.read().split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK\r\n") and b"X-Of: HEAD" in first
    assert second.startswith(b"HTTP/1.1 200 OK\r\n") and b"X-Of: GET" in second
    assert first.count(b"Content-Length: 5") == second.count(b"Content-Length: 5") == 1
    assert third == b"hello"


def test_an_answer_without_content_has_no_length(ends: Ends) -> None:
    stream, far = ends
    exchange = Exchange(stream, b"GET / HTTP/1.0\r\n\r\n")
    assert exchange.next(PATIENCE, 0, lambda size: None) is not None
    assert not exchange.answer(204, b"", ())
    with far.makefile("rb") as answers:
        assert b"Content-Length" not in answers.read()


def test_a_body_of_tiny_chunks_weighs_no_more_than_its_bytes(ends: Ends) -> None:
    number = 20_000
    stream, far = ends
    body = b"2\r\nab\r\n" * number + b"0\r\n\r\n"
    sender = threading.Thread(target=far.sendall, args=(body,))
    exchange = Exchange(stream, HEAD + CHUNKED + b"\r\n")
    sender.start()
    tracemalloc.start()
    try:
        came = exchange.next(PATIENCE, 10 * number, lambda size: None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        sender.join()
    assert came is not None and came[1] == b"ab" * number
    assert peak < 20 * number
