"""How requests are read: the usual one without h11, and never otherwise than h11 would."""

from __future__ import annotations

import random
import time
from typing import Any, cast

import h11
import pytest

from wamplite.transports.http_server import HttpRefusal, HttpRequest, bad, read_request, request_of
from wamplite.transports.stream import Stream

LINES = [
    b"GET /ws?a=b HTTP/1.1",
    b"Host: 127.0.0.1:8080",
    b"Upgrade: websocket",
    b"Connection:keep-alive, Upgrade",
    b"Sec-WebSocket-Key: d2FtcGxvYWQtY2xpZW50IQ==",
    b"sec-websocket-version:\t13 ",
    b"Sec-WebSocket-Protocol: wamp.2.json, wamp.2.msgpack",
    b"Sec-WebSocket-Protocol: wamp.2.cbor",
    b"Cookie:",
]
ODD = [
    b"Content-Length: 0",
    b"Content-Length: 1, 1",
    b"Content-Length: x",
    b"Transfer-Encoding: CHUNKED",
    b"transfer-encoding: gzip",
    b"Host: another",
    b" folded",
    b"Name : value",
    b"No colon",
    b": no name",
    b"Name: \xe9",
    b"Name: a\rb",
    b"Name: \x01",
    b"Name: a\x00b",
    b"Expect: 100-continue",
    b"",
]
STARTS = [
    b"HEAD / HTTP/1.1",
    b"GET / HTTP/1.0",
    b"GET  HTTP/1.1",
    b"get / HTTP/1.1",
    b"GET / HTTP/2",
]
BEHIND = b"\x81\x85abcdHello"


class Waiting(Exception):
    """More would have been read."""


class NoMore:
    """A stream that has nothing more."""

    def recv(self) -> bytes:
        raise Waiting


def request(*lines: bytes, ending: bytes = b"\r\n") -> bytes:
    return ending.join([*lines, b"", b""])


def ours(data: bytes) -> Any:
    try:
        return read_request(cast(Stream, NoMore()), data)
    except HttpRefusal as refusal:
        return str(refusal)
    except Waiting:
        return None


def of_h11(data: bytes) -> Any:
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=8192)
    reader.receive_data(data)
    try:
        event = reader.next_event()
    except h11.RemoteProtocolError as exc:
        return str(bad(exc))
    return (request_of(event), reader.trailing_data[0]) if event is not h11.NEED_DATA else None


def test_the_usual_request_is_read_whole_without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = of_h11(request(*LINES) + BEHIND)
    monkeypatch.delattr(h11, "Connection")
    read = ours(request(*LINES) + BEHIND)
    assert read == expected and read[1] == BEHIND
    assert read[0].fields["sec-websocket-protocol"] == [
        "wamp.2.json, wamp.2.msgpack",
        "wamp.2.cbor",
    ]
    assert read[0].fields["sec-websocket-version"] == ["13"] and read[0].fields["cookie"] == [""]
    assert read[0][:3] == HttpRequest(b"GET", b"/ws?a=b", b"1.1", {})[:3]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_is_judged_as_h11_does(odd: bytes) -> None:
    for at in range(1, len(LINES) + 1):
        data = request(*LINES[:at], odd, *LINES[at:]) + BEHIND
        assert ours(data) == of_h11(data)


@pytest.mark.parametrize("start", STARTS)
def test_an_odd_start_is_judged_as_h11_does(start: bytes) -> None:
    data = request(start, *LINES[1:])
    assert ours(data) == of_h11(data)


def test_whatever_comes_is_read_as_h11_reads_it() -> None:
    drawn = random.Random(1)
    for _ in range(3000):
        lines = drawn.sample(LINES[1:], drawn.randrange(len(LINES)))
        ending = drawn.choice([b"\r\n", b"\r\n", b"\n"])
        data = bytearray(
            request(LINES[0], *lines, *drawn.choices(ODD, k=drawn.randrange(2)), ending=ending)
        )
        for _ in range(drawn.randrange(3)):
            data[drawn.randrange(4, len(data))] = drawn.choice(b"\r\n\t :\0\x7f\xffaG,")
        assert ours(bytes(data)) == of_h11(bytes(data)), bytes(data)


def test_the_usual_request_has_bounds_too() -> None:
    for line in (b"Long: " + b"x" * 8192, b"\r\n".join([b"Many: x"] * 64)):
        assert str(ours(request(*LINES, line))).startswith("431")


def test_blanks_within_a_header_cost_no_more_than_letters() -> None:
    def seconds(inner: bytes) -> float:
        data = request(*LINES, b"Long: a" + inner * 7000 + b"b")
        fastest = 1.0  # of this thread: others may be busy meanwhile
        for _ in range(7):
            begun = time.thread_time()
            assert ours(data)
            fastest = min(fastest, time.thread_time() - begun)
        return fastest

    assert seconds(b"\t") < 10 * seconds(b"x")
