"""`GET /metrics` on a listener: the figures of the router, in the text format of Prometheus.

Off unless the listener was told otherwise. On loopback and Unix sockets whoever may connect may
read them, but for web pages: Origin must be ours and Host a name of this machine (DNS rebinding).
Elsewhere a token is needed, `Authorization: Bearer TOKEN`, and TLS, or everybody on the way would
read it. One answer for each connection: what comes behind it belongs to nobody.
"""

from __future__ import annotations

import hmac
import re
from http import HTTPStatus
from typing import NamedTuple

from ..core.errors import TransportLost, UsageError
from ..transports import origins
from ..transports.base import HandshakeRefused
from ..transports.http_server import (
    LARGEST_REQUEST,
    HttpRefusal,
    Request,
    authority,
    check_host,
    check_origin,
    path_in,
    read_request,
    refuse,
    render,
    values,
)
from . import exposition, statistics
from .listen_urls import is_secure, parse, serves_http
from .shared import Shared
from .socket_connection import SocketConnection

PATH = b"/metrics"
METHODS = (b"GET ", b"HEAD ")
SHORTEST = 16  # characters of a token: nobody keeps count of wrong ones
TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{{SHORTEST},}}")  # RFC 6750, 2.1: b64token
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # by a proxy, from anywhere
HEADERS = (
    ("Content-Type", exposition.CONTENT_TYPE),
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
)
ASK = ("WWW-Authenticate", 'Bearer realm="wamplite"')


class Readers(NamedTuple):
    """Who may read the metrics of a listener. token: "" where none is needed."""

    token: str
    origins: frozenset[str]
    hosts: frozenset[str]

    def check(self, request: Request, is_near: bool) -> None:
        """Raise HttpRefusal unless this request, of this machine or not, may read them."""
        check_host(request)
        check_origin(request, self.origins, self.hosts)
        if self.token:
            scheme, _, told = ", ".join(values(request, "authorization")).partition(" ")
            right = hmac.compare_digest(told.strip().encode(), self.token.encode())
            if scheme.lower() != "bearer" or not right:
                raise HttpRefusal(401, "expected Authorization: Bearer TOKEN", ASK)
            return
        host = authority(request)
        if not origins.is_our_name(host, self.hosts):
            raise HttpRefusal(403, f"{host[:100]!r} is no name of this host (--allow-host)")
        if not is_near or any(values(request, name) for name in FORWARDED):
            raise HttpRefusal(403, "without a token it is told to this machine alone")


class Metrics:
    """The page of one listener."""

    def __init__(self, shared: Shared, readers: Readers) -> None:
        self._shared = shared
        self._readers = readers

    def take(self, connection: SocketConnection, head: bytes) -> bytes:
        """Answer if the page is asked for, and raise TransportLost; else return what was read.

        In the thread of the connection, which has read `head`.
        """
        while is_asking(head) and b"\n" not in head and len(head) < LARGEST_REQUEST:
            more = connection.stream.recv()
            if not more:
                break
            head += more
        words = head.partition(b"\n")[0].split(b" ")
        if is_asking(head) and len(words) > 1 and path_in(words[1]) == PATH:
            self._answer(connection, head)
        return head

    def _answer(self, connection: SocketConnection, head: bytes) -> None:
        stream, with_text = connection.stream, not head.startswith(b"HEAD")
        try:
            request, _ = read_request(stream, head)
            self._readers.check(request, connection.is_near)
        except HttpRefusal as refusal:
            stream.write([refuse(refusal, with_text)])
            stream.finish()
            text = f"{stream.peer} may not read /metrics: HTTP {refusal}"
            raise HandshakeRefused(text, f"metrics_{refusal.status.value}") from None
        body = exposition.render(statistics.stats(self._shared)).encode()
        head = render(HTTPStatus.OK, *HEADERS, ("Content-Length", str(len(body))))
        stream.write([head + body if with_text else head])
        stream.finish()
        raise TransportLost(f"{stream.peer}: /metrics was answered")


def is_asking(head: bytes) -> bool:
    """Tell whether these may be the first bytes of a request that asks for a page."""
    return any(head.startswith(method) or method.startswith(head) for method in METHODS)


def checked(url: str, metrics: str | bool) -> str:
    """Return the token, "" where none is needed; UsageError where that would not be safe."""
    if not serves_http(url):
        raise UsageError(f"{url} serves no HTTP, so it has no /metrics")
    place = parse(url)
    where = f"{place.scheme}://{place.host}"
    if metrics is True:
        if not place.is_local:
            raise UsageError(
                f"{where} can be reached from the network, so /metrics needs a token there:"
                " listen(url, metrics=TOKEN), which is --metrics-token FILE of the command line"
            )
        return ""
    if not isinstance(metrics, str) or not TOKEN.fullmatch(metrics):
        raise UsageError(
            f"the token for /metrics must be {SHORTEST} or more of A-Z a-z 0-9 . _ ~ + / = -"
        )
    if not (place.is_local or is_secure(url)):
        raise UsageError(
            f"{where} is without TLS, and who is on the way could read the token for /metrics:"
            " listen within TLS, or on 127.0.0.1 besides"
        )
    return metrics
