"""Messages over a connection: a transport and a serializer, or two ends in one process.

Whoever sends shares a channel's `send` by a lock of its own; one thread alone calls `receive` until
it raises TransportLost, and then `close`. `send` never waits: `left` says whether all has gone, and
`flush` is where a sender waits for a slow peer.
"""

from __future__ import annotations

import select
import threading
from collections import deque
from typing import Any, Protocol

from .core.errors import ProtocolError, TransportLost, UsageError
from .core.messages import CODES, NAMES, Message
from .core.parsing import parse, to_array
from .core.unfit import Uncarriable, unfit
from .serializers import Serializer, check_payload, copy_payload
from .transports.base import Transport
from .transports.stream import Stream

MOST_WAITING = 4096  # messages on their way to an end in the same process
LINGER = 1.0  # seconds for the peer to take our last words and close


class TooLarge(UsageError):
    """The message is larger than the peer takes."""


class AnyChannel(Protocol):
    """What a session needs of a channel, whatever it is made of."""

    peer: str
    can_wait: bool  # `wait` may be used before `receive`, which then does not block
    left: bool  # something that was sent last is left over: `flush` waits for it
    sizes: list[int]  # bytes of the messages that the last `receive` returned

    def send(self, message: Message) -> bool:
        """Send without waiting; False, and `left`, where something is left over."""

    def watch_over(self, interval: float | None, announced: bool) -> None:
        """Find silence of so many seconds; `announced`: the peer says that it answers pings."""

    def limit_send(self, size: Any) -> None:
        """Send nothing larger than `size` bytes from now on, where the router has told."""

    def flush(self, seconds: float) -> None:
        """Wait until all has gone; TransportLost if it cannot go, TimeoutError when time is up."""

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to receive, or an end; False when time is up."""

    def receive(self) -> list[Any]:
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


class Channel:
    """A transport and a serializer."""

    def __init__(self, transport: Transport, serializer: Serializer) -> None:
        self.transport = transport
        self.peer = transport.stream.peer
        self.can_wait = type(transport.stream) is Stream  # a TLS record may come in pieces
        self.left = False
        self.sizes: list[int] = []
        self._most = transport.max_send
        self._stream = transport.stream
        self._frame = transport.frame
        self._dumps = serializer.dumps
        self._loads = serializer.loads
        self._error: ProtocolError | None = None
        poll = select.poll()
        poll.register(transport.stream.fileno(), select.POLLIN)
        self._poll = poll.poll

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to receive, or an end; False when time is up."""
        return self._poll(seconds * 1000) != []

    def send(self, message: Message) -> bool:
        """Encode and write; UsageError where the format or the peer does not take it."""
        payload = self._dumps(to_array(message))
        if len(payload) > self._most:
            name, most = NAMES[CODES[type(message)]], self._most
            raise TooLarge(f"{name} of {len(payload)} bytes: {self.peer} takes at most {most}")
        written = self._stream.write([self._frame(payload)])
        self.left = not written
        return written

    def watch_over(self, interval: float | None, announced: bool) -> None:
        """Let `receive` raise TimeoutError after a silence, and the kernel find a peer gone."""
        if announced:
            self.transport.expect_pongs()
        elif interval and not self.transport.answers_pings:
            self._stream.keep_alive(interval)
        self.set_receive_timeout(interval)

    def limit_send(self, size: Any) -> None:
        """Send nothing larger than `size` bytes; None, where the router has not told."""
        if type(size) is int:  # a router of ours: over WebSocket nothing else tells
            self._most = min(self._most, size)

    def flush(self, seconds: float) -> None:
        """Wait until the kernel has taken all that was sent."""
        if not self._stream.flush(seconds):
            raise self._stream.ended()

    def receive(self) -> list[Any]:
        """Wait for what one recv brings; what came whole before a violation is returned first."""
        if self._error:
            raise self._error
        messages: list[Any] = []
        payloads: list[bytes] = []
        try:
            payloads = self.transport.receive()
            for payload in payloads:
                try:
                    messages.append(parse(self._loads(payload)))
                except Uncarriable as flaw:
                    messages.append(unfit(flaw))
        except ProtocolError as error:
            self._error = error
            if not messages:
                raise
        self.sizes = list(map(len, payloads))
        return messages

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `receive` raise TimeoutError after so much silence."""
        self._stream.set_receive_timeout(seconds)

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


class Local:
    """One of two ends in the same process. What is sent is checked and copied, nothing shared."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.can_wait = True
        self.left = False
        self.sizes: list[int] = []
        self.other = self
        self.lost: str | None = None  # why there is nothing more to come
        self._changed = threading.Condition()  # guards the inbox, and what ends it
        self._inbox: deque[Message] = deque()
        self._seconds: float | None = None
        self._alive = False  # asked for a sign of life: the other end is here

    def send(self, message: Message) -> bool:
        """Hand a checked copy over; False when the other end has fallen far behind."""
        taken = self.other.put(_copied(message))
        self.left = not taken
        return taken

    def put(self, message: Message) -> bool:
        """Take a message in; ignored once this end is over."""
        with self._changed:
            if self.lost is None:
                self._inbox.append(message)
                self._changed.notify_all()
            return len(self._inbox) <= MOST_WAITING

    def watch_over(self, interval: float | None, announced: bool) -> None:
        """Let a later `receive` raise TimeoutError after so much silence."""
        self._seconds = interval

    def limit_send(self, size: Any) -> None:
        """Within a process sizes are not counted."""

    def flush(self, seconds: float) -> None:
        """Wait until the other end has caught up."""
        self.other.wait_room(seconds)

    def wait_room(self, seconds: float) -> None:
        """Wait until the inbox is within its bound."""
        with self._changed:
            room = self._changed.wait_for(self._has_room, seconds)
        if self.lost is not None:
            raise TransportLost(f"{self.peer}: {self.lost}")
        if not room:
            raise TimeoutError(f"{self.peer}: {MOST_WAITING} messages not taken in {seconds:g} s")

    def _has_room(self) -> bool:
        return self.lost is not None or len(self._inbox) <= MOST_WAITING

    def receive(self) -> list[Any]:
        """Wait for messages and take all that are there."""
        with self._changed:
            if not self._changed.wait_for(self._has_news, self._seconds):
                raise TimeoutError(f"{self.peer}: nothing received in time")
            if self.lost is not None and not self._inbox:
                raise TransportLost(f"{self.peer}: {self.lost}")
            self._alive = False
            messages = list(self._inbox)
            self._inbox.clear()
            self._changed.notify_all()
        self.sizes = [0] * len(messages)
        return messages

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to receive, or an end; False when time is up."""
        with self._changed:
            return self._changed.wait_for(self._has_news, seconds)

    def _has_news(self) -> bool:
        return bool(self._inbox) or self._alive or self.lost is not None

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `receive` raise TimeoutError after so much silence."""
        self._seconds = seconds

    def ping(self) -> bool:
        """Let the next `receive` return at once: in one process the other end is alive."""
        self._alive = True
        return True

    def finish(self) -> None:
        """End both ways; what has been sent still arrives."""
        self.end("closed", keep=True)
        self.other.end("the other end closed", keep=True)

    def shutdown(self, why: str) -> None:
        """End both ways now."""
        self.end(why, keep=False)
        self.other.end(why, keep=False)

    def end(self, why: str, keep: bool) -> None:
        """Take nothing more in, and wake who waits."""
        with self._changed:
            self.lost = self.lost or why
            if not keep:
                self._inbox.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """End both ways; neither end keeps the other."""
        self.shutdown("closed")
        self.other.other = self.other = NOWHERE

    def disown(self) -> None:
        """Nothing is held."""


NOWHERE = Local("nowhere")  # the other end of one that was closed
NOWHERE.lost = "closed"


def pair() -> tuple[Local, Local]:
    """Return two ends that are each other's peer, in one process and without bytes."""
    one, two = Local("in process"), Local("in process")
    one.other, two.other = two, one
    return one, two


def _copied(message: Any) -> Message:
    fields = message._asdict()
    try:
        if "args" in fields:
            check_payload(fields["args"], fields["kwargs"])
        shared = {key: value for key, value in fields.items() if isinstance(value, (list, dict))}
        copy: Message = message._replace(**{key: copy_payload(shared[key]) for key in shared})
    except ProtocolError as error:
        raise UsageError(f"{NAMES[CODES[type(message)]]} cannot be sent: {error}") from error
    return copy
