"""The HTTP request that asks for a WebSocket: RFC 6455 section 4.2 judges it.

A program asks each time alike, but for its key: what such a request becomes is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from wsproto.utilities import generate_accept_token

from . import batches, origins
from .base import USUAL, HandshakeRefused, HttpBounds
from .http_server import (
    LONGPOLL,
    HttpRefusal,
    HttpRequest,
    check_host,
    check_origin,
    has_word,
    lines_of,
    path_of,
    read_request,
    refuse,
    render,
    usual,
    values,
    words,
)
from .stream import Stream

if TYPE_CHECKING:
    from .deflate import Deflate

# Is handed the Cookie headers of a request, returns the Set-Cookie of its answer, where it has one.
SetCookie = Callable[[list[str]], "str | None"]
# Is handed a request that came, to find out who asks; may raise HttpRefusal.
Meet = Callable[[HttpRequest], None]
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_KEY_LINE = re.compile(rb"\r\nSec-WebSocket-Key: ([A-Za-z0-9+/]{22}==)\r\n")  # of most
_SOME_KEY = b"A" * 22 + b"=="  # stands for any
LONGEST = 1024  # bytes of a request that is remembered
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
_AGREED = render(HTTPStatus.SWITCHING_PROTOCOLS, *UPGRADE).removesuffix(b"\r\n")


class UpgradeRules(NamedTuple):
    """What a listener serves, and whom: names in lower case."""

    serializers: tuple[str, ...]
    path: str = "/ws"
    allowed_origins: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    compress: bool = False
    set_cookie: SetCookie | None = None
    meet: Meet | None = None
    bounds: HttpBounds = USUAL


class Agreement(NamedTuple):
    """What a client and we agreed on."""

    subprotocol: str  # behind wamp.2., like json.batched
    deflate: Deflate | None = None


def open_handshake(stream: Stream, head: bytes, rules: UpgradeRules) -> tuple[Agreement, bytes]:
    """Answer the request; return what was agreed on, and the bytes that came behind it.

    Raises HandshakeRefused when it was anything but a request for a WebSocket that we serve.
    """
    known = _known(head, rules)
    if known is not None:
        agreement, answer = known
        stream.write([answer])
        return agreement, b""
    method = b"GET"
    try:
        request, rest = read_request(stream, head, rules.bounds)
        method = request.method
        if rules.meet is not None:
            rules.meet(request)
        agreement, key, lines = judge(request, rules)
    except HttpRefusal as refusal:
        stream.write([refuse(refusal, with_text=method != b"HEAD")])
        stream.finish()
        text = f"{stream.peer} was answered with HTTP {refusal}"
        raise HandshakeRefused(text, f"http_{refusal.status.value}") from None
    stream.write([agree(key, lines)])
    return agreement, rest


def _known(head: bytes, rules: UpgradeRules) -> tuple[Agreement, bytes] | None:
    """Return what `judge` makes of a request as somebody sent it before, and the answer.

    None: it must be read as a whole, for it is spelt otherwise, long, no more than the beginning,
    or refused; or what becomes of it is not the same each time.
    """
    match = _KEY_LINE.search(head)
    own = rules.meet is not None or rules.set_cookie is not None or rules.compress
    if match is None or own or len(head) > LONGEST:
        return None
    start, end = match.span(1)
    alike = _judged(head[:start] + _SOME_KEY + head[end:], rules, origins.our_name())
    return alike and (alike[0], agree(match[1], alike[1]))


@lru_cache(maxsize=64)
def _judged(head: bytes, rules: UpgradeRules, our_name: str) -> tuple[Agreement, bytes] | None:
    """Return what is agreed on, and the lines of the answer; None: see `_known`.

    our_name: `judge` asks for it where a page comes, and it may change.
    """
    try:
        found = usual(head, rules.bounds)
        if found is None or found[1]:
            return None
        agreement, _, lines = judge(found[0], rules)
    except HttpRefusal:
        return None
    return agreement, lines


def judge(request: HttpRequest, rules: UpgradeRules) -> tuple[Agreement, bytes, bytes]:
    """Return what is agreed on, the key, and lines of the answer; or raise HttpRefusal."""
    check_resource(request, rules)
    check_host(request)
    check_body(request)
    key = check_version(request)
    check_origin(request, rules.allowed_origins, rules.allowed_hosts)
    serializer = choose_serializer(request, rules)
    headers = [("Sec-WebSocket-Protocol", f"wamp.2.{serializer}")]
    deflate = None
    if rules.compress:
        from .deflate import choose  # few ask for it

        chosen = choose(values(request, "sec-websocket-extensions"))
        if chosen is not None:
            deflate, answer = chosen
            headers.append(("Sec-WebSocket-Extensions", answer))
    if rules.set_cookie is not None and (fresh := rules.set_cookie(values(request, "cookie"))):
        headers.append(("Set-Cookie", fresh))
    return Agreement(serializer, deflate), key, lines_of(*headers)


def agree(key: bytes, lines: bytes) -> bytes:
    """Return the answer that opens the WebSocket, with further lines."""
    accept = generate_accept_token(key)
    return b"%bSec-WebSocket-Accept: %b\r\n%b\r\n" % (_AGREED, accept, lines)


def check_resource(request: HttpRequest, rules: UpgradeRules) -> None:
    """Serve one path, to those who ask for a WebSocket there."""
    path = path_of(request)
    if request.method not in (b"GET", b"HEAD"):
        what = served(rules)
        if path.startswith(f"{LONGPOLL}/".encode()):
            what += " Sessions over HTTP requests need --longpoll, in Python longpoll=True."
        raise HttpRefusal(405, what, ("Allow", "GET, HEAD"))
    wants_upgrade = has_word(request, "upgrade", "websocket")
    if path != rules.path.encode():
        status = 200 if path == b"/" and not wants_upgrade else 404
        raise HttpRefusal(status, served(rules))
    if not wants_upgrade or not has_word(request, "connection", "upgrade"):
        raise HttpRefusal(426, served(rules), *UPGRADE)


def served(rules: UpgradeRules) -> str:
    """Say what is here."""
    return f"This is wamplite, a WAMP router: WebSocket at {rules.path}, {offered(rules)}."


def check_body(request: HttpRequest) -> None:
    """Refuse a body, which a proxy and we might see end at different places."""
    length = values(request, "content-length")
    if values(request, "transfer-encoding") or any(set(size) != {"0"} for size in length):
        raise HttpRefusal(400, "a request for a WebSocket has no body: no Content-Length above 0")


def check_version(request: HttpRequest) -> bytes:
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
    return _KEY.fullmatch(key) is not None


def choose_serializer(request: HttpRequest, rules: UpgradeRules) -> str:
    """Return the first serializer that the client asks for and we have, perhaps batched."""
    asked = words(request, "sec-websocket-protocol")
    chosen = batches.choose(asked, rules.serializers)
    if chosen is not None:
        return chosen
    came = f"{', '.join(asked)[:200]!r}" if asked else "none"
    raise HttpRefusal(400, f"{offered(rules)} expected, {came} offered")


def offered(rules: UpgradeRules) -> str:
    """Name the subprotocols that are served."""
    return "subprotocol " + " or ".join(f"wamp.2.{name}" for name in rules.serializers)


@lru_cache(maxsize=64)  # of so many listeners; what is a connection's own is added to it
def rules(
    serializers: tuple[str, ...],
    path: str,
    allowed: tuple[str, ...],
    hosts: tuple[str, ...],
    compress: bool,
    bounds: HttpBounds,
) -> UpgradeRules:
    """Gather the rules, with names as they are compared."""
    names = origins.hosts_in_lower_case(hosts)
    return UpgradeRules(serializers, path, origins.allowed(allowed), names, compress, bounds=bounds)
