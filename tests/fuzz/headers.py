"""What comes before a session: for whom a proxy comes, cookies, passwords, long-poll's bodies."""

from __future__ import annotations

import ipaddress
import socket
from base64 import b64decode

from wamplite.auth.cookie import Cookies
from wamplite.core.errors import ProtocolError
from wamplite.router.longpoll import chosen
from wamplite.router.metrics import credentials
from wamplite.router.polled_session import PolledSession
from wamplite.transports.forwarded import Forwarding, address_of
from wamplite.transports.http_server import HttpRefusal
from wamplite.transports.proxy_header import ProxyHeader
from wamplite.transports.rawsocket_frames import Framer

from .frames import LIMIT, MOST, pieces

KNOWN = Cookies()
SERIALIZERS = ("json", "msgpack", "cbor")


def proxy_header(data: bytes) -> None:
    """A PROXY header: the same client, or none, in whatever pieces, and nothing behind it read."""
    data, cut = pieces(data)
    whole, parts = introduced([data]), introduced(cut)
    assert whole == parts, (whole, parts)
    if whole[0] is not None:
        ipaddress.ip_address(whole[0].address.partition("%")[0])


def introduced(parts: list[bytes]) -> tuple[object, int, bool]:
    """Return whom a header tells of, how many bytes it has, and whether it was refused."""
    header, used = ProxyHeader(), 0
    try:
        for part in parts:
            taken = header.feed(part)
            used += taken
            assert taken == len(part) or header.done
            if header.done:
                return header.source, used, False
    except ProtocolError:
        return None, 0, True
    return None, used, False


def forwarded(data: bytes) -> None:
    """X-Forwarded-For and Forwarded, a line each: words, of which each is an address or none."""
    old, _, new = data[:MOST].decode("latin-1").partition("\n")
    try:
        chains = Forwarding([old], [new] if new else []).chains()
    except ProtocolError:
        return
    for word in (word for chain in chains for word in chain):
        address = address_of(word)
        assert address is None or str(ipaddress.ip_address(address)) == address


def cookies(data: bytes) -> None:
    """Cookie headers: nobody is known, so a new cookie is set, in one line of ASCII."""
    sent = data[:MOST].decode("latin-1").split("\n")
    shown, told = KNOWN.agree(sent, data[:1] < b"\x80")
    assert shown.is_new and told is not None
    assert told.isascii() and told.isprintable() and told.count(";") >= 4


def authorization(data: bytes) -> None:
    """The value of Authorization: a user without a colon and a password, or refused."""
    told = data[:MOST].decode("latin-1")
    try:
        user, password = credentials(told)
    except HttpRefusal as refusal:
        assert refusal.status == 401
    else:
        assert told[:6].lower() == "basic " and ":" not in user
        assert b64decode(told[6:].strip(" ")) == f"{user}:{password}".encode()


def longpoll(data: bytes) -> None:
    """The body that opens a session, and one that is sent: refused, or messages of some bytes."""
    try:
        assert chosen(data, SERIALIZERS).partition(".")[0] in SERIALIZERS
    except HttpRefusal as refusal:
        assert refusal.status == 400
    for subprotocol in ("json", "json.batched", "msgpack.batched"):
        near, far = socket.socketpair()
        with near:
            session = PolledSession(far, subprotocol, 2.0)
            try:
                session.send(data[:LIMIT])
            except ProtocolError:
                continue
            finally:
                session.end()
            framer = Framer(LIMIT)
            with near.makefile("rb") as file:
                came = file.read()
            messages = framer.feed(came)
            assert messages and all(messages) and not framer.buffered and not framer.error
