"""WAMP over HTTP long-poll: whoever can POST can take part (RFC "HTTP Longpoll Transport").

    POST /lp/open        {"protocols": ["wamp.2.json"]}: 200 {"protocol": ..., "transport": ID}
    POST /lp/ID/send     a message, or a batch: 202
    POST /lp/ID/receive  200 with the next message, or a batch; 204 where none came in HOLD seconds
    POST /lp/ID/close    202

    HTTP, in the thread of its connection ══ a socket pair ══ the session, in a thread of its own

The text calls 202 "no content", which is 204, and that is what autobahn-js waits for: web pages get
204. A session for whose messages nobody asks ends as one does that answers no ping.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from .. import serializers
from ..core.errors import ProtocolError
from ..core.handshake import Acceptor
from ..core.words import shorten
from ..locks import Lock
from ..transports import batches
from ..transports.base import MOST
from ..transports.http_exchange import Exchange
from ..transports.http_server import LONGPOLL as BASE
from ..transports.http_server import HttpRefusal, HttpRequest, check_host, check_origin, path_of
from ..transports.rawsocket import RawSocket
from ..transports.socket_stream import SocketStream
from .listen_urls import limit_unix
from .polled_session import PolledSession, SessionOver
from .refusals import reason
from .shared import Shared
from .socket_connection import Opening, SocketConnection

logger = logging.getLogger("wamplite.router")

HOLD = 10.0  # seconds that a request waits for a message; autobahn-js gives up after 12
LOOK = 60.0  # seconds between two looks at most: the time for it may be set anew
LONGEST_IDLE = 600.0  # seconds until a session ends that nobody asks, where nobody is pinged
LONGEST_OPEN = 4096  # bytes of the body that opens a session
HERE = f"This is wamplite, a WAMP router: POST {BASE}/open, and receive, send, close."
OVER = "There is no such session: it has ended, or never was."
JSON = "application/json"
TYPES = {
    "json": ("Content-Type", JSON),
    "msgpack": ("Content-Type", "application/msgpack"),
    "cbor": ("Content-Type", "application/cbor"),
}
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "Content-Type"),
    ("Access-Control-Max-Age", "7200"),
)
Headers = tuple[tuple[str, str], ...]


class Entrance(Protocol):
    """The listener whose gateway it is."""

    url: str

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges HELLO over a connection."""

    def asking(self, connection: SocketConnection, request: HttpRequest) -> tuple[str | None, str]:
        """Return address and name of who asks."""


class Pages(NamedTuple):
    """Which web pages may use it, see transports.origins."""

    origins: frozenset[str]
    hosts: frozenset[str]


class NearEnd(SocketStream):
    """The end that the session's connection has. `tls`: what protects HTTP."""

    __slots__ = ("tls",)

    def __init__(self, sock: socket.socket, peer: str, tls: Any) -> None:
        super().__init__(sock, peer)
        self.tls = tls

    def linger(self, seconds: float) -> None:
        """Wait only for what is left: what was written stays for who asks for it."""
        if self.left:
            super().linger(seconds)


class Polling:
    """What a session's connection knows of where it comes from."""

    may_share = False

    def __init__(self, entrance: Entrance, serializer: str, limit: int) -> None:
        self.url = f"{entrance.url}{BASE}"  # what HTTP carries is counted at the listener's own
        self.acceptor = entrance.acceptor
        self._serializer = serializer
        self._limit = limit

    def open(self, connection: SocketConnection) -> Opening:
        """Return the transport; nobody has to shake hands."""
        yield from ()
        stream = connection.stream
        transport = RawSocket(stream, self._serializer, max_send=MOST, limit=self._limit)
        transport.framing = "longpoll"
        return transport


class Posted(NamedTuple):
    """A request that is answered. `headers` let a web page of another origin read the answer."""

    connection: SocketConnection
    exchange: Exchange
    body: bytes
    is_page: bool
    headers: Headers

    def answer(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> bool:
        """Answer; False if no other request will come."""
        return self.exchange.answer(status, body, [*headers, *self.headers])

    def done(self) -> bool:
        """Answer that it was done."""
        return self.answer(HTTPStatus.NO_CONTENT if self.is_page else HTTPStatus.ACCEPTED)


class Gateway:
    """The sessions that came by HTTP to one listener."""

    def __init__(
        self, entrance: Entrance, shared: Shared, serializers: Iterable[str], pages: Pages
    ) -> None:
        self._entrance = entrance
        self._shared = shared
        self._serializers = tuple(serializers)
        self._pages = pages
        self._lock = Lock()  # guards the next three
        self._sessions: dict[str, PolledSession] = {}
        self._looks: dict[str, Callable[[], None]] = {}  # cancel when it is looked at next
        self._closed = False

    @property
    def _idle(self) -> float:
        """For how many seconds nobody need ask for the messages of a session."""
        return 2 * self._shared.limits.ping_interval or LONGEST_IDLE

    # The thread of an HTTP connection

    def serve(self, connection: SocketConnection, head: bytes) -> None:
        """Answer requests until their client, or the router, ends it."""
        limits = self._shared.limits
        exchange = Exchange(connection.stream, head, limits.of_http)
        seconds, longest = limits.handshake_timeout, limits.max_message_size
        goes_on = True
        while goes_on and connection.waits_for_request(2 * seconds):
            cross: Headers = ()
            try:
                came = exchange.next(seconds, longest, connection.note_request)
                if came is None:
                    return
                origin = check_origin(came[0], *self._pages)
                cross = allowing(origin) if origin else ()
                posted = Posted(connection, exchange, came[1], bool(origin), cross)
                goes_on = self._handle(came[0], posted)
            except HttpRefusal as refusal:
                self._tell(connection, refusal)
                goes_on = exchange.refuse(refusal, cross)
            connection.note_request(0)

    def _handle(self, request: HttpRequest, posted: Posted) -> bool:
        """Do what is asked for; False if no other request will come."""
        check_host(request)
        path = path_of(request).decode("latin-1")
        if request.method == b"OPTIONS" and posted.is_page:
            return posted.answer(HTTPStatus.NO_CONTENT, b"", *PREFLIGHT)
        if request.method != b"POST":
            raise HttpRefusal(405, HERE, ("Allow", "POST"))
        if path == f"{BASE}/open":
            return self._open(request, posted)
        base, _, place = path.rpartition(f"{BASE}/")
        name, _, verb = place.partition("/")
        handle = VERBS.get(verb)
        if base or handle is None:
            raise HttpRefusal(404, HERE)
        session = self._sessions.get(name)
        if session is None:
            raise HttpRefusal(404, OVER)
        posted.connection.handles_request(HOLD + self._shared.limits.write_timeout)
        try:
            return handle(self, session, posted)
        except SessionOver:
            self._end(name)
            raise HttpRefusal(404, OVER) from None
        except ProtocolError as error:
            raise HttpRefusal(400, str(error)) from None

    def _open(self, request: HttpRequest, posted: Posted) -> bool:
        subprotocol = chosen(posted.body, self._serializers)
        connection, limits = posted.connection, self._shared.limits
        address, client = self._entrance.asking(connection, request)
        near, far = socket.socketpair()
        for end in (near, far):
            limit_unix(end, limits.socket_buffer)
        stream = NearEnd(near, f"{client} by HTTP", connection.stream.tls)
        session = PolledSession(far, subprotocol, limits.write_timeout)
        polling = Polling(self._entrance, session.serializer, limits.max_first_message_size)
        name = os.urandom(16).hex()
        refusal = self._keep(name, session)
        if refusal is None:
            inner = SocketConnection(self._shared, stream, polling, address)
            inner.is_proxied = connection.is_proxied and address == connection.address
            refusal = self._shared.enter(inner)
        if refusal is not None:
            self._end(name)
            stream.close()
            raise HttpRefusal(503, reason(refusal), ("Retry-After", "5"))
        connection.handles_request(limits.write_timeout)
        opened = {"protocol": f"wamp.2.{subprotocol}", "transport": name}
        return posted.answer(HTTPStatus.OK, json.dumps(opened).encode(), ("Content-Type", JSON))

    def _send(self, session: PolledSession, posted: Posted) -> bool:
        session.send(posted.body)
        return posted.done()

    def _receive(self, session: PolledSession, posted: Posted) -> bool:
        goes_on = False

        def hand_over(body: bytes | None) -> None:
            nonlocal goes_on
            if body is None:
                goes_on = posted.answer(HTTPStatus.NO_CONTENT)
            else:
                goes_on = posted.answer(HTTPStatus.OK, body, TYPES[session.serializer])

        connection = posted.connection
        session.receive(connection, connection.stream.fileno(), HOLD, hand_over)
        return goes_on

    def _close(self, session: PolledSession, posted: Posted) -> bool:
        session.end()
        return posted.done()

    def _tell(self, connection: SocketConnection, refusal: HttpRefusal) -> None:
        text = shorten(f"{connection.name} was answered with HTTP {refusal}")
        if refusal.status is HTTPStatus.NOT_FOUND:  # its session has ended, as sessions do
            logger.debug("%s", text)
        else:
            self._shared.refusals.warn(f"http_{refusal.status.value}", text)

    # Any thread

    def close(self) -> None:
        """End all sessions."""
        with self._lock:
            self._closed = True
            names = list(self._sessions)
        for name in names:
            self._end(name)

    def disown(self) -> None:
        """Close what a forked child has; the lock may be held there for ever."""
        for session in list(self._sessions.values()):
            session.disown()

    def _keep(self, name: str, session: PolledSession) -> str | None:
        """Keep a session; where the router has ended, return why not."""
        with self._lock:
            if self._closed:
                return "connections_refused_at_the_end"
            self._sessions[name] = session
            self._looks[name] = self._shared.housekeeper.later(
                min(LOOK, self._idle), partial(self._look, name)
            )
        return None

    def _look(self, name: str) -> None:
        """End a session if nobody has asked for its messages; else look again (housekeeper)."""
        session = self._sessions.get(name)
        if session is None:
            return
        rest = self._idle - session.idle()
        if rest <= 0:
            self._shared.count("sessions_not_polled")
            return self._end(name)
        with self._lock:
            if name in self._sessions:
                self._looks[name] = self._shared.housekeeper.later(
                    min(LOOK, rest), partial(self._look, name)
                )

    def _end(self, name: str) -> None:
        with self._lock:
            session, cancel = self._sessions.pop(name, None), self._looks.pop(name, None)
        if cancel is not None:
            cancel()
        if session is not None:
            session.end()


def chosen(body: bytes, names: Sequence[str]) -> str:
    """Return the first subprotocol that a body asks for and that is of one of these serializers."""
    try:
        asked = serializers.get("json").loads(body) if len(body) <= LONGEST_OPEN else None
    except ProtocolError:
        asked = None
    protocols = asked.get("protocols") if type(asked) is dict else None
    found = batches.choose(protocols, names) if type(protocols) is list else None
    if found is not None:
        return found
    there = ", ".join(f"wamp.2.{name}" for name in names)
    raise HttpRefusal(400, f'expected {{"protocols": [...]}} with one of {there}')


def allowing(origin: str) -> Headers:
    """Return the headers that let a page of this origin read what it is answered."""
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    )


VERBS: dict[str, Callable[[Gateway, PolledSession, Posted], bool]] = {
    "send": Gateway._send,
    "receive": Gateway._receive,
    "close": Gateway._close,
}
