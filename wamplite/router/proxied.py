"""Behind a reverse proxy: whom a connection is of, by the word of proxies that are trusted.

    proxy_protocol   a trusted proxy begins each connection with a PROXY header, before TLS
    otherwise        its HTTP requests say X-Forwarded-For or Forwarded, to which each proxy adds
                     who asked it: the last one that is no trusted proxy is the client

Bounds, delays after bad logins, logs and authmethods then mean the client. Others may connect, too:
what they say of others is not read. A connection whose proxy has told nothing yet counts for
nobody, and if it never does, for the proxy.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

from ..core.errors import ProtocolError, TransportLost, UsageError
from ..features import several
from ..transports.base import HandshakeRefused
from ..transports.forwarded import Forwarding, address_of
from ..transports.http_server import HttpRefusal, HttpRequest, values
from ..transports.proxy_header import ProxyHeader, unmapped
from ..transports.socket_stream import SocketStream
from .connections import LOCAL, origin_of
from .listen_urls import serves_http
from .refusals import reason
from .turning_away import answer_to

if TYPE_CHECKING:
    from .socket_connection import SocketConnection

UNIX = "unix"
PATIENCE = 0.02  # seconds for the first words of whom there is no room for: they are here or not
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies(NamedTuple):
    """Whose word a listener takes. has_header: it must be a PROXY header."""

    networks: tuple[Network, ...]
    has_unix: bool = False
    has_header: bool = False

    def trusts(self, address: str | None) -> bool:
        """Tell whether this is one of the proxies."""
        if not address:
            return address == "" and self.has_unix
        parsed = unmapped(ipaddress.ip_address(address.partition("%")[0]))
        return any(parsed in network for network in self.networks)

    # The accepting thread

    def notice(self, connection: SocketConnection) -> None:
        """Let a proxy's connection count for nobody until it has told for whom it comes."""
        if self.trusts(connection.address):
            connection.is_proxied = True
            connection.origin = LOCAL

    # The thread of the connection, which a deadline ends

    def introduce(self, connection: SocketConnection) -> None:
        """Read the PROXY header of a trusted proxy, and take its word; nothing for others.

        Raises TransportLost where there is no such header, or no room for its client.
        """
        if not (self.has_header and connection.is_proxied):
            return
        header, stream = ProxyHeader(), cast(SocketStream, connection.stream)
        try:
            while not header.done:
                if not stream.take(header.feed):
                    raise TransportLost(f"{stream.peer}: closed before its PROXY header ended")
        except ProtocolError as error:
            raise HandshakeRefused(f"{stream.peer}: {error}", "proxy_header") from None
        source = header.source
        if source is not None:
            _believe(connection, source.address, f"{source} by {connection.name}")
            connection.is_proxied = self.trusts(source.address)
            if not connection.is_proxied:
                self.settle(connection, b"")

    def settle(self, connection: SocketConnection, head: bytes) -> None:
        """Count for who has turned out to ask; TransportLost, and an answer, where is no room.

        head: what was read so far.
        """
        refusal = connection.shared.connections.move(connection, origin_of(connection.address))
        if refusal is not None:
            _turn_away(connection, head, reason(refusal))

    def meet(self, connection: SocketConnection, request: HttpRequest) -> None:
        """Take a proxy's word for who asks; HttpRefusal where that is unclear, or has no room."""
        address, name = self.asking(connection, request)
        if address != connection.address:
            _believe(connection, address, name)
        refusal = connection.shared.connections.move(connection, origin_of(address))
        if refusal is not None:
            raise HttpRefusal(503, reason(refusal), ("Retry-After", "5"))

    def asking(self, connection: SocketConnection, request: HttpRequest) -> tuple[str | None, str]:
        """Return address and name of who asks by HTTP; HttpRefusal where that is unclear."""
        address, name = connection.address, connection.name
        if not connection.is_proxied:
            return address, name
        said = Forwarding(values(request, "x-forwarded-for"), values(request, "forwarded"))
        try:
            found = {self._last_stranger(address, chain) for chain in said.chains()}
        except ProtocolError as error:
            raise HttpRefusal(400, str(error)) from None
        if len(found) > 1:
            raise HttpRefusal(400, "X-Forwarded-For and Forwarded tell of different clients")
        client = found.pop() if found else address
        return client, name if client == address else f"{client} by {name}"

    def _last_stranger(self, proxy: str | None, chain: list[str]) -> str | None:
        """Return the last that is no proxy; where there is none, the first that is known."""
        found = proxy
        for word in reversed(chain):
            address = address_of(word)
            if address is None:
                break
            found = address
            if not self.trusts(address):
                break
        return found


def _believe(connection: SocketConnection, address: str | None, name: str) -> None:
    connection.address, connection.is_proxied = address, False
    connection.name = connection.stream.peer = name


def _turn_away(connection: SocketConnection, head: bytes, text: str) -> None:
    """Answer who has no room, in the words of what is here already, and end the connection."""
    stream, until = connection.stream, time.monotonic() + PATIENCE
    with suppress(TimeoutError):
        while stream.is_plain:
            answer = answer_to(head, text) if head else None
            if answer is not None:
                stream.write([answer])
                stream.finish()
                break
            data = stream.recv_by(until)
            if not data:
                break
            head += data
    stream.shutdown(text)  # no farewell: whoever comes in crowds would hold places by it
    raise stream.ended()


def checked(url: str, trusted: Iterable[str], has_header: bool) -> Proxies:
    """Return whose word is taken at a listener; UsageError where that cannot be meant."""
    names = tuple(several("trusted_proxies", trusted))
    if not names:
        raise UsageError("proxy_protocol needs trusted_proxies, as ['10.0.0.7']: whose word counts")
    if url.startswith("serial:"):
        raise UsageError(f"{url}: there are no proxies of a serial line")
    if not (serves_http(url) or has_header):
        raise UsageError(f"{url} serves no HTTP: its trusted_proxies need proxy_protocol")
    networks = tuple(_network(name) for name in names if name != UNIX)
    return Proxies(networks, UNIX in names, has_header)


def _network(name: str) -> Network:
    try:
        return ipaddress.ip_network(name)
    except ValueError as error:
        raise UsageError(
            f"trusted_proxies: {error}; expected an address, a network, like 10.0.0.0/8, or {UNIX}"
        ) from None
