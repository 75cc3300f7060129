"""An echo over wamplite's WebSocket server without WAMP, for the Autobahn WebSocket test suite.

    python -m tests.transports.websocket_echo KIND        KIND: text or binary

prints its port, then echoes messages of both kinds until stdin ends. Messages of KIND in one frame
take the server's quick way, those of the other kind, which a WAMP connection would refuse, do not.
"""

from __future__ import annotations

import socket
import sys
import threading

from wamplite.core.errors import WampliteError
from wamplite.transports import deflate, http_server, websocket_upgrade
from wamplite.transports.socket_stream import SocketStream
from wamplite.transports.websocket import WebSocket
from wamplite.transports.websocket_frames import BINARY, TEXT
from wamplite.transports.websocket_server import WebSocketServer

LIMIT = 20 * 2**20
SERIALIZERS = {"text": "json", "binary": "msgpack"}


class Other(bytes):
    """A message of the kind that the connection is not for."""


class Echoing(WebSocket):
    """A side of a WebSocket that takes both kinds of messages."""

    kind = 0  # of the message that comes, where it is the other one

    def takes(self, kind: int) -> bool:
        if kind != self.first_byte:
            self.first_byte, self.kind = kind, self.first_byte
        return True

    def take(self, message: bytes) -> None:
        before = len(self.messages)
        super().take(message)
        if self.kind:
            self.messages[before:] = map(Other, self.messages[before:])
            self.first_byte, self.kind = self.kind, 0

    def echo(self, message: bytes) -> None:
        """Send a message back as what it came."""
        usual = self.first_byte
        if type(message) is Other:
            self.first_byte ^= TEXT ^ BINARY
        self.stream.write([self.frame(message)])
        self.first_byte = usual


class EchoServer(Echoing, WebSocketServer):
    """The router's side."""


def serve(sock: socket.socket, serializer: str) -> None:
    """Serve one connection to its end."""
    stream = SocketStream(sock)
    try:
        request, rest = http_server.read_request(stream, b"")
        key = websocket_upgrade.check_version(request)
        agreed = deflate.choose(http_server.values(request, "sec-websocket-extensions"))
        headers = [("Sec-WebSocket-Extensions", agreed[1])] if agreed else []
        stream.write([websocket_upgrade.agree(key, http_server.lines_of(*headers))])
        echo = EchoServer(stream, serializer, LIMIT, rest, agreed[0] if agreed else None)
        while True:
            for message in echo.receive():
                echo.echo(message)
                if stream.left > LIMIT:
                    stream.flush(10)
            stream.flush(10)
    except WampliteError:
        stream.finish()
        stream.linger(1)
    finally:
        stream.close()


def listen(listener: socket.socket, serializer: str) -> None:
    """Start a thread for each connection."""
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(sock, serializer), daemon=True).start()


def main() -> None:
    """Listen until stdin ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=listen, args=(listener, SERIALIZERS[sys.argv[1]]), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
