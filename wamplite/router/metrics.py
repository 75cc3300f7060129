"""`GET /metrics` on a listener: the figures of the router, in the text format of Prometheus.

Off unless the listener names a realm. Who asks is judged as a session of that realm would be that
comes to this listener and calls `wamplite.router.stats`: by `Authorization: Basic`, whose user and
password are authid and ticket, or anonymous without it, which web pages and who comes through a
proxy that is not trusted are not. So it needs a role that may call it, tickets only pass where they
may, and who guesses is slowed. One answer for each connection: what comes behind it is nobody's.
"""

from __future__ import annotations

from base64 import b64decode
from http import HTTPStatus
from typing import NamedTuple, Protocol

from ..core import uris
from ..core.errors import TransportLost, UsageError
from ..core.handshake import Accepted, Acceptor
from ..core.members import Identity
from ..core.messages import Abort, Authenticate, Challenge, Hello
from ..transports import origins
from ..transports.base import HandshakeRefused
from ..transports.http_server import (
    HttpRefusal,
    HttpRequest,
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
from .listen_urls import serves_http
from .shared import Shared
from .socket_connection import SocketConnection

PATH = b"/metrics"
METHODS = (b"GET ", b"HEAD ")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # by a proxy, from anywhere
HEADERS = (
    ("Content-Type", exposition.CONTENT_TYPE),
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
)
ASK = ("WWW-Authenticate", 'Basic realm="wamplite", charset="UTF-8"')
PROCEDURE = "wamplite.router.stats"
PATIENCE = 5.0  # seconds for the realm to say who may


class Door(Protocol):
    """The listener at which it is."""

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges HELLO over a connection."""


class Readers(NamedTuple):
    """Who may read the metrics of a listener: whose role in a realm may call PROCEDURE."""

    realm: str
    origins: frozenset[str]
    hosts: frozenset[str]

    def check(self, request: HttpRequest, connection: SocketConnection, door: Door) -> None:
        """Raise HttpRefusal unless this request may read them; the connection's own thread."""
        check_host(request)
        check_origin(request, self.origins, self.hosts)
        told = ", ".join(values(request, "authorization"))
        if not told:
            self._check_near(request)
        identity = self._identity(told, connection, door.acceptor(connection))
        if not self._may_call(connection.shared, identity):
            text = f"role {identity.authrole!r} of realm {self.realm} may not call {PROCEDURE}"
            raise HttpRefusal(403, text)

    def _check_near(self, request: HttpRequest) -> None:
        """Refuse who is of this machine only as it seems."""
        host = authority(request)
        if not origins.is_our_name(host, self.hosts):
            raise HttpRefusal(403, f"{host[:100]!r} is no name of this host (--allow-host)")
        if any(values(request, name) for name in FORWARDED):
            raise HttpRefusal(401, "through a proxy nobody is anonymous", ASK)

    def _identity(self, told: str, connection: SocketConnection, acceptor: Acceptor) -> Identity:
        user, password = credentials(told) if told else ("", "")
        method = {"authmethods": ["ticket"], "authid": user} if told else {}
        hello = Hello(self.realm, {"roles": {"caller": {}}, **method})
        outcome = connection.answer(acceptor, hello, hello)
        if isinstance(outcome, Challenge):
            outcome = connection.answer(acceptor, hello, Authenticate(password, {}))
        if isinstance(outcome, Accepted):
            return outcome.identity
        why = outcome.reason if isinstance(outcome, Abort) else uris.AUTHENTICATION_FAILED
        raise HttpRefusal(401, f"{why}: expected Authorization: Basic of a user", ASK)

    def _may_call(self, shared: Shared, identity: Identity) -> bool:
        """Tell whether somebody may call the procedure; asked with the routing role."""
        routing = shared.realms.get(self.realm)
        answers: list[bool] = []

        def ask() -> None:
            assert routing is not None
            judges = routing.realm.may_act
            answers.append(all(may(identity, "call", PROCEDURE) for may in judges))

        if routing is not None:
            routing.run_and_wait(ask, PATIENCE)
        return answers == [True]


def credentials(told: str) -> tuple[str, str]:
    """Return the user and the password of a header (RFC 7617); HttpRefusal where it has none."""
    scheme, _, rest = told.partition(" ")
    try:
        user, colon, password = b64decode(rest.strip(" "), validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if scheme.lower() != "basic" or not colon:
        raise HttpRefusal(401, "expected Authorization: Basic USER:PASSWORD in base64", ASK)
    return user, password


class Metrics:
    """The page of one listener."""

    def __init__(self, shared: Shared, readers: Readers, door: Door) -> None:
        self._shared = shared
        self._readers = readers
        self._door = door

    def take(self, connection: SocketConnection, head: bytes) -> bytes:
        """Answer if the page is asked for, and raise TransportLost; else return what was read.

        In a thread of the connection; `head` is whole.
        """
        words = head.partition(b"\n")[0].split(b" ")
        if is_asking(head) and len(words) > 1 and path_in(words[1]) == PATH:
            self._answer(connection, head)
        return head

    def _answer(self, connection: SocketConnection, head: bytes) -> None:
        stream, with_text = connection.stream, not head.startswith(b"HEAD")
        try:
            request, _ = read_request(stream, head, self._shared.limits.of_http)
            self._readers.check(request, connection, self._door)
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


def checked(url: str, metrics: str, shared: Shared) -> str:
    """Return the realm; UsageError where there is none of that name, or nobody could ask."""
    if not serves_http(url):
        raise UsageError(f"{url} serves no HTTP, so it has no /metrics")
    if metrics not in shared.realms:
        raise UsageError(f"/metrics is for users of a realm, and there is no realm {metrics!r}")
    return metrics
