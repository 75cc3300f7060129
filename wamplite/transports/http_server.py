"""HTTP requests as a router reads them: within bounds, judged, answered or refused with a word.

h11 reads them (RFC 9112), but for a GET as nearly all clients send it, which one regular expression
takes apart: what that does not take whole is h11's to judge. Everybody may knock, browsers too: a
page of a foreign site must not reach the router of the house, hence the rule of origins.py. What we
refuse is answered in plain text that says what this is and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

import h11

from . import origins
from .base import USUAL, HttpBounds
from .stream import Stream

LONGPOLL = "/lp"  # where sessions over HTTP requests are, if the router serves them
PROXY_HEADERS = (b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")  # see proxy_header
ABSOLUTE = re.compile(rb"(?:https?|wss?)://([^/?#]*)(.*)", re.IGNORECASE)  # what a proxy sends
TEXT = ("Content-Type", "text/plain; charset=utf-8")
# Without a body, a folded line, or a byte that is not printable ASCII
_USUAL = re.compile(
    rb"GET ([!-~]+) HTTP/1[.]1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+)\r\n"
)
_FIELD = re.compile(r"([^:]+):[\t ]*([^\r]*)\r\n")  # of one that is usual
_NO_HOST = frozenset("@/?#\\")
_OF_A_BODY = frozenset({"content-length", "transfer-encoding"})


class HttpRequest(NamedTuple):
    """What is asked for. fields: by name in lower case, the values of each line of that name."""

    method: bytes
    target: bytes
    http_version: bytes
    fields: dict[str, list[str]]


def request_of(event: h11.Request) -> HttpRequest:
    """Return the request that h11 has read."""
    lines = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
    return HttpRequest(event.method, event.target, event.http_version, _by_name(lines))


def usual(data: bytes, bounds: HttpBounds) -> tuple[HttpRequest, bytes] | None:
    """Return the request that begins here, and what is behind it; None: h11 is to read it."""
    match = _USUAL.match(data)
    if match is None:
        return None
    names, values = zip(*_FIELD.findall(match[2].decode()), strict=True)
    lists = map(list, zip(map(str.rstrip, values)))  # of one value each
    fields = dict(zip(map(str.lower, names), lists, strict=True))
    if len(fields) < len(names):  # a name stands there twice
        fields = _by_name(zip(names, values, strict=True))
    if len(fields.get("host", ())) != 1 or not _OF_A_BODY.isdisjoint(fields):
        return None
    request = HttpRequest(b"GET", match[1], b"1.1", fields)
    check_bounds(request, match.end(), bounds)
    return request, data[match.end() :]


def _by_name(lines: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in lines:
        fields.setdefault(name.lower(), []).append(value.rstrip(" \t"))
    return fields


class HttpRefusal(Exception):
    """An answer that refuses: its status, its text and its further headers."""

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)
        self.text = text
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status.value} {self.status.phrase}: {self.text}"


def read_request(
    stream: Stream, data: bytes, bounds: HttpBounds = USUAL
) -> tuple[HttpRequest, bytes]:
    """Read up to the blank line, and no more than the bounds allow."""
    data = data or stream.recv()
    if found := usual(data, bounds):
        return found
    if data[:1] == b"\x16":
        raise HttpRefusal(400, "a TLS handshake on a port without TLS: is it ws:// (rs://)?")
    if data.startswith(PROXY_HEADERS):
        raise HttpRefusal(400, "a PROXY header, which is taken of trusted proxies alone")
    if data and not data[:1].isalpha():  # h11 would wait for the end of an odd method
        raise HttpRefusal(400, "a bad request: it does not begin with a method")
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=bounds.size)
    size = 0
    try:
        while data:
            size += len(data)
            reader.receive_data(data)
            event = reader.next_event()
            if isinstance(event, h11.Request):
                request, rest = request_of(event), reader.trailing_data[0]
                check_bounds(request, size - len(rest), bounds)
                return request, rest
            data = stream.recv()
    except h11.RemoteProtocolError as exc:
        raise bad(exc) from exc
    raise stream.ended()


def bad(exc: h11.RemoteProtocolError) -> HttpRefusal:
    """Return the refusal of what is not HTTP."""
    return HttpRefusal(exc.error_status_hint, f"a bad request: {exc}")


def check_bounds(request: HttpRequest, size: int, bounds: HttpBounds) -> None:
    """Refuse what h11 let pass because all of it came at once."""
    if size > bounds.size or sum(map(len, request.fields.values())) > bounds.headers:
        text = f"at most {bounds.size} bytes and {bounds.headers} headers are read"
        raise HttpRefusal(431, text)


def check_host(request: HttpRequest) -> None:
    """Refuse a Host that is more than a name or address and a port."""
    host = authority(request)
    if not _NO_HOST.isdisjoint(host):
        raise HttpRefusal(400, f"Host must be host or host:port, not {host[:200]!r}")


def check_origin(request: HttpRequest, allowed: frozenset[str], hosts: frozenset[str]) -> str:
    """Refuse the pages of foreign sites, return the origin of others; "" for a program."""
    origin, host = ", ".join(values(request, "origin")), authority(request)
    if origin and not origins.may_connect(origin, host, allowed, hosts):
        raise HttpRefusal(403, origins.advice(origin, host))
    return origin


def path_of(request: HttpRequest) -> bytes:
    """Return the path that is asked for."""
    return path_in(request.target)


def path_in(target: bytes) -> bytes:
    """Return the path of a target, of one in absolute form too (RFC 9112 3.2.2)."""
    absolute = ABSOLUTE.fullmatch(target)
    relative: bytes = (absolute[2] or b"/") if absolute else target
    return relative.split(b"?")[0] or b"/"


def authority(request: HttpRequest) -> str:
    """Return the host, and perhaps port, that is asked for: a target in absolute form says it."""
    absolute = ABSOLUTE.fullmatch(request.target)
    return absolute[1].decode("latin-1") if absolute else ", ".join(values(request, "host"))


def values(request: HttpRequest, name: str) -> list[str]:
    """Return the values of a header, one for each time it stands there."""
    return request.fields.get(name, [])


def words(request: HttpRequest, name: str) -> list[str]:
    """Return the words of a header that holds a list."""
    return [word.strip() for value in values(request, name) for word in value.split(",")]


def has_word(request: HttpRequest, name: str, word: str) -> bool:
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
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    return line + lines_of(*headers) + b"\r\n"


def lines_of(*headers: tuple[str, str]) -> bytes:
    """Return headers, each in its line."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode()
