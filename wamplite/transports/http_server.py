"""HTTP requests as a router reads them: within bounds, judged, answered or refused with a word.

h11 reads them (RFC 9112). Everybody may knock, browsers too: a page of a foreign site must not
reach the router of the house, hence the rule of origins.py. What we refuse is answered in plain
text that says what this is and what was expected.
"""

from __future__ import annotations

import re
from http import HTTPStatus

import h11
from h11 import Request as Request  # noqa: PLC0414 - exported

from . import origins
from .base import USUAL, HttpBounds
from .stream import Stream

LONGPOLL = "/lp"  # where sessions over HTTP requests are, if the router serves them
PROXY_HEADERS = (b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")  # see proxy_header
ABSOLUTE = re.compile(rb"(?:https?|wss?)://([^/?#]*)(.*)", re.IGNORECASE)  # what a proxy sends
TEXT = ("Content-Type", "text/plain; charset=utf-8")


class HttpRefusal(Exception):
    """An answer that refuses: its status, its text and its further headers."""

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)
        self.text = text
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status.value} {self.status.phrase}: {self.text}"


def read_request(stream: Stream, data: bytes, bounds: HttpBounds = USUAL) -> tuple[Request, bytes]:
    """Read up to the blank line, and no more than the bounds allow."""
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=bounds.size)
    data = data or stream.recv()
    if data[:1] == b"\x16":
        raise HttpRefusal(400, "a TLS handshake on a port without TLS: is it ws:// (rs://)?")
    if data.startswith(PROXY_HEADERS):
        raise HttpRefusal(400, "a PROXY header, which is taken of trusted proxies alone")
    if data and not data[:1].isalpha():  # h11 would wait for the end of an odd method
        raise HttpRefusal(400, "a bad request: it does not begin with a method")
    size = 0
    try:
        while data:
            size += len(data)
            reader.receive_data(data)
            event = reader.next_event()
            if isinstance(event, Request):
                rest = reader.trailing_data[0]
                check_bounds(event, size - len(rest), bounds)
                return event, rest
            data = stream.recv()
    except h11.RemoteProtocolError as exc:
        raise bad(exc) from exc
    raise stream.ended()


def bad(exc: h11.RemoteProtocolError) -> HttpRefusal:
    """Return the refusal of what is not HTTP."""
    return HttpRefusal(exc.error_status_hint, f"a bad request: {exc}")


def check_bounds(request: Request, size: int, bounds: HttpBounds) -> None:
    """Refuse what h11 let pass because all of it came at once."""
    if size > bounds.size or len(request.headers) > bounds.headers:
        text = f"at most {bounds.size} bytes and {bounds.headers} headers are read"
        raise HttpRefusal(431, text)


def check_host(request: Request) -> None:
    """Refuse a Host that is more than a name or address and a port."""
    host = authority(request)
    if any(character in host for character in "@/?#\\"):
        raise HttpRefusal(400, f"Host must be host or host:port, not {host[:200]!r}")


def check_origin(request: Request, allowed: frozenset[str], hosts: frozenset[str]) -> str:
    """Refuse the pages of foreign sites, return the origin of others; "" for a program."""
    origin, host = ", ".join(values(request, "origin")), authority(request)
    if origin and not origins.may_connect(origin, host, allowed, hosts):
        raise HttpRefusal(403, origins.advice(origin, host))
    return origin


def path_of(request: Request) -> bytes:
    """Return the path that is asked for."""
    return path_in(request.target)


def path_in(target: bytes) -> bytes:
    """Return the path of a target, of one in absolute form too (RFC 9112 3.2.2)."""
    absolute = ABSOLUTE.fullmatch(target)
    relative: bytes = (absolute[2] or b"/") if absolute else target
    return relative.split(b"?")[0] or b"/"


def authority(request: Request) -> str:
    """Return the host, and perhaps port, that is asked for: a target in absolute form says it."""
    absolute = ABSOLUTE.fullmatch(request.target)
    return absolute[1].decode("latin-1") if absolute else ", ".join(values(request, "host"))


def values(request: Request, name: str) -> list[str]:
    """Return the values of a header, one for each time it stands there."""
    wanted = name.encode()
    found = request.headers.raw_items()  # quicker than what it iterates over
    return [value.decode("latin-1") for key, value in found if key.lower() == wanted]


def words(request: Request, name: str) -> list[str]:
    """Return the words of a header that holds a list."""
    return [word.strip() for value in values(request, name) for word in value.split(",")]


def has_word(request: Request, name: str, word: str) -> bool:
    """Tell whether a header that holds a list holds this word, in any case."""
    return word in map(str.lower, words(request, name))


def refuse(refusal: HttpRefusal, with_text: bool) -> bytes:
    """Return the whole answer of a refusal; HEAD gets the headers alone."""
    body = f"{refusal.text}\n".encode()
    ours = [TEXT, ("Content-Length", str(len(body))), ("Connection", "close")]
    head = render(refusal.status, *refusal.headers, *ours)
    return head + body if with_text else head


def render(status: HTTPStatus, *headers: tuple[str, str]) -> bytes:
    """Return a status line and headers, up to the blank line."""
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode()
