"""A listening socket: what it binds to, and how a connection to it is opened.

tcp://HOST:PORT    WebSocket and RawSocket on one port, told apart by the first byte
tls://HOST:PORT    the same, within TLS
ws wss rs rss      one of the two
unix:///PATH       both, over a Unix socket
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from .. import serializers
from ..core.errors import ProtocolError, TransportLost, UsageError
from ..transports import rawsocket
from ..transports.base import Transport
from ..transports.stream import Stream, tune
from .limits import Limits

if TYPE_CHECKING:
    import ssl

logger = logging.getLogger("wamplite.router")

BACKLOG = 512
PAUSE = 0.05  # seconds, when accept fails: the file limit is reached
RAWSOCKET, WEBSOCKET = "RawSocket", "WebSocket"
SCHEMES = {  # -> (what it serves, whether within TLS)
    "tcp": ({RAWSOCKET, WEBSOCKET}, False),
    "tls": ({RAWSOCKET, WEBSOCKET}, True),
    "rs": ({RAWSOCKET}, False),
    "rss": ({RAWSOCKET}, True),
    "ws": ({WEBSOCKET}, False),
    "wss": ({WEBSOCKET}, True),
    "unix": ({RAWSOCKET, WEBSOCKET}, False),
}


class Place(NamedTuple):
    """Where to listen, as a URL says it."""

    scheme: str
    host: str  # "" for a Unix socket
    port: int
    path: str  # of the Unix socket, or of the WebSocket

    @property
    def is_local(self) -> bool:
        """Tell whether only this machine can connect."""
        if self.scheme == "unix" or self.host == "localhost":
            return True
        return self.host == "::1" or self.host.startswith("127.")


def parse(url: str) -> Place:
    """Read a listener's URL; UsageError says what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise UsageError(
            f"cannot listen on {url!r}: the scheme must be one of {', '.join(SCHEMES)}"
        )
    if parts.scheme == "unix":
        if not parts.path or parts.netloc:
            raise UsageError(f"cannot listen on {url!r}: expected unix:///PATH")
        return Place("unix", "", 0, parts.path)
    try:
        port = parts.port
    except ValueError as exc:
        raise UsageError(f"cannot listen on {url!r}: {exc}") from exc
    if not parts.hostname or port is None:
        raise UsageError(f"cannot listen on {url!r}: expected {parts.scheme}://HOST:PORT")
    return Place(parts.scheme, parts.hostname, port, parts.path if parts.path != "/" else "")


class Settings(NamedTuple):
    """What a listener tells the transports that it opens."""

    limits: Limits
    allowed_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()


class Listener:
    """One listening socket and its accepting thread."""

    def __init__(
        self,
        place: Place,
        settings: Settings,
        context: ssl.SSLContext | None,
        on_accept: Callable[[Listener, socket.socket, str], None],
    ) -> None:
        self._kinds, secure = SCHEMES[place.scheme]
        if secure and context is None:
            raise UsageError(f"{place.scheme}:// promises TLS: give a certificate and its key")
        self.place = place
        self._settings = settings
        self._context = context if secure else None
        self._on_accept = on_accept
        self._serializers = serializers.available()
        self._socket = _bind_unix(place.path) if place.scheme == "unix" else _bind_tcp(place)
        self._closing = False
        self._thread = threading.Thread(
            target=self._accept, name=f"wamplite-accept-{self.url}", daemon=True
        )

    @property
    def url(self) -> str:
        """The URL a client connects to, with the real port."""
        place = self.place
        if place.scheme == "unix":
            return f"unix://{place.path}"
        host = f"[{place.host}]" if ":" in place.host else place.host
        return f"{place.scheme}://{host}:{self._socket.getsockname()[1]}{place.path}"

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def close(self) -> None:
        """Accept no more; returns when the socket is closed."""
        self._closing = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        except OSError as error:
            logger.debug("%s: %s", self.url, error)
        self._thread.join()
        self._socket.close()
        if self.place.scheme == "unix":
            _unlink(self.place.path)

    def stream(self, sock: socket.socket) -> Stream:
        """Return what reads and writes a socket that was accepted."""
        if self._context is None:
            return Stream(sock)
        from ..transports.tls import TlsStream  # ssl is heavy

        return TlsStream(sock, self._context, server_side=True)

    def open(self, stream: Stream) -> Transport:
        """Bring a new connection to where messages can be read; in the connection's own thread."""
        stream.handshake()
        head = stream.recv()
        if not head:
            raise TransportLost(f"{stream.peer}: closed before it said anything")
        if head[0] == rawsocket.MAGIC:
            return self._open(RAWSOCKET, stream, head)
        return self._open(WEBSOCKET, stream, head)

    def _open(self, kind: str, stream: Stream, head: bytes) -> Transport:
        limits = self._settings.limits
        if kind not in self._kinds:
            stream.finish()
            raise ProtocolError(f"{stream.peer}: speaks {kind}, which {self.url} does not serve")
        if kind == RAWSOCKET:
            return rawsocket.accept(
                stream,
                head,
                serializers=self._serializers,
                max_message_size=limits.max_message_size,
                first_message_size=limits.max_first_message_size,
            )
        from ..transports import websocket_server  # heavy: with the first WebSocket only

        return websocket_server.accept(
            stream,
            head,
            serializers=self._serializers,
            max_message_size=limits.max_message_size,
            path=self.place.path if self.place.scheme in ("ws", "wss") else "/ws",
            allowed_origins=self._settings.allowed_origins,
            allowed_hosts=(*self._settings.allowed_hosts, self.place.host),
        )

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, address = self._socket.accept()
            except OSError as error:
                if not self._closing and error.errno != errno.ECONNABORTED:
                    logger.warning("%s: accept failed: %s", self.url, error)
                    time.sleep(PAUSE)
                continue
            try:
                tune(sock)
            except OSError:
                sock.close()  # it has gone already
                continue
            self._on_accept(self, sock, address[0] if isinstance(address, tuple) else "")


def _bind_tcp(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        return socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as exc:
        raise UsageError(f"cannot listen on {place.host} port {place.port}: {exc}") from exc


def _bind_unix(path: str) -> socket.socket:
    """Bind a Unix socket, in the place of one that nobody serves any more."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_stale(path):
            _unlink(path)
        sock.bind(path)
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        raise UsageError(f"cannot listen on unix://{path}: {exc}") from exc
    return sock


def _is_stale(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == errno.ECONNREFUSED


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        logger.debug("unix://%s: somebody else has removed it", path)
