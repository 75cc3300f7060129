"""The HTTP request that asks for a WebSocket: read within bounds, judged, refused with a word.

h11 reads it (RFC 9112), RFC 6455 section 4.2 judges it. Everybody may knock, browsers too: a page
of a foreign site must not reach the router of the house, hence the rule of `may_come_from`.
What we refuse is answered in plain text that says what this is and what was expected.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

import h11
from wsproto.utilities import generate_accept_token

from ..core.errors import TransportLost
from .stream import Stream

LARGEST_REQUEST = 8192  # bytes
MOST_HEADERS = 64
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))


class Rules(NamedTuple):
    """What a listener serves, and whom: names in lower case."""

    serializers: tuple[str, ...]
    path: str = "/ws"
    allowed_origins: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()


class Refusal(Exception):
    """An answer other than 101: its status, its text and its further headers."""

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)
        self.text = text
        self.headers = headers


def open_handshake(stream: Stream, head: bytes, rules: Rules) -> tuple[str, bytes]:
    """Answer the request; return the chosen serializer and the bytes that came behind it.

    Raises TransportLost when it was anything but a request for a WebSocket that we serve.
    """
    method = b"GET"
    try:
        request, rest = read_request(stream, head)
        method = request.method
        serializer, answer = judge(request, rules)
    except Refusal as refusal:
        stream.write([refuse(refusal, with_text=method != b"HEAD")])
        stream.finish()
        said = f"{refusal.status.value} {refusal.status.phrase}: {refusal.text}"
        raise TransportLost(f"{stream.peer} was answered with HTTP {said}") from None
    stream.write([answer])
    return serializer, rest


def read_request(stream: Stream, data: bytes) -> tuple[h11.Request, bytes]:
    """Read up to the blank line, and no more than LARGEST_REQUEST bytes."""
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_REQUEST)
    data = data or stream.recv()
    if data and not data[:1].isalpha():  # h11 would wait for the end of an odd method
        raise Refusal(400, "a bad request: it does not begin with a method")
    size = 0
    try:
        while data:
            size += len(data)
            reader.receive_data(data)
            event = reader.next_event()
            if isinstance(event, h11.Request):
                return within_bounds(event, size, reader.trailing_data[0])
            data = stream.recv()
    except h11.RemoteProtocolError as exc:
        raise Refusal(exc.error_status_hint, f"a bad request: {exc}") from exc
    raise stream.ended()


def within_bounds(request: h11.Request, size: int, rest: bytes) -> tuple[h11.Request, bytes]:
    """Refuse what h11 let pass because all of it came at once."""
    if size - len(rest) > LARGEST_REQUEST or len(list(request.headers)) > MOST_HEADERS:
        raise Refusal(431, f"at most {LARGEST_REQUEST} bytes and {MOST_HEADERS} headers are read")
    return request, rest


def judge(request: h11.Request, rules: Rules) -> tuple[str, bytes]:
    """Return the serializer and the answer that opens the WebSocket, or raise Refusal."""
    check_resource(request, rules)
    key = check_version(request)
    check_origin(request, rules)
    serializer = choose_serializer(request, rules)
    return serializer, agree(key, ("Sec-WebSocket-Protocol", f"wamp.2.{serializer}"))


def agree(key: bytes, *headers: tuple[str, str]) -> bytes:
    """Return the answer that opens the WebSocket."""
    accept = ("Sec-WebSocket-Accept", generate_accept_token(key).decode())
    return render(HTTPStatus.SWITCHING_PROTOCOLS, *UPGRADE, accept, *headers)


def check_resource(request: h11.Request, rules: Rules) -> None:
    """Serve one path, to those who ask for a WebSocket there."""
    what = f"This is wamplite, a WAMP router: WebSocket at {rules.path}, {offered(rules)}."
    if request.method not in (b"GET", b"HEAD"):
        raise Refusal(405, what, ("Allow", "GET, HEAD"))
    path = request.target.split(b"?")[0]
    wants_upgrade = has_word(request, "upgrade", "websocket")
    if path != rules.path.encode():
        raise Refusal(200 if path == b"/" and not wants_upgrade else 404, what)
    if not wants_upgrade or not has_word(request, "connection", "upgrade"):
        raise Refusal(426, what, *UPGRADE)


def check_version(request: h11.Request) -> bytes:
    """Return the key of a handshake as RFC 6455 wants it."""
    if request.method != b"GET" or request.http_version < b"1.1":
        raise Refusal(400, "a WebSocket is asked for by GET and HTTP/1.1")
    version = values(request, "sec-websocket-version")
    if version != ["13"]:
        text = f"Sec-WebSocket-Version must be 13, not {', '.join(version) or 'missing'}"
        raise Refusal(426, text, *UPGRADE, ("Sec-WebSocket-Version", "13"))
    keys = values(request, "sec-websocket-key")
    if len(keys) != 1 or not is_key(keys[0]):
        raise Refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    return keys[0].encode()


def is_key(key: str) -> bool:
    """Tell whether these are 16 bytes in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def check_origin(request: h11.Request, rules: Rules) -> None:
    """Refuse the pages of foreign sites; programs other than browsers send no Origin."""
    origin = ", ".join(values(request, "origin")).lower()
    host = ", ".join(values(request, "host")).lower()
    if origin and not may_come_from(origin, host, rules):
        raise Refusal(403, f"pages of {origin[:200]!r} may not connect to {host[:200]!r}")


def may_come_from(origin: str, host: str, rules: Rules) -> bool:
    """Tell whether a page of this origin may connect to us under this Host.

    A page that we might have served ourselves may. The name must be known to be ours: else a name
    of the attacker's that resolves to our address (DNS rebinding) would pass as well.
    """
    if origin in rules.allowed_origins:
        return True
    return origin in (f"http://{host}", f"https://{host}") and is_our_name(host, rules)


def is_our_name(host: str, rules: Rules) -> bool:
    """Tell whether a Host (name or address, perhaps a port) names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets without an address
        return False
    own = socket.gethostname().lower()
    if name in ("localhost", own, f"{own}.local") or name in rules.allowed_hosts:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def choose_serializer(request: h11.Request, rules: Rules) -> str:
    """Return the first serializer that the client asks for and we have."""
    asked = words(request, "sec-websocket-protocol")
    for subprotocol in asked:
        serializer = subprotocol.removeprefix("wamp.2.")
        if serializer != subprotocol and serializer in rules.serializers:
            return serializer
    came = f"{', '.join(asked)[:200]!r}" if asked else "none"
    raise Refusal(400, f"{offered(rules)} expected, {came} offered")


def offered(rules: Rules) -> str:
    """Name the subprotocols that are served."""
    return "subprotocol " + " or ".join(f"wamp.2.{name}" for name in rules.serializers)


def values(request: h11.Request, name: str) -> list[str]:
    """Return the values of a header, one for each time it stands there."""
    return [value.decode("latin-1") for key, value in request.headers if key == name.encode()]


def words(request: h11.Request, name: str) -> list[str]:
    """Return the words of a header that holds a list."""
    return [word.strip() for value in values(request, name) for word in value.split(",")]


def has_word(request: h11.Request, name: str, word: str) -> bool:
    """Tell whether a header that holds a list holds this word, in any case."""
    return word in map(str.lower, words(request, name))


def refuse(refusal: Refusal, with_text: bool) -> bytes:
    """Return the whole answer of a refusal; HEAD gets the headers alone."""
    body = f"{refusal.text}\n".encode()
    ours = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    head = render(refusal.status, *refusal.headers, *ours)
    return head + body if with_text else head


def render(status: HTTPStatus, *headers: tuple[str, str]) -> bytes:
    """Return a status line and headers, up to the blank line."""
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode()


def rules(
    serializers: Iterable[str], path: str, origins: Iterable[str], hosts: Iterable[str]
) -> Rules:
    """Gather the rules, with names as they are compared."""
    return Rules(
        tuple(serializers),
        path,
        frozenset(origin.lower().rstrip("/") for origin in origins),
        frozenset(host.lower().strip("[]") for host in hosts),
    )
