"""What every transport promises: one connection that carries messages as bytes.

One thread, the connection's own, calls `receive` until it raises. Any thread may call `frame`,
`ping`, `finish` and what `writer` returned. A transport knows nothing of WAMP, and what cuts bytes
into frames is a pure machine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from ..core.errors import ProtocolError, TransportLost
from .stream import Stream

MOST = 1 << 24  # bytes; no transport of ours carries a larger message


class MessageTooLarge(ProtocolError):
    """A peer has sent a message, or the beginning of one, above what it may."""


class HandshakeRefused(TransportLost):
    """A peer was sent away before it could say anything; somebody will wonder why.

    `kind` tells the same reasons from others, for a log that says each of them seldom.
    """

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind


class HttpBounds(NamedTuple):
    """How much of an HTTP request is read, its body not counted."""

    size: int = 8192  # bytes
    headers: int = 64


USUAL = HttpBounds()


class Transport(ABC):
    """One connection that carries messages as bytes.

    `serializer` is the name both sides agreed on. Transports of equal `framing` frame a payload to
    equal bytes, so that a frame made once serves them all. `max_send` is the largest payload the
    peer takes. `heard` is `time.monotonic()` of the last received bytes.
    """

    __slots__ = ("framing", "heard", "max_send", "serializer", "stream")

    stream: Stream
    serializer: str
    framing: str
    max_send: int
    heard: float

    @property
    def is_ready(self) -> bool:
        """Whether `receive` returns, or raises, without reading the stream."""
        return False

    @property
    def buffered(self) -> int:
        """How many bytes of a message are here whose end is still to come; any thread."""
        return 0

    @property
    def answers_pings(self) -> bool:
        """Whether a ping is certain to be answered by a peer that is alive; any thread."""
        return True

    def expect_pongs(self) -> None:  # noqa: B027 - where all answer pings, that is no news
        """Notice that the peer has announced that it answers pings."""

    @abstractmethod
    def frame(self, payload: bytes) -> bytes:
        """Return the payload as it stands on the wire (pure)."""

    def writer(self) -> Callable[..., bool]:
        """Return what writes frames as `Stream.write` does: (frames, droppable=False)."""
        return self.stream.write

    @abstractmethod
    def receive(self) -> list[bytes]:
        """Wait for one `stream.recv` and return the payloads that it completed, perhaps none.

        Answers pings. Raises TransportLost at the end, and ProtocolError once the peer has broken
        the transport's rules: after the payloads that were complete before, and after writing
        what the transport wants said then.
        """

    @abstractmethod
    def limit_receive(self, size: int) -> None:
        """Accept payloads of up to `size` bytes from now on (the reading thread)."""

    @abstractmethod
    def ping(self) -> None:
        """Ask the peer for a sign of life; any thread."""

    @abstractmethod
    def finish(self) -> None:
        """Say the transport's own goodbye after what is queued, and write no more; any thread."""
