"""Batched WebSocket: what is written at once goes in one WebSocket message.

A peer asks for it by the subprotocol: wamp.2.json.batched, and so on. What the router has for a
peer at the end of a round makes a batch, cut at 64 KB; a batch that comes is bounded as a message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.errors import ProtocolError
from .base import Transport
from .batches import OVERHEAD, cut, pack, unpack
from .websocket import WebSocket
from .websocket_frames import BREACH, TEXT


class Batched(Transport):
    """A WebSocket whose messages are batches."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._is_text = socket.first_byte == TEXT
        self.stream = socket.stream
        self.serializer = socket.serializer
        self.framing = f"websocket-batched-{'text' if self._is_text else 'binary'}"
        self.max_send = socket.max_send - OVERHEAD
        socket.limit += OVERHEAD

    @property
    def heard(self) -> float:  # type: ignore[override]
        """When bytes came last."""
        return self._socket.heard

    @property
    def is_ready(self) -> bool:
        return self._socket.is_ready

    @property
    def buffered(self) -> int:
        return self._socket.buffered

    def frame(self, payload: bytes) -> bytes:
        """Return the payload as a part of a batch."""
        return pack(self._is_text, payload)

    def writer(self) -> Callable[..., bool]:
        return self._write

    def receive(self) -> list[bytes]:
        """Return the messages of the batches that one recv completed."""
        messages: list[bytes] = []
        for batch in self._socket.receive():
            try:
                messages += unpack(self._is_text, batch)
            except ProtocolError as error:
                self._socket.refuse(BREACH, str(error))
                return messages or self._socket.receive()  # which raises it, now or next time
        return messages

    def limit_receive(self, size: int) -> None:
        self._socket.limit_receive(size + OVERHEAD)

    def ping(self) -> None:
        self._socket.ping()

    def finish(self) -> None:
        self._socket.finish()

    def _write(self, parts: Sequence[bytes], droppable: bool = False) -> bool:
        frame = self._socket.frame
        return self.stream.write([frame(b"".join(batch)) for batch in cut(parts)], droppable)
