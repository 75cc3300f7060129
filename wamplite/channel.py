"""Messages over a connection: what a session needs of a channel, and one made of bytes.

Several threads share `send` by a lock of their own; one at a time calls `receive` until it raises
TransportLost, and then `close`. `send` never waits: it returns whether all has gone, and `flush` is
where a sender waits for a slow peer. Two ends in one process: `in_process_channel`.
"""

from __future__ import annotations

from typing import Any, Protocol

from .core.errors import ProtocolError, UsageError
from .core.messages import CODES, NAMES, Message
from .core.parsing import parse, to_array
from .core.unfit import Uncarriable, unfit
from .serializers import Serializer
from .transports.base import Transport

UNKNOWN = -1.0  # seconds
LINGER = 1.0  # seconds for the peer to take our last words and close

Received = tuple[Any, int]  # a message, or what stands for an unfit one, and its size in bytes


class TooLarge(UsageError):
    """The message is larger than the peer takes."""


class Channel(Protocol):
    """What a session needs of a channel, whatever it is made of."""

    peer: str
    for_callers: bool  # a caller may `receive`: its timeout is kept, and `waits` is told

    @property
    def waits(self) -> bool:
        """Tell whether `receive` waits, or was interrupted while it did: then nothing is lost."""

    @property
    def tls(self) -> Any:
        """Return transports.tls.TlsFacts within TLS, else None."""

    def send(self, message: Message) -> bool:
        """Send without waiting; False where something is left over: `flush` waits for it."""

    def watch_over(self, interval: float | None, announced: bool) -> None:
        """Find silence of so many seconds; `announced`: the peer says that it answers pings."""

    def limit_send(self, size: Any) -> None:
        """Send nothing larger than `size` bytes from now on, if that is an integer."""

    def flush(self, seconds: float) -> None:
        """Wait until all has gone; TransportLost if it cannot go, TimeoutError when time is up."""

    def receive(self) -> list[Received]:
        """Wait for messages, or Unfit; TimeoutError after a silence, TransportLost at the end."""

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `receive` wait at most that long for a sign of life."""

    def ping(self) -> bool:
        """Ask the peer for a sign of life; False where it might not answer."""

    def finish(self) -> None:
        """End the channel after what has been sent."""

    def shutdown(self, why: str) -> None:
        """End the channel now, whatever is on its way; wakes its reader."""

    def close(self) -> None:
        """Give back what the channel holds; the reading thread only."""

    def disown(self) -> None:
        """Give back what a forked child holds of it, which ends nothing."""


class ByteChannel:
    """A transport and a serializer."""

    def __init__(self, transport: Transport, serializer: Serializer) -> None:
        self.transport = transport
        self.peer = transport.stream.peer
        self.for_callers = transport.stream.is_plain
        self._most = transport.max_send
        self._stream = transport.stream
        self._frame = transport.frame
        self._write = transport.writer()
        self._dumps = serializer.dumps
        self._loads = serializer.loads
        self._error: ProtocolError | None = None
        self._patience: float | None = UNKNOWN  # as the stream was told

    @property
    def tls(self) -> Any:
        """Return the facts of TLS, where there is TLS."""
        return self._stream.tls

    @property
    def waits(self) -> bool:
        """Tell whether `receive` waits, or was interrupted while it did: then nothing is lost."""
        return self._stream.waits

    def send(self, message: Message) -> bool:
        """Encode and write; UsageError where the format or the peer does not take it."""
        payload = self._dumps(to_array(message))
        if len(payload) > self._most:
            name, most = NAMES[CODES[type(message)]], self._most
            raise TooLarge(f"{name} of {len(payload)} bytes: {self.peer} takes at most {most}")
        return self._write([self._frame(payload)])

    def watch_over(self, interval: float | None, announced: bool) -> None:
        """Let `receive` raise TimeoutError after a silence, and the kernel find a peer gone."""
        if announced:
            self.transport.expect_pongs()
        elif interval and not self.transport.answers_pings:
            self._stream.keep_alive(interval)
        self.set_receive_timeout(interval)

    def limit_send(self, size: Any) -> None:
        """Send nothing larger than `size` bytes; anything else than an integer is ignored."""
        if type(size) is int:  # a router of ours: over WebSocket nothing else tells
            self._most = min(self._most, size)

    def flush(self, seconds: float) -> None:
        """Wait until the kernel has taken all that was sent."""
        if not self._stream.flush(seconds):
            raise self._stream.ended()

    def receive(self) -> list[Received]:
        """Wait for what one recv brings; what came whole before a violation is returned first."""
        if self._error:
            raise self._error
        received: list[Received] = []
        try:
            for payload in self.transport.receive():
                try:
                    received.append((parse(self._loads(payload)), len(payload)))
                except Uncarriable as flaw:
                    received.append((unfit(flaw), len(payload)))
        except ProtocolError as error:
            self._error = error
            if not received:
                raise
        return received

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `receive` raise TimeoutError after so much silence."""
        if seconds != self._patience:
            self._patience = UNKNOWN  # if Ctrl-C comes now
            self._stream.set_receive_timeout(seconds)
            self._patience = seconds

    def ping(self) -> bool:
        """Ask the peer for a sign of life; False where it might not answer: the kernel looks."""
        if not self.transport.answers_pings:
            return False
        self.transport.ping()
        return True

    def finish(self) -> None:
        """Say the transport's goodbye after what has been sent."""
        self.transport.finish()

    def shutdown(self, why: str) -> None:
        """End the connection now and wake the reader."""
        self._stream.shutdown(why)

    def close(self) -> None:
        """Give the descriptor back once the peer has closed, or soon after."""
        self._stream.linger(LINGER)
        self._stream.close()

    def disown(self) -> None:
        """Close the descriptor that a forked child has."""
        self._stream.disown()
