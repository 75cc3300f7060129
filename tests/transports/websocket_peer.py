"""The other end of a WebSocket, byte by byte: what our transports are held against in tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.stream import Stream

PATIENCE = 20.0  # seconds; nothing here should need more than one
KEY = bytes.fromhex("37fa213d")  # of RFC 6455 section 5.7
REQUEST = (
    b"GET /ws HTTP/1.1\r\n"
    b"Host: 127.0.0.1:8080\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: wamp.2.json\r\n"
    b"\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: wamp.2.json\r\n"
    b"\r\n"
)


def size_bytes(size: int, bits: int = 0) -> bytes:
    """Return the size of a frame as it stands on the wire; `bits` 16 or 64 forces that form."""
    if bits == 64 or (not bits and size > 65535):
        return b"\x7f" + size.to_bytes(8, "big")
    if bits == 16 or (not bits and size > 125):
        return b"\x7e" + size.to_bytes(2, "big")
    return bytes((size,))


def plain(first: int, payload: bytes = b"") -> bytes:
    """Return a frame as a server writes it."""
    return bytes((first,)) + size_bytes(len(payload)) + payload


def masked(first: int, payload: bytes = b"", key: bytes = KEY) -> bytes:
    """Return a frame as a client writes it."""
    size = bytearray(size_bytes(len(payload)))
    size[0] |= 0x80
    mixed = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    return bytes((first,)) + bytes(size) + key + mixed


class WebSocketPeer:
    """A plain socket that reads frames."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self.sock = sock

    def write(self, *data: bytes) -> None:
        """Send, all in one."""
        self.sock.sendall(b"".join(data))

    def read(self, size: int) -> bytes:
        """Read so many bytes, fewer only at the end."""
        data = b""
        while len(data) < size and (more := self.sock.recv(size - len(data))):
            data += more
        return data

    def head(self) -> bytes:
        """Read up to a blank line."""
        data = b""
        while not data.endswith(b"\r\n\r\n") and (more := self.sock.recv(1)):
            data += more
        return data

    def rest(self) -> bytes:
        """Read up to the end."""
        data = b""
        while more := self.sock.recv(65536):
            data += more
        return data

    def frame(self) -> tuple[int, bytes]:
        """Read one frame, unmasked: its first byte and its payload."""
        first, second = self.read(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(self.read(2 if size == 126 else 8), "big")
        key = self.read(4) if second & 0x80 else bytes(4)
        return first, bytes(byte ^ key[at % 4] for at, byte in enumerate(self.read(size)))


@contextmanager
def connected() -> Iterator[tuple[Stream, WebSocketPeer]]:
    """Give a stream and its peer, over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    stream = SocketStream(ours)
    try:
        yield stream, WebSocketPeer(theirs)
    finally:
        stream.close()
        theirs.close()
