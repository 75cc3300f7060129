"""Where peers come to: what a listener serves, to whom, and how a connection to it is opened."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Generator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .. import serializers
from ..core.errors import ProtocolError, TransportLost, UsageError
from ..core.handshake import Acceptor, AuthMethod
from ..transports import http_head, origins, rawsocket
from ..transports.base import Transport
from ..transports.socket_stream import SocketStream, name_of
from ..transports.stream import Stream
from ..transports.tcp import keep_alive, tune
from . import listen_urls
from .accepting import Accepting
from .access import Access
from .limits import Limits
from .listen_urls import RAWSOCKET, WEBSOCKET, ListenUrl
from .shared import Shared
from .socket_connection import Opening, SocketConnection
from .waits import BLOCKING, RECEIVE, Wait

if TYPE_CHECKING:
    from ..transports.http_server import HttpRequest
    from .longpoll import Gateway
    from .metrics import Metrics
    from .proxied import Proxies
    from .shown_certificate import ShownCertificate

logger = logging.getLogger("wamplite.router")

POLLING = (b"POST ", b"OPTIONS ")  # the methods of sessions over HTTP requests


def is_whole(head: bytes, most: int) -> bool:
    """Tell whether these first bytes are enough to be answered, by `open` or by a refusal."""
    if head[0] == rawsocket.MAGIC:
        return len(head) >= rawsocket.HANDSHAKE_SIZE
    return http_head.is_whole(head, most)


class CookieSource(Protocol):
    """What sets cookies, and knows those that come back; see auth.cookie."""

    def agree(self, sent: list[str], is_secure: bool) -> tuple[Any, str | None]:
        """Return the cookie of a request, by its Cookie headers, and the Set-Cookie to answer."""


class Settings(NamedTuple):
    """What a listener tells the transports that it opens, and whom it lets in."""

    limits: Limits
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    access: Access = Access()  # how those who come say who they are
    compress: bool = False  # agree to permessage-deflate
    longpoll: bool = False  # serve sessions over HTTP requests
    cookies: CookieSource | None = None  # who comes back by a cookie
    proxies: Proxies | None = None  # whose word is taken for who comes
    metrics: str = ""  # the realm whose users may read /metrics; "": there is none


class Opener:
    """What opens the connections to a place, all alike as long as the settings are these."""

    def __init__(
        self,
        place: ListenUrl,
        settings: Settings,
        hosts: tuple[str, ...],
        available: tuple[str, ...],
    ) -> None:
        self._place, self._settings, self._hosts = place, settings, hosts
        self._common: dict[str, Any] = {
            "serializers": available,
            "max_message_size": settings.limits.max_message_size,
            "first_message_size": settings.limits.max_first_message_size,
        }
        self.rawsocket: Callable[..., Transport] = partial(rawsocket.accept, **self._common)

    @cached_property
    def websocket(self) -> Callable[..., Transport]:
        """What opens a WebSocket."""
        from ..transports import websocket_server  # heavy: with the first WebSocket only

        place, settings = self._place, self._settings
        return partial(
            websocket_server.accept,
            **self._common,
            path=listen_urls.PATH if place.scheme == "unix" else place.path,
            allowed_origins=settings.allowed_origins,
            allowed_hosts=self._hosts,
            compress=settings.compress,
            bounds=settings.limits.of_http,
        )


class Listener:
    """One listening socket."""

    may_share = True

    def __init__(
        self,
        place: ListenUrl,
        settings: Settings,
        certificate: ShownCertificate | None,
        shared: Shared,
    ) -> None:
        self._kinds, secure = listen_urls.SCHEMES[place.scheme]
        if secure and certificate is None:
            raise UsageError(f"{place.scheme}:// promises TLS: give a certificate and its key")
        self.place = place
        self._settings = settings
        self._serializers = serializers.available()
        self._opener = self._new_opener()
        self._open_to_all = settings.access.offered(None)  # where nobody has to say who they are
        self._certificate = certificate if secure else None
        self._shared = shared
        self._gateway = self._make_gateway() if settings.longpoll else None
        self._metrics = self._make_metrics(settings.metrics) if settings.metrics else None
        self._socket = listen_urls.bind(place, settings.limits.socket_buffer)
        self._tune()
        is_unix = place.scheme == "unix"
        self._mine = listen_urls.identity(place.path) if is_unix else None
        self.url = place.url(0 if is_unix else self._socket.getsockname()[1])
        is_plain = self._certificate is None and settings.proxies is None
        self._accepting = Accepting(self._socket, self.url, self._serve, shared, is_plain)

    def start(self) -> None:
        """Begin to accept."""
        self._accepting.start()

    def close(self) -> None:
        """Accept no more; returns when the socket is closed. Nothing if that was done before."""
        if self.place.scheme == "unix":  # while it is served: nobody else takes the name yet
            listen_urls.remove(self.place.path, self._mine)
            self._mine = None
        self._accepting.close()

    def disown(self) -> None:
        """Let the port go in a forked child."""
        self._accepting.disown()
        if self._gateway is not None:
            self._gateway.disown()

    def stream(self, sock: socket.socket, address: Any) -> Stream:
        """Return what reads and writes a socket that was accepted from there."""
        if self._certificate is None:
            kept_alive = self._settings.limits.ping_interval
            return SocketStream(sock, name_of(address), kept_alive)
        from ..transports.tls import TlsStream  # ssl is heavy

        return TlsStream(sock, self._certificate.context(), server_side=True)

    def take_limits(self, limits: Limits) -> None:
        """Have other limits for whoever comes from now on."""
        before, self._settings = self._settings.limits, self._settings._replace(limits=limits)
        self._opener = self._new_opener()
        if limits.socket_buffer != before.socket_buffer and self.place.scheme != "unix":
            listen_urls.limit_tcp(self._socket, limits.socket_buffer)
        if limits.ping_interval != before.ping_interval:
            self._tune()

    def _tune(self) -> None:
        """Set what each connection is to have: they inherit it."""
        tune(self._socket)
        if self._settings.limits.ping_interval:
            keep_alive(self._socket, self._settings.limits.ping_interval)

    def renew(self) -> None:
        """Show the certificate that its files hold now to whoever comes from now on.

        UsageError where they cannot be loaded: that from before is still shown.
        """
        if self._certificate is not None:
            self._certificate.renew()

    def acceptor(self, connection: SocketConnection) -> Acceptor:
        """Return what judges HELLO over a connection of this listener."""
        return Acceptor(
            self._shared.realms,
            self._offered,
            listener=self.url,
            address=connection.address,
            tls=connection.stream.tls,
            ask=self._shared.questions.ask,
            cookie=connection.cookie,
        )

    def _offered(self, realm: str) -> dict[str, AuthMethod]:
        routing = self._shared.realms.get(realm)
        if routing is None:
            return {}
        methods, access = routing.authmethods, self._settings.access
        if methods is None and access.own is None:
            return self._open_to_all
        return access.offered(methods)

    def open(self, connection: SocketConnection) -> Opening:
        """Bring a new connection to where messages can be read."""
        stream, proxies = connection.stream, self._settings.proxies
        if proxies is not None:
            yield BLOCKING
            proxies.introduce(connection)
            yield RECEIVE
        stream.handshake()
        head = yield from self._first_words(stream)
        if head[0] == rawsocket.MAGIC:
            if proxies is not None:
                proxies.settle(connection, head)
            return self._open(RAWSOCKET, connection, head)
        if self._needs_thread:
            yield BLOCKING
        if self._metrics is not None:
            head = self._metrics.take(connection, head)
        if self._gateway is not None and head.startswith(POLLING):
            self._gateway.serve(connection, head)
            raise TransportLost(f"{stream.peer}: the last request over HTTP was answered")
        return self._open(WEBSOCKET, connection, head)

    def _first_words(self, stream: Stream) -> Generator[Wait, None, bytes]:
        """Return the whole handshake of a RawSocket or head of a request, or what is neither."""
        head, most = b"", self._settings.limits.max_http_request
        while more := stream.recv():
            head += more
            if is_whole(head, most):
                return head
            yield RECEIVE
        if head:
            raise stream.ended()
        raise TransportLost(f"{stream.peer}: closed before it said anything")

    @property
    def _needs_thread(self) -> bool:
        """Tell whether to answer a request may take a while."""
        return (
            self._metrics is not None
            or self._gateway is not None
            or self._settings.proxies is not None
            or "simple_websocket" not in sys.modules  # its import takes a tenth of a second
        )

    def _make_gateway(self) -> Gateway | None:
        """Return what serves sessions over HTTP requests, where HTTP is served."""
        if WEBSOCKET not in self._kinds:
            return None
        from .longpoll import Gateway, Pages  # few want it

        gateway = Gateway(self, self._shared, self._serializers, Pages(*self._pages()))
        self._shared.at_the_end.append(gateway.close)
        return gateway

    def _make_metrics(self, realm: str) -> Metrics:
        from .metrics import Metrics, Readers  # few want them

        return Metrics(self._shared, Readers(realm, *self._pages()), self)

    def _pages(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return which web pages may use what is here, and the names of this host."""
        allowed = origins.allowed(self._settings.allowed_origins)
        return allowed, origins.hosts_in_lower_case(self._hosts())

    def _hosts(self) -> tuple[str, ...]:
        return (*self._settings.allowed_hosts, self.place.host)

    def _new_opener(self) -> Opener:
        return Opener(self.place, self._settings, self._hosts(), self._serializers)

    def _open(self, kind: str, connection: SocketConnection, head: bytes) -> Transport:
        stream, settings = connection.stream, self._settings
        if kind not in self._kinds:
            stream.finish()
            raise ProtocolError(f"{stream.peer}: speaks {kind}, which {self.url} does not serve")
        if kind == RAWSOCKET:
            return self._opener.rawsocket(stream, head)
        if settings.cookies is None and settings.proxies is None:
            return self._opener.websocket(stream, head)
        return self._opener.websocket(
            stream,
            head,
            set_cookie=self._set_cookie(connection),
            meet=settings.proxies and partial(settings.proxies.meet, connection),
        )

    def asking(self, connection: SocketConnection, request: HttpRequest) -> tuple[str | None, str]:
        """Return address and name of who asks by HTTP; HttpRefusal where that is unclear."""
        proxies = self._settings.proxies
        if proxies is None:
            return connection.address, connection.name
        return proxies.asking(connection, request)

    def _set_cookie(self, connection: SocketConnection) -> Callable[[list[str]], str | None] | None:
        """Return what notes the cookie of a connection, and sets one, where cookies count."""
        cookies = self._settings.cookies
        if cookies is None:
            return None

        def set_cookie(sent: list[str]) -> str | None:
            connection.cookie, fresh = cookies.agree(sent, self._certificate is not None)
            return fresh

        return set_cookie

    def _serve(self, sock: socket.socket, address: Any) -> None:
        host = ""
        if self.place.scheme == "unix":
            listen_urls.limit_unix(sock, self._settings.limits.socket_buffer)
        else:
            host = address[0]
        connection = SocketConnection(self._shared, self.stream(sock, address), self, host)
        if self._settings.proxies is not None:
            self._settings.proxies.notice(connection)
        self._shared.admit(connection)
