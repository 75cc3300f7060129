"""Where a router listens, as a URL says it, and the socket that is bound there.

tcp://HOST:PORT    WebSocket (at /ws) and RawSocket on one port, told apart by the first byte
tls://HOST:PORT    the same, within TLS
ws wss rs rss      one of the two; ws://HOST:PORT/PATH chooses the WebSocket's path
unix:///PATH       both, over a Unix socket
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..core.errors import UsageError
from ..file_errors import why

logger = logging.getLogger("wamplite.router")

BACKLOG = 512
PROBE = 1.0  # seconds to find out whether somebody serves a Unix socket
SO_BUF_LOCK = 72  # socket(7); 0: the kernel chooses again
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
PATH = "/ws"


def serves_http(url: str) -> bool:
    """Tell whether a listener with this URL answers HTTP requests."""
    return WEBSOCKET in _scheme(url)[0]


def is_secure(url: str) -> bool:
    """Tell whether a listener with this URL is within TLS."""
    return _scheme(url)[1]


def _scheme(url: str) -> tuple[set[str], bool]:
    return SCHEMES.get(url.partition(":")[0], (set(), False))


class ListenUrl(NamedTuple):
    """Where to listen."""

    scheme: str
    host: str  # "" for a Unix socket
    port: int
    path: str  # of the Unix socket, or of the WebSocket

    @property
    def is_local(self) -> bool:
        """Tell whether only this machine can connect."""
        if self.scheme == "unix" or self.host == "localhost":
            return True
        try:
            return socket.inet_pton(socket.AF_INET, self.host)[0] == 127
        except (OSError, UnicodeError):  # a name, whatever it begins with, or IPv6
            return self.host == "::1"

    def url(self, port: int) -> str:
        """Return the URL with the port that is really listened on."""
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = self.path if self.scheme in ("ws", "wss") else ""
        return f"{self.scheme}://{host}:{port}{path}"


def parse(url: str) -> ListenUrl:
    """Read a listener's URL; UsageError says what is wrong with it."""
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise UsageError(f"cannot listen on {url!r}: {exc}") from exc
    if parts.scheme not in SCHEMES:
        raise UsageError(
            f"cannot listen on {url!r}: the scheme must be one of {', '.join(SCHEMES)}, serial,"
            " like tcp://127.0.0.1:8080"
        )
    if parts.query or parts.fragment or parts.username is not None:
        raise UsageError(f"cannot listen on {url!r}: it may have no user, query or fragment")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            raise UsageError(f"cannot listen on {url!r}: expected unix:///PATH")
        return ListenUrl("unix", "", 0, parts.path)
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"cannot listen on {url!r}: PORT must be from 0 to 65535") from None
    if not parts.hostname or port is None:
        raise UsageError(f"cannot listen on {url!r}: expected {parts.scheme}://HOST:PORT")
    return ListenUrl(parts.scheme, parts.hostname, port, _websocket_path(parts))


def _websocket_path(parts: SplitResult) -> str:
    if parts.scheme in ("ws", "wss"):
        return parts.path or PATH
    if parts.path not in ("", "/"):
        raise UsageError(f"cannot listen on {parts.geturl()!r}: {parts.scheme}:// has no path")
    return PATH


def bind(place: ListenUrl, buffer: int = 0) -> socket.socket:
    """Return the listening socket; UsageError says why there can be none.

    buffer: bytes that the kernel keeps for each of its connections, each way; 0: what it likes.
    Left to itself it keeps megabytes of a peer that does not read, or that sends faster than we do.
    """
    if place.scheme == "unix":
        return _bind_unix(place.path)
    sock = _bind_tcp(place)
    if buffer:
        limit_tcp(sock, buffer)
    return sock


def limit_tcp(sock: socket.socket, buffer: int) -> None:
    """Limit what the kernel keeps of each connection that a listening socket accepts from now on.

    They inherit it. Once a connection is there its window has been told to the peer: to make it
    smaller would lose what comes.
    """
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, buffer or _usual(option))
    if not buffer:
        with suppress(OSError):  # before Linux 5.14 they keep the size with which they begin
            sock.setsockopt(socket.SOL_SOCKET, SO_BUF_LOCK, 0)


def _usual(option: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        return sock.getsockopt(socket.SOL_SOCKET, option) // 2  # the kernel doubles what it is told


def limit_unix(sock: socket.socket, buffer: int) -> None:
    """Limit what the kernel keeps for a Unix socket that was accepted: it inherits nothing."""
    usual = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    if 0 < 2 * buffer < usual:  # the kernel doubles what it is told
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)


def _bind_tcp(place: ListenUrl) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        return socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError, TypeError) as exc:  # TypeError: a host that is no text
        number = getattr(exc, "errno", None)
        cause: object = os.strerror(number) if isinstance(number, int) and number > 0 else exc
        if number == errno.EADDRINUSE:
            cause = f"{cause}: is another router running?"
        raise UsageError(f"cannot listen on {place.host} port {place.port}: {cause}") from exc


def _bind_unix(path: str) -> socket.socket:
    """Bind a Unix socket, in the place of one that nobody serves any more."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_stale(path):
            os.unlink(path)
        sock.bind(path)
        sock.listen(BACKLOG)
    except OSError as exc:
        sock.close()
        raise UsageError(f"cannot listen on unix://{path}: {why(exc)}") from exc
    return sock


def _is_stale(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "there is something that is no socket")
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE)  # its backlog may be full: then somebody is there
        return probe.connect_ex(path) == errno.ECONNREFUSED


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells a Unix socket from another one of the same name; None if it has gone."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def remove(path: str, mine: tuple[int, int] | None) -> None:
    """Remove a Unix socket unless another has taken its place."""
    if mine is None or identity(path) != mine:
        logger.debug("unix://%s: somebody else has removed it", path)
        return
    try:
        os.unlink(path)
    except OSError as error:
        logger.warning("unix://%s cannot be removed: %s", path, error)
