"""WebSocket, the router's side: simple-websocket's server, held as a threaded router must hold it.

Importing this file takes a tenth of a second and 13 MB, mostly simple-websocket's asyncio: import
it when the first WebSocket comes.

simple_websocket.Server brings a thread of its own, writes from it, accepts compression, keeps
messages without a bound, and its close never ends. So the subclass owns all input and output:

    handshake       nothing to do: websocket_upgrade has answered
    thread, event   stand-ins: the connection's own thread receives, nobody waits for an event
    cut_carefully   what is no message in one frame goes to wsproto, a frame or a part at a time
    _handle_events  what wsproto says of those: data, ping, close, or a breach of RFC 6455
    close           through the outbox; `send` is not used: frames are made and written apart

wsproto is fed exactly to the end of a frame, so that between two messages we know where we are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import simple_websocket
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from . import batches, websocket_upgrade
from .base import USUAL, HttpBounds, Transport
from .stream import Stream
from .websocket_frames import (
    NORMAL,
    TEXT,
    WRONG_KIND,
    WebSocket,
    header,
    header_size,
    payload_size,
)

if TYPE_CHECKING:
    from .deflate import Deflate
    from .websocket_deflated import Siphon

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
        self.siphon: Siphon | None = None  # there if messages may be deflated
        self.collected = 0  # bytes that the frames of this message announced so far
        simple_websocket.Server.__init__(
            self,
            {"werkzeug.socket": stream},
            subprotocols=f"wamp.2.{serializer}",
            thread_class=NoThread,
            event_class=NoEvent,
        )

    @property
    def buffered(self) -> int:
        packed = self.siphon.packed if self.siphon else b""
        return super().buffered + len(packed)

    def handshake(self) -> None:
        """Begin behind the handshake."""
        if self.deflate is not None:
            from .websocket_deflated import Siphon  # few ask for it

            self.siphon = Siphon()
        extensions: list[Any] = [self.siphon] if self.siphon else []
        self.ws = Connection(ConnectionType.SERVER, extensions)
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

    def cut_carefully(self, data: bytes, position: int, end: int) -> int:
        """Hand wsproto the next frame, or what there is of it; return where that ends."""
        if not self.owed:
            size = header_size(data[position + 1]) if end - position > 1 else 2
            if end - position < size:
                self.keep(data[position:])
                return end
            head = data[position : position + size]
            position += size
            self._hand_over(head)
            self._expect(head)
            if self.ended is not None or not self.owed:
                return position
        piece = data[position : position + self.owed]
        self.owed -= len(piece)
        self._hand_over(piece)
        return position + len(piece)

    def _expect(self, head: bytes) -> None:
        """Note what a header that wsproto took announces; refuse a message that is too big."""
        self.owed = payload_size(head)
        if self.ended is None and not head[0] & 0x08:
            self.collected += self.owed
            if self.collected > self.longest():
                self.refuse_size(self.collected)

    def _hand_over(self, data: bytes) -> None:
        self.ws.receive_data(data)
        self._handle_events()

    def _handle_events(self) -> bool:
        for event in self.ws.events():
            handle = self._handlers.get(type(event))
            if handle is not None and self.ended is None:
                handle(self, event)
        return self.ended is None

    def _on_data(self, event: TextMessage | BytesMessage) -> None:
        data = event.data
        is_text = isinstance(data, str)
        if is_text is not (self.first_byte == TEXT):
            kind = "text" if is_text else "binary"
            self.refuse(WRONG_KIND, f"a {kind} message on wamp.2.{self.serializer}")
            return
        self.incoming += data.encode() if isinstance(data, str) else data
        self.within = not event.message_finished
        if event.message_finished:
            message, self.incoming, self.collected = bytes(self.incoming), bytearray(), 0
            siphon = self.siphon
            if siphon is None or not siphon.is_packed:
                return self.take(message, False)
            packed, siphon.packed = bytes(siphon.packed), bytearray()
            self.take(packed, True)

    def _on_ping(self, event: Ping) -> None:
        self.answer(bytes(event.payload))

    def _on_close(self, event: CloseConnection) -> None:
        if self.ws.state is ConnectionState.REMOTE_CLOSING:
            self.closed_by_peer(event.code, event.reason or "")
        else:  # wsproto's way to say that the peer broke the rules
            self.refuse(event.code, event.reason or "")

    _handlers: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        TextMessage: _on_data,
        BytesMessage: _on_data,
        Ping: _on_ping,
        CloseConnection: _on_close,
    }
