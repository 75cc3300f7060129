"""PROXY headers: bytes in, an address out, wherever they are cut."""

from __future__ import annotations

import random
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.held import held_octets
from wamplite.core.errors import ProtocolError
from wamplite.transports.proxy_header import LOCAL, PROXY, V2, ProxyHeader, Source

BEHIND = b"\x7f\xf1\0\0 what comes behind it"
TCP4, UDP4, TCP6, UNIX = 0x11, 0x12, 0x21, 0x31


def v2(command: int, family: int, block: bytes, length: int | None = None) -> bytes:
    size = len(block) if length is None else length
    return V2 + struct.pack("!BBH", command, family, size) + block


def addresses(source: str, port: int) -> bytes:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    packed = socket.inet_pton(family, source)
    return packed * 2 + struct.pack("!HH", port, 443)


FIELDS = b"\x04\0\x05extra\x03\0\x04\xde\xad\xbe\xef"  # no operation, a checksum
HEADERS = [
    (b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n", Source("203.0.113.7", 51234)),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n", Source("2001:db8::7", 1)),
    (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 0 1\r\n", Source("203.0.113.7", 0)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
    (b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n", None),  # 107 bytes
    (v2(PROXY, TCP4, addresses("203.0.113.7", 51234)), Source("203.0.113.7", 51234)),
    (v2(PROXY, TCP4, addresses("203.0.113.7", 5) + FIELDS), Source("203.0.113.7", 5)),
    (v2(PROXY, TCP6, addresses("2001:db8::7", 5) + FIELDS), Source("2001:db8::7", 5)),
    (v2(PROXY, TCP6, addresses("::ffff:10.0.0.1", 5)), Source("10.0.0.1", 5)),
    (v2(PROXY, UNIX, b"/run/x".ljust(216, b"\0")), None),
    (v2(PROXY, 0x00, b""), None),
    (v2(PROXY, 0x00, FIELDS), None),
    (v2(LOCAL, 0x00, b""), None),
    (v2(LOCAL, 0xFF, b"anything"), None),
    (v2(LOCAL, TCP4, addresses("203.0.113.7", 5)), None),
    (v2(PROXY, TCP4, addresses("203.0.113.7", 5) + bytes(65523)), Source("203.0.113.7", 5)),
]
names = [f"{len(header)}-{source}" for header, source in HEADERS]


def fed(pieces: list[bytes]) -> tuple[ProxyHeader, bytes]:
    """Feed a header in pieces; return it, and what it has left."""
    header, left = ProxyHeader(), b""
    for piece in pieces:
        used = header.feed(piece)
        assert used == len(piece) or header.done
        left += piece[used:]
    return header, left


@pytest.mark.parametrize(("data", "source"), HEADERS, ids=names)
def test_a_header_ends_where_it_ends_however_it_comes(data: bytes, source: Source | None) -> None:
    for cut in [*range(1, min(len(data), 120)), len(data)]:
        header, left = fed([data[:cut], data[cut:] + BEHIND])
        assert (header.done, header.source, left) == (True, source, BEHIND), cut
    header, left = fed([bytes((byte,)) for byte in data + BEHIND])
    assert (header.done, header.source, left) == (True, source, BEHIND)
    if len(data) > 1:
        header, left = fed([data[:-1]])
        assert (header.done, header.source, left) == (False, None, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x7f\xf1\0\0",
        b"\x16\x03\x01",
        b"\0",
        b"P\r\n",
        b"PROXX TCP4",
        b"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        b"PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
        b"PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n",
        b"PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        b"PROXY TCP4 ::1 ::1 1 1\r\n",
        b"PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
        b"PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
        b"PROXY TCP4 1.2.3.\xff 1.2.3.4 1 1\r\n",
        b"PROXY TCP4 \r\n",
        b"PROXY UNKNOWNX\r\n",
        b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",  # 108 bytes
        b"PROXY UNKNOWN " + b"x" * 5000,
        b"\r\n\r\n\0\r\nQUIX\n",
        V2 + b"\x11\x11\0\x0c",  # version 1
        V2 + b"\x22\x11\0\x0c",  # an unknown command
        v2(PROXY, TCP4, b"", 11),  # less than the addresses
        v2(PROXY, TCP6, b"", 35),
        v2(PROXY, UNIX, b"", 215),
        v2(PROXY, UDP4, addresses("1.2.3.4", 5)),
        v2(PROXY, 0x10, addresses("1.2.3.4", 5)),
        v2(PROXY, 0x41, bytes(300)),
    ],
)
def test_what_is_no_header_is_refused_and_nothing_of_it_believed(data: bytes) -> None:
    whole = ProxyHeader()
    with pytest.raises(ProtocolError):
        whole.feed(data)
    by_byte = ProxyHeader()
    with pytest.raises(ProtocolError):
        for byte in data:
            by_byte.feed(bytes((byte,)))
    assert not whole.done and not by_byte.done
    assert whole.source is None and by_byte.source is None


def test_what_is_skipped_is_not_kept() -> None:
    header = ProxyHeader()
    header.feed(v2(PROXY, TCP4, b"", 65535))
    for _ in range(60):
        header.feed(bytes(1024))
    assert not header.done and held_octets(header) < 64


pieces = st.lists(
    st.sampled_from([V2, b"PROXY ", b"TCP4 ", b"1.2.3.4 ", b"\r\n", b"\x21", b"\x11"])
)


@given(st.one_of(st.binary(max_size=300), st.tuples(pieces, st.binary(max_size=80))), st.randoms())
def test_any_bytes_are_a_header_or_refused(data: object, chance: random.Random) -> None:
    said = data if isinstance(data, bytes) else b"".join(data[0]) + data[1]  # type: ignore[index]
    outcomes = []
    cut = chance.randint(0, len(said))
    for parts in ([said], [said[:cut], said[cut:]], [bytes((byte,)) for byte in said]):
        header, used = ProxyHeader(), 0
        try:
            for part in parts:
                used += header.feed(part)
            outcomes.append((header.done, header.source, used))
        except ProtocolError:
            outcomes.append((False, None, -1))
    assert outcomes[0] == outcomes[1] == outcomes[2]
