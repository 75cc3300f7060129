"""WebSocket, the router's side: simple-websocket's server, held as a threaded router must hold it.

Importing this file takes a tenth of a second and 13 MB, mostly simple-websocket's asyncio: import
it when the first WebSocket comes.

simple_websocket.Server brings a thread of its own, writes from it, accepts compression, keeps
messages without a bound, and its close never ends. So the subclass owns all input and output:

    handshake       nothing to do: websocket_upgrade has answered
    thread, event   stand-ins: the connection's own thread receives, nobody waits for an event
    take_control    control frames go to wsproto, each when it is whole; messages are read here.
                    With the first of them simple-websocket begins: many sessions have none
    _handle_events  what wsproto says of those: ping, close, or a breach of RFC 6455
    close           through the outbox; `send` is not used: frames are made and written apart
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import simple_websocket
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Ping

from . import batches, websocket_upgrade
from .base import USUAL, HttpBounds, Transport
from .stream import Stream
from .websocket import WebSocket
from .websocket_frames import NORMAL, TEXT, header

if TYPE_CHECKING:
    from .deflate import Deflate

__all__ = ["WebSocketServer", "accept"]


def accept(
    stream: Stream,
    head: bytes,
    *,
    serializers: Iterable[str],
    max_message_size: int,
    first_message_size: int = 16384,
    path: str = "/ws",
    allowed_origins: Iterable[str] = (),
    allowed_hosts: Iterable[str] = (),
    compress: bool = False,
    set_cookie: websocket_upgrade.SetCookie | None = None,
    meet: websocket_upgrade.Meet | None = None,
    bounds: HttpBounds = USUAL,
) -> Transport:
    """Answer the request that begins with `head`, and return the WebSocket that it asked for.

    Messages are limited to `first_message_size` until `limit_receive` says otherwise.
    `allowed_hosts` are the names that this machine is called by, beside its own, localhost and
    addresses. compress: agree to permessage-deflate. set_cookie, meet: see websocket_upgrade.
    bounds: of the request.
    Raises TransportLost when the answer was another than 101.
    """
    rules = websocket_upgrade.rules(
        serializers, path, allowed_origins, allowed_hosts, compress, set_cookie, meet, bounds
    )
    agreement, rest = websocket_upgrade.open_handshake(stream, head, rules)
    serializer, is_batched = batches.split(agreement.subprotocol)
    limit = min(first_message_size, max_message_size)
    socket = WebSocketServer(stream, serializer, limit, rest, agreement.deflate)
    if not is_batched:
        return socket
    from .websocket_batched import Batched  # few ask for it

    return Batched(socket)


class NoThread:
    """Stands in for the thread that simple-websocket would start."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        """Start nothing: the connection's own thread calls `receive`."""


class NoEvent:
    """Stands in for the event that simple-websocket would set: messages are returned instead."""


class WebSocketServer(WebSocket, simple_websocket.Server):  # type: ignore[misc]
    """The router's side of one WebSocket."""

    keyed = 0x80

    def __init__(
        self,
        stream: Stream,
        serializer: str,
        limit: int,
        arrived: bytes = b"",
        deflate: Deflate | None = None,
    ) -> None:
        WebSocket.__init__(self, stream, serializer, limit, arrived, deflate)
        kind = "text" if self.first_byte == TEXT else "binary"
        self.framing = f"websocket-{kind}{f'-deflated-{deflate.bits}' if deflate else ''}"
        self._has_begun = False  # simple-websocket, with the first control frame

    def _begin_control(self) -> None:
        self._has_begun = True
        simple_websocket.Server.__init__(
            self,
            {"werkzeug.socket": self.stream},
            subprotocols=f"wamp.2.{self.serializer}",
            thread_class=NoThread,
            event_class=NoEvent,
        )

    def handshake(self) -> None:
        """Begin behind the handshake."""
        self.ws = Connection(ConnectionType.SERVER)
        self.connected = True

    def frame_of(self, first: int, payload: bytes) -> bytes:
        """Return an unmasked frame."""
        size = len(payload)
        if size < 126:
            return bytes((first, size)) + payload
        return header(first, size) + payload

    def close(self, reason: int | None = None, message: str | None = None) -> None:
        """Write the close frame; `receive` will tell when the peer has hung up."""
        self.say_goodbye(reason or NORMAL, message or "")

    def take_control(self, frame: bytes) -> None:
        """Let wsproto judge a control frame."""
        if not self._has_begun:
            self._begin_control()
        self.ws.receive_data(frame)
        self._handle_events()

    def _handle_events(self) -> bool:
        for event in self.ws.events():
            handle = self._handlers.get(type(event))
            if handle is not None and self.ended is None:
                handle(self, event)
        return self.ended is None

    def _on_ping(self, event: Ping) -> None:
        self.answer(bytes(event.payload))

    def _on_close(self, event: CloseConnection) -> None:
        if self.ws.state is ConnectionState.REMOTE_CLOSING:
            self.closed_by_peer(event.code, event.reason or "")
        else:  # wsproto's way to say that the peer broke the rules
            self.refuse(event.code, event.reason or "")

    _handlers: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        Ping: _on_ping,
        CloseConnection: _on_close,
    }
