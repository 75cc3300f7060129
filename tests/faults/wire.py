"""Clients made of bytes: RawSocket and WebSocket frames by hand, so that they can be wrong.

Nothing here is of the router's own code. `RawSocket` and `WebSocket` connect and frame; `Session`
speaks WAMP over either, as arrays. Every wait is bounded by PATIENCE.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import ssl
import struct
import time
from typing import Any

import msgpack

PATIENCE = 10.0  # seconds; what the router owes comes at once
ROLES: dict[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
SERIALIZERS = {"json": 1, "msgpack": 2, "cbor": 3}
MESSAGE, PING, PONG = 0, 1, 2
CONTINUATION, TEXT, BINARY, CLOSE, WS_PING, WS_PONG = 0, 1, 2, 8, 9, 10
VIOLATION = "wamp.error.protocol_violation"


class Closed(Exception):
    """The router closed the connection; `code` is that of a WebSocket close frame."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


def dumps(serializer: str, message: Any) -> bytes:
    """Serialize without any check."""
    if serializer == "json":
        return json.dumps(message, separators=(",", ":")).encode()
    if serializer == "cbor":
        import cbor2

        return bytes(cbor2.dumps(message))
    return bytes(msgpack.packb(message))


def loads(serializer: str, data: bytes) -> Any:
    """Read what the router serialized."""
    if serializer == "json":
        return json.loads(data)
    if serializer == "cbor":
        import cbor2

        return cbor2.loads(data)
    return msgpack.unpackb(data, strict_map_key=False)


class Wire:
    """A TCP connection that gives exactly the bytes asked for."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = context.wrap_socket(sock) if context else sock
        self._unread = b""

    def send(self, data: bytes) -> None:
        """Send bytes; a router that has closed meanwhile is no matter of the sender."""
        try:
            self.sock.sendall(data)
        except ConnectionError:
            return

    def exactly(self, size: int) -> bytes:
        """Return so many bytes; Closed when the router closes before."""
        while len(self._unread) < size:
            self._unread += self._some()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def until(self, end: bytes) -> bytes:
        """Return the bytes up to and with `end`."""
        while end not in self._unread:
            self._unread += self._some()
        head, self._unread = self._unread.split(end, 1)
        return head + end

    def rest(self) -> bytes:
        """Return all that comes until the router closes."""
        try:
            while True:
                self._unread += self._some()
        except Closed:
            data, self._unread = self._unread, b""
            return data

    def _some(self) -> bytes:
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLEOFError):
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


class RawSocket(Wire):
    """A connection that speaks WAMP-RawSocket."""

    def __init__(
        self,
        port: int,
        serializer: str = "msgpack",
        *,
        limit: int = 15,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(port, context)
        self.send(bytes([0x7F, limit << 4 | SERIALIZERS[serializer], 0, 0]))
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
        port: int,
        serializer: str = "msgpack",
        *headers: str,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(port, context)
        self.send(upgrade(port, f"Sec-WebSocket-Protocol: wamp.2.{serializer}", *headers))
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


class Session:
    """WAMP as arrays over a transport; joins unless told otherwise."""

    def __init__(
        self, transport: RawSocket | WebSocket, serializer: str = "msgpack", *, join: bool = True
    ) -> None:
        self.transport = transport
        self.serializer = serializer
        self.request = 0
        self.welcome: list[Any] = []
        if join:
            self.say(1, "realm1", {"roles": ROLES})
            self.welcome = self.hear()
            assert self.welcome[0] == 2, self.welcome

    def say(self, *message: Any) -> None:
        """Send one message."""
        self.transport.put(dumps(self.serializer, list(message)))

    def say_all(self, *messages: list[Any]) -> None:
        """Send several messages in one segment."""
        framed = self.transport.framed
        self.transport.send(b"".join(framed(dumps(self.serializer, one)) for one in messages))

    def put(self, payload: bytes) -> None:
        """Send one payload as it is."""
        self.transport.put(payload)

    def hear(self) -> list[Any]:
        """Return the next message."""
        message = loads(self.serializer, self.transport.take())
        assert isinstance(message, list), message
        return message

    def ask(self, code: int, *rest: Any) -> list[Any]:
        """Send a request and return what comes next, which must answer it."""
        self.request += 1
        self.say(code, self.request, *rest)
        answer = self.hear()
        asked = answer[1:3] if answer[0] == 8 else [code, answer[1]]
        assert asked == [code, self.request], f"asked {code} {self.request}, got {answer}"
        return answer

    def subscribe(self, topic: str, **options: Any) -> int:
        """Subscribe and return the subscription's id."""
        answer = self.ask(32, options, topic)
        assert answer[0] == 33, answer
        return int(answer[2])

    def register(self, procedure: str, **options: Any) -> int:
        """Register and return the registration's id."""
        answer = self.ask(64, options, procedure)
        assert answer[0] == 65, answer
        return int(answer[2])

    def is_served(self) -> bool:
        """Tell whether a request is answered, and nothing else has come before."""
        return self.ask(16, {"acknowledge": True}, "faults.nobody.listens")[0] == 17

    def aborted(self) -> str:
        """Return the reason of the ABORT that must come, and then the end of the connection."""
        answer = self.hear()
        assert answer[0] == 3, f"expected ABORT, got {str(answer)[:300]}"
        self.ended()
        return str(answer[2])

    def ended(self) -> None:
        """Wait for the end of the connection; nothing may come before."""
        try:
            more = self.hear()
        except Closed:
            self.close()
            return
        raise AssertionError(f"expected the end, got {str(more)[:300]}")

    def leave(self) -> None:
        """Say GOODBYE, and wait for the answer and the end."""
        self.say(6, {}, "wamp.close.close_realm")
        assert self.hear() == [6, {}, "wamp.close.goodbye_and_out"]
        self.ended()

    def close(self) -> None:
        """Close without GOODBYE."""
        self.transport.close()


def open_session(
    port: int, dialect: str, *, join: bool = True, context: ssl.SSLContext | None = None
) -> Session:
    """Open a session; a dialect is a transport and a serializer, as "rs-json"."""
    transport, serializer = dialect.split("-")
    kind = RawSocket if transport == "rs" else WebSocket
    return Session(kind(port, serializer, context=context), serializer, join=join)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start
