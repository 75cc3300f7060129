"""WebSocket, the router's side: messages are read by `WebSocket`, control frames by wsproto.

Importing this file takes a tenth of a second and 13 MB, mostly simple-websocket's asyncio: import
it when the first WebSocket comes.

simple_websocket.Server brings a thread of its own, writes from it, accepts compression, keeps
messages without a bound, and its close never ends. So it gets nothing but control frames, each of
them whole, and the subclass owns all input and output:

    handshake       nothing to do: websocket_upgrade has answered
    thread, event   stand-ins: the connection's own thread receives, nobody waits for an event
    judge           what wsproto says of a frame: ping, close, or a breach of RFC 6455
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import simple_websocket
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Ping

from . import batches, websocket_upgrade
from .base import USUAL, HttpBounds, Transport
from .stream import Stream
from .websocket import WebSocket
from .websocket_frames import TEXT, header, octets

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
    origins, hosts = tuple(allowed_origins), tuple(allowed_hosts)
    rules = websocket_upgrade.rules(tuple(serializers), path, origins, hosts, compress, bounds)
    if set_cookie is not None or meet is not None:
        rules = rules._replace(set_cookie=set_cookie, meet=meet)
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


class ControlFrames(simple_websocket.Server):  # type: ignore[misc]
    """What judges the control frames of one peer, by wsproto; made when the first of them comes."""

    def __init__(self, stream: Stream) -> None:
        super().__init__({"werkzeug.socket": stream}, thread_class=NoThread, event_class=NoEvent)

    def handshake(self) -> None:
        """Begin behind the handshake."""
        self.ws = Connection(ConnectionType.SERVER)
        self.connected = True

    def judge(self, frame: bytes) -> list[Any]:
        """Return what wsproto says of a whole frame."""
        self.ws.receive_data(frame)
        return list(self.ws.events())

    @property
    def is_closed_by_peer(self) -> bool:
        """Whether a close frame was right; else CloseConnection tells of a breach."""
        return self.ws.state is ConnectionState.REMOTE_CLOSING


class WebSocketServer(WebSocket):
    """The router's side of one WebSocket."""

    __slots__ = ("_control",)

    keyed = 0x80

    def __init__(
        self,
        stream: Stream,
        serializer: str,
        limit: int,
        arrived: bytes = b"",
        deflate: Deflate | None = None,
    ) -> None:
        super().__init__(stream, serializer, limit, arrived, deflate)
        kind = "text" if self.first_byte == TEXT else "binary"
        self.framing = f"websocket-{kind}{f'-deflated-{deflate.bits}' if deflate else ''}"
        self._control: ControlFrames | None = None

    def frame_of(self, first: int, payload: bytes) -> bytes:
        """Return an unmasked frame."""
        size = len(payload)
        if size < 126:
            return octets(first, size) + payload
        return header(first, size) + payload

    def take_control(self, frame: bytes) -> None:
        """Answer a ping, heed a close frame, and what wsproto has against either."""
        control = self._control
        if control is None:
            control = self._control = ControlFrames(self.stream)
        for event in control.judge(frame):
            if type(event) is Ping:
                self.answer(bytes(event.payload))
            elif type(event) is CloseConnection and control.is_closed_by_peer:
                self.closed_by_peer(event.code, event.reason or "")
            elif type(event) is CloseConnection:
                self.refuse(event.code, event.reason or "")
