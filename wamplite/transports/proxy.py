"""Through an HTTP proxy: CONNECT, and after its 200 the bytes are ours (RFC 9110, 9.3.6)."""

from __future__ import annotations

import re
import socket
import time
from typing import NamedTuple

from ..core.errors import TransportLost, UsageError
from .http_request import basic

LARGEST_ANSWER = 16384  # bytes of the proxy's answer
_URL = re.compile(
    r"http://(?:(?P<user>[^/?#@\s]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^][/?#@:%\x00-\x20\x7f]+):(?P<port>[0-9]{1,5})/?",
    re.IGNORECASE,
)


class Proxy(NamedTuple):
    """Where a proxy is, and what tells it who asks."""

    host: str
    port: int
    authorization: str | None


def parse(url: str) -> Proxy:
    """Take a proxy's URL apart. The error does not quote it: there may be a password in it."""
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None or not 0 < int(match["port"]) < 65536:
        raise UsageError("proxy must be http://host:port or http://user:password@host:port")
    user = match["user"]
    return Proxy(match["host"].strip("[]"), int(match["port"]), basic(user) if user else None)


def tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int, deadline: float) -> None:
    """Ask the proxy at the other end of a socket for a way to host and port."""
    where = f"{_packed(host)}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.settimeout(_rest(deadline))
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    head = _answer(sock, f"the proxy {proxy.host}:{proxy.port}", deadline)
    sock.settimeout(None)
    status = head.split(b"\r\n")[0].decode(errors="replace")
    if not re.match(r"HTTP/1\.[01] 2\d\d( |$)", status):
        text = f"the proxy {proxy.host}:{proxy.port} opens no way to {where}"
        raise TransportLost(f"{text}: it answered {status[:200]!r}")


def _packed(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as exc:
        raise TransportLost(f"{host} is no name of a host: {exc}") from exc


def _answer(sock: socket.socket, name: str, deadline: float) -> bytes:
    """Return the head of the proxy's answer; nobody behind it speaks before we do."""
    head = b""
    while b"\r\n\r\n" not in head:
        if len(head) > LARGEST_ANSWER:
            raise TransportLost(f"{name} answers with more than {LARGEST_ANSWER} bytes")
        sock.settimeout(_rest(deadline))
        part = sock.recv(4096)
        if not part:
            raise TransportLost(f"{name} closed the connection")
        head += part
    return head


def _rest(deadline: float) -> float:
    rest = deadline - time.monotonic()
    if rest <= 0:
        raise TimeoutError
    return rest
