"""Clients made of bytes: RawSocket and WebSocket frames by hand, so that they can be wrong.

Nothing here is of the router's own code. `RawSocket` and `WebSocket` connect and frame; sessions.py
speaks WAMP over either. Every wait is bounded by PATIENCE.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 10.0  # seconds; what the router owes comes at once
SERIALIZERS = {"json": 1, "msgpack": 2, "cbor": 3}
MESSAGE, PING, PONG = 0, 1, 2
CONTINUATION, TEXT, BINARY, CLOSE, WS_PING, WS_PONG = 0, 1, 2, 8, 9, 10


class Closed(Exception):
    """The router closed the connection; `code` is that of a WebSocket close frame."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Wire:
    """A TCP connection that gives exactly the bytes asked for; a path is a Unix socket's.

    `source` is the address it comes from.
    """

    def __init__(
        self, port: int | str, context: ssl.SSLContext | None = None, source: str = "127.0.0.1"
    ) -> None:
        if isinstance(port, str):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE)
            sock.connect(port)
        else:
            sock = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = context.wrap_socket(sock, server_hostname="127.0.0.1") if context else sock
        self.unread = b""

    def send(self, data: bytes) -> None:
        """Send bytes; a router that has closed meanwhile is no matter of the sender."""
        try:
            self.sock.sendall(data)
        except ConnectionError:
            return

    def exactly(self, size: int) -> bytes:
        """Return so many bytes; Closed when the router closes before."""
        while len(self.unread) < size:
            self.unread += self._some()
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def until(self, end: bytes) -> bytes:
        """Return the bytes up to and with `end`."""
        while end not in self.unread:
            self.unread += self._some()
        head, self.unread = self.unread.split(end, 1)
        return head + end

    def rest(self) -> bytes:
        """Return all that comes until the router closes."""
        try:
            while True:
                self.unread += self._some()
        except Closed:
            data, self.unread = self.unread, b""
            return data

    def _some(self) -> bytes:
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError):
            raise Closed from None
        if not data:
            raise Closed
        return data

    def close(self) -> None:
        """Close without any goodbye."""
        self.sock.close()

    def reset(self) -> None:
        """Close by a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@contextmanager
def closed_unless_opened(wire: Wire) -> Iterator[None]:
    """Close a connection where what is done in the block fails."""
    try:
        yield
    except BaseException:
        wire.close()
        raise


class RawSocket(Wire):
    """A connection that speaks WAMP-RawSocket."""

    def __init__(
        self,
        port: int | str,
        serializer: str = "msgpack",
        *,
        limit: int = 15,
        context: ssl.SSLContext | None = None,
        source: str = "127.0.0.1",
    ) -> None:
        super().__init__(port, context, source)
        self.send(bytes([0x7F, limit << 4 | SERIALIZERS[serializer], 0, 0]))
        with closed_unless_opened(self):
            reply = self.exactly(4)
            assert reply[0] == 0x7F and reply[1] & 15 == SERIALIZERS[serializer], reply.hex()
        self.router_limit = 2 ** (9 + (reply[1] >> 4))
        self.pongs: list[bytes] = []

    def put(self, payload: bytes) -> None:
        """Send one message."""
        self.send(self.framed(payload))

    def framed(self, payload: bytes, kind: int = MESSAGE) -> bytes:
        """Return a frame."""
        return raw_frame(payload, kind)

    def take(self) -> bytes:
        """Return the next message; PINGs are answered, PONGs kept."""
        while True:
            kind, payload = self.frame()
            if kind == MESSAGE:
                return payload
            if kind == PING:
                self.send(raw_frame(payload, PONG))
            else:
                self.pongs.append(payload)

    def frame(self) -> tuple[int, bytes]:
        """Return the kind and payload of the next frame."""
        header = self.exactly(4)
        return header[0], self.exactly(int.from_bytes(header[1:], "big"))


class WebSocket(Wire):
    """A connection that speaks WebSocket, as a client does."""

    def __init__(
        self,
        port: int | str,
        serializer: str = "msgpack",
        *headers: str,
        context: ssl.SSLContext | None = None,
        source: str = "127.0.0.1",
    ) -> None:
        super().__init__(port, context, source)
        self.send(upgrade(port, f"Sec-WebSocket-Protocol: wamp.2.{serializer}", *headers))
        with closed_unless_opened(self):
            self.head = self.until(b"\r\n\r\n").decode("latin-1")
            assert self.head.startswith("HTTP/1.1 101 "), self.head
        self.opcode = TEXT if serializer == "json" else BINARY
        self.pongs: list[bytes] = []

    def put(self, payload: bytes) -> None:
        """Send one message."""
        self.send(self.framed(payload))

    def framed(self, payload: bytes) -> bytes:
        """Return a frame as our own clients make them."""
        return ws_frame(self.opcode, payload)

    def take(self) -> bytes:
        """Return the next message; raises Closed with the code of a close frame."""
        while True:
            opcode, payload = self.frame()
            if opcode in (TEXT, BINARY):
                assert opcode == self.opcode, f"a message came with opcode {opcode}"
                return payload
            if opcode == CLOSE:
                raise Closed(int.from_bytes(payload[:2], "big") if payload else None)
            if opcode == WS_PING:
                self.send(ws_frame(WS_PONG, payload))
            else:
                self.pongs.append(payload)

    def frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame, which is whole and not masked."""
        first, second = self.exactly(2)
        assert first & 0x80 and not first & 0x70, f"a frame began with {first:#x}"
        assert not second & 0x80, "a server's frame is masked"
        size = second
        if size == 126:
            size = int.from_bytes(self.exactly(2), "big")
        elif size == 127:
            size = int.from_bytes(self.exactly(8), "big")
        return first & 15, self.exactly(size)


def raw_frame(payload: bytes, kind: int = MESSAGE) -> bytes:
    """Return a RawSocket frame."""
    return bytes([kind]) + len(payload).to_bytes(3, "big") + payload


def ws_frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a masked WebSocket frame, right or wrong."""
    first, size = (0x80 if fin else 0) | rsv << 4 | opcode, len(payload)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65536:
        head = bytes([first, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 0x80 | 127]) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def upgrade(port: int, *headers: str, path: str = "/ws") -> bytes:
    """Return the request for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket",
        "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers,
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()
