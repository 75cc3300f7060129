"""Connecting to a URL: ws, wss, rs, rss over TCP, unix (RawSocket over a Unix socket), serial.

tcp and tls stand for rs and rss: what a router says that it listens on can be dialled as it is.
One absolute deadline covers the resolver, every address and the TLS handshake. A scheme that
promises TLS is never plain. Every error names the URL.
"""

from __future__ import annotations

import os
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from ..core.errors import ConnectTimeout, TransportLost, UsageError
from .socket_stream import SocketStream
from .stream import Stream
from .tcp import tune

if TYPE_CHECKING:
    import ssl

    from .tls import TlsOptions

T = TypeVar("T")
NOBODY = (ConnectionRefusedError, FileNotFoundError)  # listens, at a port or a Unix socket


class Scheme(NamedTuple):
    """What a scheme stands for. `port` is used where the URL names none."""

    kind: str
    secure: bool
    port: int | None


SCHEMES = {
    "ws": Scheme("websocket", False, 80),
    "wss": Scheme("websocket", True, 443),
    "rs": Scheme("rawsocket", False, None),
    "rss": Scheme("rawsocket", True, None),
    "unix": Scheme("rawsocket", False, None),
    "serial": Scheme("serial", False, None),
    "tcp": Scheme("rawsocket", False, None),
    "tls": Scheme("rawsocket", True, None),
}


class Endpoint(NamedTuple):
    """A URL taken apart. For unix and serial, `path` is the file's, host and port are empty."""

    scheme: str
    host: str
    port: int
    path: str
    secure: bool
    kind: str


_URL = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|(?!\.)[^][/?#@:%\x00-\x20\x7f]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][^#\x00-\x20\x7f]*)?"
)


def parse(url: str) -> Endpoint:
    """Take a URL apart; UsageError for anything that cannot be dialled."""
    name, separator, rest = url.partition("://")
    name = name.lower()
    scheme = SCHEMES.get(name)
    if not separator or scheme is None:
        raise UsageError(f"{url}: expected a URL of {', '.join(SCHEMES)}, like ws://host:8080/ws")
    if name == "unix":
        return _parse_unix(url, rest, scheme)
    if name == "serial":
        from . import serial_url  # urllib costs 3 ms

        return Endpoint(name, "", 0, serial_url.parse(url).device, False, scheme.kind)
    match = _URL.fullmatch(rest)
    if match is None:
        raise UsageError(f"{url}: expected {name}://host:port, an IPv6 address in brackets")
    host, path = match["host"].strip("[]"), match["path"] or "/"
    port = int(match["port"]) if match["port"] else scheme.port
    if port is None:
        raise UsageError(f"{url}: {name} has no default port, name one: {name}://host:port")
    if not 0 < port < 65536:
        raise UsageError(f"{url}: a port is 1 to 65535, not {port}")
    if scheme.kind == "rawsocket" and path != "/":
        raise UsageError(f"{url}: RawSocket has no path, {path} must go")
    if path.startswith("?"):
        path = f"/{path}"
    return Endpoint(name, host, port, path, scheme.secure, scheme.kind)


def _parse_unix(url: str, path: str, scheme: Scheme) -> Endpoint:
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        size = 0
    if not path.startswith("/") or "\0" in path or not 0 < size <= 107:
        raise UsageError(f"{url}: expected unix:///path, of at most 107 bytes")
    return Endpoint("unix", "", 0, path, scheme.secure, scheme.kind)


def dial(
    url: str,
    *,
    timeout: float,
    tls: TlsOptions | ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> Stream:
    """Connect to the URL within `timeout` seconds; TLS is verified unless `tls` says otherwise.

    proxy: the URL of an HTTP proxy to go through. Raises UsageError (a URL, or the files of `tls`),
    ConnectTimeout, TransportLost.
    """
    endpoint = parse(url)
    if endpoint.kind == "serial":
        from . import serial_line  # pyserial

        return serial_line.dial(url)
    context = _context(tls) if endpoint.secure else None
    deadline = time.monotonic() + timeout
    try:
        sock = _connect_by(proxy, endpoint, deadline) if proxy else _connect(endpoint, deadline)
        if context is None:
            return SocketStream(sock)
        fingerprint = tls.fingerprint if isinstance(tls, tuple) else None
        return _secure(sock, context, endpoint.host, fingerprint, deadline)
    except TimeoutError as exc:
        raise ConnectTimeout(f"{url}: no connection within {timeout:g} s") from exc
    except OSError as exc:
        hint = ": is a router running there?" if isinstance(exc, NOBODY) else ""
        raise TransportLost(f"{url}: {exc.strerror or exc}{hint}") from exc


def _context(tls: TlsOptions | ssl.SSLContext | None) -> ssl.SSLContext:
    from .tls import client_context  # TLS alone needs ssl, which costs 10 ms and 3 MB

    if tls is None:
        return client_context()
    return client_context(*tls) if isinstance(tls, tuple) else tls


def _secure(
    sock: socket.socket,
    context: ssl.SSLContext,
    host: str,
    fingerprint: str | None,
    deadline: float,
) -> Stream:
    from .tls import TlsStream

    try:
        stream = TlsStream(sock, context, hostname=host, fingerprint=fingerprint)
    except BaseException:  # a name that cannot be one
        sock.close()
        raise
    try:
        stream.handshake(deadline)
    except BaseException:
        stream.close()
        raise
    return stream


def _connect(endpoint: Endpoint, deadline: float) -> socket.socket:
    if endpoint.scheme == "unix":
        return _try(socket.AF_UNIX, endpoint.path, _rest(deadline))
    found = _resolve(endpoint.host, endpoint.port, deadline)
    return reach([(family, address) for family, _, _, _, address in found], deadline)


def _connect_by(url: str, endpoint: Endpoint, deadline: float) -> socket.socket:
    """Connect through a proxy, which looks up the host."""
    from .proxy import parse as parse_proxy
    from .proxy import tunnel

    proxy = parse_proxy(url)
    there = endpoint._replace(host=proxy.host, port=proxy.port)
    try:
        sock = _connect(there, deadline)
    except TimeoutError:
        raise
    except OSError as exc:
        text = f"the proxy {proxy.host}:{proxy.port}: {exc.strerror or exc}"
        raise TransportLost(text) from exc
    try:
        tunnel(sock, proxy, endpoint.host, endpoint.port, deadline)
    except BaseException:
        sock.close()
        raise
    return sock


def reach(addresses: Sequence[tuple[int, Any]], deadline: float) -> socket.socket:
    """Connect to the first that answers; none may use up the time of those behind it."""
    for behind, (family, address) in zip(reversed(range(len(addresses))), addresses, strict=True):
        try:
            return _try(family, address, _rest(deadline) / (behind + 1))
        except OSError:
            if not behind:
                raise
    raise TransportLost("the host has no address")


def _try(family: int, address: Any, seconds: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
        sock.settimeout(None)
        tune(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _rest(deadline: float) -> float:
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise TimeoutError
    return rest


def _resolve(host: str, port: int, deadline: float) -> list[Any]:
    """Return the addresses of a host."""
    name = host.encode() if host.isascii() else host  # of text Python loads IDNA: 2 ms
    try:
        return socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        pass  # a name, not an address
    try:
        return within(deadline, lambda: socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM))
    except socket.gaierror as exc:
        raise TransportLost(f"cannot resolve {host}: {exc.strerror}") from exc
    except UnicodeError as exc:
        raise TransportLost(f"cannot resolve {host}: {exc}") from exc


def within(deadline: float, ask: Callable[[], T]) -> T:
    """Return what `ask` returns, or TimeoutError: the resolver knows no deadline of its own."""
    answer: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((ask(), None))
        except Exception as exc:
            answer.put((None, exc))

    threading.Thread(target=work, name="wamplite-resolve", daemon=True).start()
    try:
        result, error = answer.get(timeout=_rest(deadline))
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return cast("T", result)
