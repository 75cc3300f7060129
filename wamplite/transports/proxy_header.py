"""The PROXY protocol of HAProxy, versions 1 and 2: who connected to the proxy in front of us; pure.

    v1  PROXY TCP4 203.0.113.7 192.0.2.1 51234 443 CRLF  a line of at most 107 bytes
        PROXY UNKNOWN ... CRLF                           the proxy does not know, or does not tell
    v2  12 bytes, version and command, family, length,   LOCAL: the proxy itself, a health check
        addresses of that family, further fields         which are skipped, and not kept

It comes before everything else, TLS included, and where it is expected nothing else may come.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from ..core.errors import ProtocolError

V1, V2 = b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"
LONGEST_LINE = 107  # bytes, CRLF included
HEAD = 16  # bytes before the addresses of version 2
LOCAL, PROXY = 0x20, 0x21  # version 2 and the command
ADDRESSES = {  # family and protocol -> bytes of an address, of all that is said of both ends
    0x00: (0, 0),  # unspecified
    0x11: (4, 12),  # TCP over IPv4
    0x21: (16, 36),  # TCP over IPv6
    0x31: (0, 216),  # a Unix socket
}
KEPT = 36  # bytes behind the head, at most
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")


class Source(NamedTuple):
    """Who connected to the proxy."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


class ProxyHeader:
    """One header: feed it bytes until it is `done`. `source`: None where the proxy tells none."""

    def __init__(self) -> None:
        self.done = False
        self.source: Source | None = None
        self._head = b""  # the line, or the head of version 2
        self._block = b""  # what was kept behind that
        self._rest = 0  # bytes of version 2 that are still to come

    def feed(self, data: bytes) -> int:
        """Return how many of these bytes are of the header; ProtocolError where there is none."""
        used = 0
        while used < len(data) and not self.done:
            piece = data[used:]
            first = self._head[:1] or piece[:1]
            used += self._feed_v2(piece) if first == V2[:1] else self._feed_v1(piece)
        return used

    def _feed_v1(self, data: bytes) -> int:
        end = data.find(b"\n") + 1
        piece = data[: end or LONGEST_LINE + 1]
        self._head += piece
        if not self._head.startswith(V1) and not V1.startswith(self._head):
            raise ProtocolError(f"expected a PROXY header, it begins with {self._head[:12]!r}")
        if len(self._head) > LONGEST_LINE:
            raise ProtocolError(f"a PROXY line has at most {LONGEST_LINE} bytes")
        if end:
            self.source = source_of(self._head)
            self.done = True
        return len(piece)

    def _feed_v2(self, data: bytes) -> int:
        if len(self._head) == HEAD:
            piece = data[: self._rest]
            self._rest -= len(piece)
            self._block += piece[: KEPT - len(self._block)]
        else:
            piece = data[: HEAD - len(self._head)]
            self._head += piece
            if not self._head.startswith(V2) and not V2.startswith(self._head):
                raise ProtocolError(f"expected a PROXY header, it begins with {self._head!r}")
            if len(self._head) == HEAD:
                self._rest = self._length()
        if len(self._head) == HEAD and not self._rest:
            self._end()
        return len(piece)

    def _length(self) -> int:
        """Return how many bytes follow the head, which is complete."""
        command, family = self._head[12:14]
        length = int.from_bytes(self._head[14:], "big")
        if command == LOCAL:
            return length
        if command != PROXY:
            raise ProtocolError(f"a PROXY header of version and command 0x{command:02x}")
        if family not in ADDRESSES:
            raise ProtocolError(f"a PROXY header of family 0x{family:02x}, expected TCP")
        if length < ADDRESSES[family][1]:
            raise ProtocolError(f"a PROXY header of family 0x{family:02x} and {length} bytes")
        return length

    def _end(self) -> None:
        self.done = True
        size, both = ADDRESSES.get(self._head[13], (0, 0))
        if size and self._head[12] == PROXY:
            port = int.from_bytes(self._block[2 * size : 2 * size + 2], "big")
            self.source = Source(plain(ipaddress.ip_address(self._block[:size])), port)


def source_of(line: bytes) -> Source | None:
    """Read the line of version 1; None: the proxy does not know."""
    words = line[:-2].split(b" ") if line.endswith(b"\r\n") else []
    if words[1:2] == [b"UNKNOWN"]:
        return None
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise ProtocolError(f"expected PROXY TCP4 or TCP6, two addresses, two ports, not {line!r}")
    made = ipaddress.IPv4Address if words[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        source, _ = (made(word.decode("ascii")) for word in words[2:4])
    except ValueError as exc:
        raise ProtocolError(f"no address in the PROXY line {line!r}") from exc
    if not all(_PORT.fullmatch(port) and int(port) < 65536 for port in words[4:]):
        raise ProtocolError(f"no port in the PROXY line {line!r}")
    return Source(plain(source), int(words[4]))


def unmapped(address: Address) -> Address:
    """Return an address as what it is: an IPv4 address within IPv6 is one of IPv4."""
    return getattr(address, "ipv4_mapped", None) or address


def plain(address: Address) -> str:
    """Return the one spelling of an address."""
    return str(unmapped(address))
