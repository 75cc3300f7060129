"""The HTTP request that asks for a WebSocket: read within bounds, judged, refused with a word.

h11 reads it (RFC 9112), RFC 6455 section 4.2 judges it. Everybody may knock, browsers too: a page
of a foreign site must not reach the router of the house, hence the rule of origins.py.
What we refuse is answered in plain text that says what this is and what was expected.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import h11
from wsproto.utilities import generate_accept_token

from . import batches, origins
from .base import HandshakeRefused
from .stream import Stream

if TYPE_CHECKING:
    from .deflate import Deflate

LARGEST_REQUEST = 8192  # bytes
MOST_HEADERS = 64
ABSOLUTE = re.compile(rb"(?:https?|wss?)://([^/?#]*)(.*)", re.IGNORECASE)  # what a proxy sends
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))


class UpgradeRules(NamedTuple):
    """What a listener serves, and whom: names in lower case."""

    serializers: tuple[str, ...]
    path: str = "/ws"
    allowed_origins: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    compress: bool = False


class Agreement(NamedTuple):
    """What a client and we agreed on."""

    subprotocol: str  # behind wamp.2., like json.batched
    deflate: Deflate | None = None


class HttpRefusal(Exception):
    """An answer other than 101: its status, its text and its further headers."""

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)
        self.text = text
        self.headers = headers


def open_handshake(stream: Stream, head: bytes, rules: UpgradeRules) -> tuple[Agreement, bytes]:
    """Answer the request; return what was agreed on, and the bytes that came behind it.

    Raises HandshakeRefused when it was anything but a request for a WebSocket that we serve.
    """
    method = b"GET"
    try:
        request, rest = read_request(stream, head)
        method = request.method
        agreement, answer = judge(request, rules)
    except HttpRefusal as refusal:
        stream.write([refuse(refusal, with_text=method != b"HEAD")])
        stream.finish()
        said = f"{refusal.status.value} {refusal.status.phrase}: {refusal.text}"
        text = f"{stream.peer} was answered with HTTP {said}"
        raise HandshakeRefused(text, f"http_{refusal.status.value}") from None
    stream.write([answer])
    return agreement, rest


def read_request(stream: Stream, data: bytes) -> tuple[h11.Request, bytes]:
    """Read up to the blank line, and no more than LARGEST_REQUEST bytes."""
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_REQUEST)
    data = data or stream.recv()
    if data[:1] == b"\x16":
        raise HttpRefusal(400, "a TLS handshake on a port without TLS: is it ws:// (rs://)?")
    if data and not data[:1].isalpha():  # h11 would wait for the end of an odd method
        raise HttpRefusal(400, "a bad request: it does not begin with a method")
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
        raise HttpRefusal(exc.error_status_hint, f"a bad request: {exc}") from exc
    raise stream.ended()


def within_bounds(request: h11.Request, size: int, rest: bytes) -> tuple[h11.Request, bytes]:
    """Refuse what h11 let pass because all of it came at once."""
    if size - len(rest) > LARGEST_REQUEST or len(list(request.headers)) > MOST_HEADERS:
        raise HttpRefusal(
            431, f"at most {LARGEST_REQUEST} bytes and {MOST_HEADERS} headers are read"
        )
    return request, rest


def judge(request: h11.Request, rules: UpgradeRules) -> tuple[Agreement, bytes]:
    """Return what is agreed on and the answer that opens the WebSocket, or raise HttpRefusal."""
    check_resource(request, rules)
    check_host(request)
    check_body(request)
    key = check_version(request)
    check_origin(request, rules)
    serializer = choose_serializer(request, rules)
    headers = [("Sec-WebSocket-Protocol", f"wamp.2.{serializer}")]
    deflate = None
    if rules.compress:
        from .deflate import choose  # few ask for it

        chosen = choose(values(request, "sec-websocket-extensions"))
        if chosen is not None:
            deflate, answer = chosen
            headers.append(("Sec-WebSocket-Extensions", answer))
    return Agreement(serializer, deflate), agree(key, *headers)


def agree(key: bytes, *headers: tuple[str, str]) -> bytes:
    """Return the answer that opens the WebSocket."""
    accept = ("Sec-WebSocket-Accept", generate_accept_token(key).decode())
    return render(HTTPStatus.SWITCHING_PROTOCOLS, *UPGRADE, accept, *headers)


def check_resource(request: h11.Request, rules: UpgradeRules) -> None:
    """Serve one path, to those who ask for a WebSocket there."""
    what = f"This is wamplite, a WAMP router: WebSocket at {rules.path}, {offered(rules)}."
    if request.method not in (b"GET", b"HEAD"):
        raise HttpRefusal(405, what, ("Allow", "GET, HEAD"))
    path = path_of(request)
    wants_upgrade = has_word(request, "upgrade", "websocket")
    if path != rules.path.encode():
        raise HttpRefusal(200 if path == b"/" and not wants_upgrade else 404, what)
    if not wants_upgrade or not has_word(request, "connection", "upgrade"):
        raise HttpRefusal(426, what, *UPGRADE)


def check_host(request: h11.Request) -> None:
    """Refuse a Host that is more than a name or address and a port."""
    host = authority(request)
    if any(character in host for character in "@/?#\\"):
        raise HttpRefusal(400, f"Host must be host or host:port, not {host[:200]!r}")


def check_body(request: h11.Request) -> None:
    """Refuse a body, which a proxy and we might see end at different places."""
    length = values(request, "content-length")
    if values(request, "transfer-encoding") or any(set(size) != {"0"} for size in length):
        raise HttpRefusal(400, "a request for a WebSocket has no body: no Content-Length above 0")


def check_version(request: h11.Request) -> bytes:
    """Return the key of a handshake as RFC 6455 wants it."""
    if request.method != b"GET" or request.http_version < b"1.1":
        raise HttpRefusal(400, "a WebSocket is asked for by GET and HTTP/1.1")
    version = values(request, "sec-websocket-version")
    if version != ["13"]:
        text = f"Sec-WebSocket-Version must be 13, not {', '.join(version) or 'missing'}"
        raise HttpRefusal(426, text, *UPGRADE, ("Sec-WebSocket-Version", "13"))
    keys = values(request, "sec-websocket-key")
    if len(keys) != 1 or not is_key(keys[0]):
        raise HttpRefusal(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    return keys[0].encode()


def is_key(key: str) -> bool:
    """Tell whether these are 16 bytes in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def check_origin(request: h11.Request, rules: UpgradeRules) -> None:
    """Refuse the pages of foreign sites; programs other than browsers send no Origin."""
    origin, host = ", ".join(values(request, "origin")), authority(request)
    if origin and not origins.may_connect(origin, host, rules.allowed_origins, rules.allowed_hosts):
        raise HttpRefusal(403, origins.advice(origin, host))


def choose_serializer(request: h11.Request, rules: UpgradeRules) -> str:
    """Return the first serializer that the client asks for and we have, perhaps batched."""
    asked = words(request, "sec-websocket-protocol")
    for subprotocol in asked:
        name = subprotocol.removeprefix("wamp.2.")
        if name != subprotocol and batches.split(name)[0] in rules.serializers:
            return name
    came = f"{', '.join(asked)[:200]!r}" if asked else "none"
    raise HttpRefusal(400, f"{offered(rules)} expected, {came} offered")


def offered(rules: UpgradeRules) -> str:
    """Name the subprotocols that are served."""
    return "subprotocol " + " or ".join(f"wamp.2.{name}" for name in rules.serializers)


def path_of(request: h11.Request) -> bytes:
    """Return the path that is asked for, of a target in absolute form too (RFC 9112 3.2.2)."""
    absolute = ABSOLUTE.fullmatch(request.target)
    target: bytes = (absolute[2] or b"/") if absolute else request.target
    return target.split(b"?")[0] or b"/"


def authority(request: h11.Request) -> str:
    """Return the host, and perhaps port, that is asked for: a target in absolute form says it."""
    absolute = ABSOLUTE.fullmatch(request.target)
    return absolute[1].decode("latin-1") if absolute else ", ".join(values(request, "host"))


def values(request: h11.Request, name: str) -> list[str]:
    """Return the values of a header, one for each time it stands there."""
    return [value.decode("latin-1") for key, value in request.headers if key == name.encode()]


def words(request: h11.Request, name: str) -> list[str]:
    """Return the words of a header that holds a list."""
    return [word.strip() for value in values(request, name) for word in value.split(",")]


def has_word(request: h11.Request, name: str, word: str) -> bool:
    """Tell whether a header that holds a list holds this word, in any case."""
    return word in map(str.lower, words(request, name))


def refuse(refusal: HttpRefusal, with_text: bool) -> bytes:
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
    serializers: Iterable[str],
    path: str,
    allowed: Iterable[str],
    hosts: Iterable[str],
    compress: bool,
) -> UpgradeRules:
    """Gather the rules, with names as they are compared."""
    return UpgradeRules(
        tuple(serializers),
        path,
        origins.allowed(allowed),
        frozenset(host.lower().strip("[]") for host in hosts),
        compress,
    )
