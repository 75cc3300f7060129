"""What a WebSocket's HTTP request may say besides the handshake."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import UsageError
from wamplite.transports.http_request import basic, checked, without_user


def test_ordinary_headers_pass() -> None:
    headers = {"Cookie": "a=b; c=d", "Authorization": "Bearer x", "X-Empty": "", "Host": "pi:80"}
    assert checked(headers) == headers


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (["Cookie: a"], "headers must be a dict of names and values"),
        ({"Upgrade": "h2c"}, "Upgrade belongs to the WebSocket handshake"),
        ({"connection": "close"}, "connection belongs to the WebSocket handshake"),
        ({"Sec-WebSocket-Protocol": "x"}, "belongs to the WebSocket handshake"),
        ({"sec-websocket-key": "x"}, "belongs to the WebSocket handshake"),
        ({"Content-Length": "5"}, "belongs to the WebSocket handshake"),
        ({"Transfer-Encoding": "chunked"}, "belongs to the WebSocket handshake"),
        ({"X: y\r\nZ": "1"}, "is not the name of a header"),
        ({"": "1"}, "is not the name of a header"),
        ({5: "1"}, "is not the name of a header"),
        ({"X": "a\r\nY: b"}, "the value of X must be one line of ASCII text"),
        ({"X": "a\n"}, "the value of X must be one line"),
        ({"X": "a\0"}, "the value of X must be one line"),
        ({"X": " a"}, "the value of X must be one line"),
        ({"X": "é"}, "the value of X must be one line of ASCII text"),
        ({"X": 5}, "the value of X must be one line of ASCII text"),
        ({"X": "1", "x": "2"}, "x is given twice"),
    ],
)
def test_what_breaks_the_handshake_is_refused(headers: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        checked(headers)


@pytest.mark.parametrize(
    ("url", "bare", "authorization"),
    [
        ("ws://pi/ws", "ws://pi/ws", None),
        ("ws://ann:secret@pi/ws", "ws://pi/ws", basic("ann:secret")),
        ("WSS://ann@pi:8443", "WSS://pi:8443", basic("ann:")),
        ("ws://pi/a@b", "ws://pi/a@b", None),
        ("ws://pi?a=b@c", "ws://pi?a=b@c", None),
        ("rs://ann:secret@pi:1", "rs://ann:secret@pi:1", None),
    ],
)
def test_a_user_is_taken_out_of_a_url(url: str, bare: str, authorization: str | None) -> None:
    assert without_user(url) == (bare, authorization)


def test_user_and_password_stand_as_basic_says() -> None:
    assert basic("Aladdin:open%20sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert basic("ann:a%3Ab:c") == "Basic YW5uOmE6Yjpj"
