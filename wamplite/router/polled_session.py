"""A session as it is seen from HTTP: the far end of a socket pair, framed as RawSocket.

The near end is a connection like all others, with a thread, bounds and deadlines. What it writes
stays in the socket until somebody asks for it, and then in `messages` until it was handed over.

    send     any number of threads, one after the other
    receive  one thread: who asks later takes over, the connection of the one before is ended
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from ..core.errors import ProtocolError, TransportLost
from ..locks import Lock
from ..transports import batches
from ..transports.base import MOST
from ..transports.rawsocket_frames import PONG, Framer, frame
from ..transports.socket_stream import limit_sending
from .connection import Connection

CHUNK = 65536  # bytes of one recv
HANGING_UP = getattr(select, "POLLRDHUP", 0)  # the client is gone; not every system tells
TAKEN_OVER = "another request asks for the messages of this session"


class SessionOver(Exception):
    """The router has ended the session, and all that it said was handed over."""


class PolledSession:
    """What HTTP requests do with a session. `subprotocol` is its name behind wamp.2."""

    def __init__(self, sock: socket.socket, subprotocol: str, patience: float) -> None:
        limit_sending(sock, patience)  # where the router does not take what is sent
        self.serializer, self._is_batched = batches.split(subprotocol)
        self._is_text = self.serializer == "json"
        self._sock = sock
        self._sending = Lock()
        self._receiving = Lock()  # guards the next two
        self._framer = Framer(MOST)
        self._messages: deque[bytes] = deque()
        self._lock = Lock()  # guards the next two
        self._receiver: tuple[Connection, int] | None = None
        self._seen = time.monotonic()

    def idle(self) -> float:
        """Return for how many seconds nobody has asked for messages."""
        with self._lock:
            return 0.0 if self._receiver else time.monotonic() - self._seen

    def send(self, body: bytes) -> None:
        """Send what is in the body of a request; ProtocolError where it is no message."""
        if self._is_batched:
            messages = batches.unpack(self._is_text, body)
        elif body:
            messages = [body]
        else:
            raise ProtocolError("expected a message in the body, it is empty")
        self._write(b"".join(map(frame, messages)))

    def receive(
        self,
        connection: Connection,
        descriptor: int,
        seconds: float,
        answer: Callable[[bytes | None], None],
    ) -> None:
        """Answer with the next message or batch, or with None when none came in so many seconds.

        Nothing is taken that could not be written. Raises TransportLost where the client has gone
        or another one took over, SessionOver at the end.
        """
        mine = (connection, descriptor)
        with self._lock:
            older, self._receiver = self._receiver, mine
            if older is not None:
                older[0].shutdown(TAKEN_OVER)
        try:
            with self._receiving:
                self._await(descriptor, time.monotonic() + seconds)
                body, number = self._first()
                with self._lock:
                    if self._receiver is not mine:
                        raise TransportLost(TAKEN_OVER)
                    answer(body)
                for _ in range(number):
                    self._messages.popleft()
        finally:
            with self._lock:
                self._seen = time.monotonic()
                if self._receiver is mine:
                    self._receiver = None

    def end(self) -> None:
        """End the session, for the router and for who waits here; any thread."""
        with suppress(OSError):  # the router was first
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes both
        with self._sending, self._receiving:
            self._sock.close()

    def disown(self) -> None:
        """Close the descriptor that a forked child has."""
        self._sock.close()

    def _write(self, data: bytes) -> None:
        with self._sending:
            try:
                self._sock.sendall(data)
            except OSError:  # ended, or a frame was taken in part
                raise SessionOver from None

    def _await(self, descriptor: int, deadline: float) -> None:
        """Wait for a message, for as long as the client is there."""
        poll = select.poll()
        if self._sock.fileno() < 0:
            raise SessionOver
        poll.register(self._sock, select.POLLIN)
        poll.register(descriptor, HANGING_UP)
        self._take_what_is_there()
        while not self._messages:
            rest = deadline - time.monotonic()
            if rest <= 0:
                return
            if any(ready == descriptor for ready, _ in poll.poll(rest * 1000)):
                raise TransportLost("the client has gone, or its request was given up")
            self._take_what_is_there()

    def _take_what_is_there(self) -> None:
        if self._messages:
            return
        try:
            data = self._sock.recv(CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            raise SessionOver from None
        if not data:
            raise SessionOver
        self._messages.extend(self._framer.feed(data))
        pings, self._framer.pings = self._framer.pings, []
        if pings:
            self._write(b"".join(frame(ping, PONG) for ping in pings))

    def _first(self) -> tuple[bytes | None, int]:
        """Return what is handed over next, and how many messages that are."""
        if not self._messages:
            return None, 0
        if not self._is_batched:
            return self._messages[0], 1
        batch = next(batches.cut(batches.pack(self._is_text, one) for one in self._messages))
        return b"".join(batch), len(batch)
