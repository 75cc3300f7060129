"""A stream of bytes to a peer: one thread reads, anybody writes, nobody waits for a slow peer.

All bytes of a connection go through its outbox, guarded by `lock`, which is never held across
anything that blocks:

    write -> nothing left over: one send that cannot block -> what was not taken is kept
          -> something left over: kept behind it, in order
    drain, flush -> write what is left; after `finish`, the last byte is followed by the end

Any thread ends it by `shutdown`, which wakes the reader; only the reading thread calls
`close`, else a reused descriptor would get another peer's bytes. What carries the bytes is the
subclass's: a socket (socket_stream.py), TLS within one (tls.py), a serial port (serial_line.py).
"""

from __future__ import annotations

import select
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..core.errors import TransportLost
from ..locks import Lock
from .outbox import ByteOutbox

FIRST_RECEIVE = 2048  # bytes asked of the kernel: a parked thread holds them, so start small,
MOST_RECEIVE = 65536  # double while they fill

INTERRUPTED = "interrupted in a write"  # by Ctrl-C: nobody knows how much has gone


class Stream(ABC):
    """What empties an outbox, and reads.

    `left` bytes in `waiting` entries were accepted by `write` and have not gone yet.
    `on_left(stream)` is called, outside the lock, by each write that leaves something over.
    `lost` says why it was ended by us or by an error; the first reason wins.
    `waits`, where it `is_plain`: `recv` waits, or was interrupted in that, and nothing has come.
    """

    __slots__ = (
        "_closed", "_ended", "_finishing", "_outbox", "_size", "_writable",
        "at_end", "came", "lock", "lost", "on_left", "peer", "waits", "went",
    )  # fmt: skip

    chunk = 1 << 18  # bytes joined for one send at most
    is_plain = False  # True: once the descriptor is readable, `recv` does not block
    tls: Any = None  # the facts of what protects the bytes, see tls.TlsFacts

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.lock = Lock()  # guards all that follows but `_size` and `at_end`
        self.on_left: Callable[[Any], None] | None = None
        self.lost: str | None = None
        self._outbox = ByteOutbox()
        self._writable = True  # `write` accepts
        self._finishing = False  # the end follows the last byte
        self._ended = False  # no bytes go or come any more
        self._closed = False
        self._size = FIRST_RECEIVE  # of the reading thread alone, as the next one
        self.at_end = False  # the peer sends no more
        self.waits = False  # the same
        self.came = self.went = 0  # bytes on the wire

    @property
    def left(self) -> int:
        """How many bytes have not gone."""
        return self._outbox.left

    @property
    def waiting(self) -> int:
        """How many entries have not gone whole."""
        return self._outbox.waiting

    def keep_alive(self, interval: float) -> None:  # noqa: B027 - most cannot tell
        """Have the system end the stream whose peer vanished, within twice `interval` seconds."""

    def may_wait(self, may: bool) -> None:  # noqa: B027 - most always do
        """Let a later `recv` wait for bytes; or not: TimeoutError where there are none."""

    # What carries the bytes

    @abstractmethod
    def fileno(self) -> int:
        """Return the descriptor, -1 once closed."""

    @abstractmethod
    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `recv` wait at most `seconds`; None: for ever."""

    @abstractmethod
    def linger(self, seconds: float) -> None:
        """Write what is left, and wait a moment for the peer to take it (the reading thread)."""

    @abstractmethod
    def disown(self) -> None:
        """Close the copy of the descriptor that a forked child has; the connection stays as is."""

    @abstractmethod
    def _receive(self, size: int) -> bytes:
        """Wait for bytes; BlockingIOError when time is up, OSError when it broke."""

    @abstractmethod
    def _send(self, data: bytes | memoryview) -> int:
        """Return how many bytes were taken, without waiting; an error ends the stream."""

    @abstractmethod
    def _end(self) -> None:
        """End both directions, and wake the reader."""

    @abstractmethod
    def _end_writing(self) -> None:
        """Let the peer see the end, where that can be told."""

    @abstractmethod
    def _close(self) -> None:
        """Give the descriptor back."""

    # Reading: one thread

    def handshake(self, deadline: float | None = None) -> None:  # noqa: B027 - most have nothing to do
        """Agree on what protects the bytes: nothing here, TLS overrides it."""

    def recv(self, size: int = MOST_RECEIVE) -> bytes:
        """Wait for bytes, at most about `size`; b"" once either side has ended the stream.

        Raises TransportLost when the connection broke, TimeoutError when the time given to
        `set_receive_timeout` ran out.
        """
        if size > self._size:
            size = self._size
        try:
            data = self._receive(size)
        except BlockingIOError:
            raise TimeoutError(f"{self.peer}: nothing received in time") from None
        except OSError as exc:
            self.shutdown(exc.strerror or str(exc))
            raise self.ended() from exc
        number = len(data)
        self.came += number
        if not number:
            self.at_end = True
        elif number == size and size < MOST_RECEIVE:
            self._size = max(self._size, 2 * size)
        elif size > FIRST_RECEIVE and 4 * number < size:
            self._size = size // 2
        return b"" if self._ended else data  # the kernel goes on delivering after SHUT_RD

    def ended(self) -> TransportLost:
        """Return the one error for every end of a stream."""
        return TransportLost(f"{self.peer}: {self.lost or 'the peer closed the connection'}")

    def limit_wait(self, deadline: float) -> None:
        """Let the next `recv` wait until `time.monotonic()` is `deadline`, else TimeoutError."""
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError(f"{self.peer}: nothing received in time")
        self.set_receive_timeout(rest)

    def recv_by(self, deadline: float) -> bytes:
        """Wait for bytes until `time.monotonic()` is `deadline`; then TimeoutError."""
        self.limit_wait(deadline)
        return self.recv()

    # Writing: any thread

    def write(self, entries: Sequence[bytes], droppable: bool = False) -> bool:
        """Write the entries, in order, without waiting; True when nothing is left over.

        What the kernel does not take is kept. Ignored once the stream is finished or lost.
        """
        outbox = self._outbox
        with self.lock:
            if not self._writable:
                return not outbox.left
            try:
                if outbox.left:
                    outbox.put(entries, droppable)
                else:
                    self._begin(entries, droppable)
            except BaseException:
                self._lose(INTERRUPTED)
                raise
            if not outbox.left:
                return True
        self._tell_left()
        return False

    def drain(self) -> bool:
        """Write what is left, as far as the kernel takes it; True when nothing is left."""
        with self.lock:
            try:
                self._push()
            except BaseException:
                self._lose(INTERRUPTED)
                raise
            return not self._outbox.left

    def flush(self, seconds: float) -> bool:
        """Wait until nothing is left; False if the stream was lost, TimeoutError if time is up."""
        deadline = time.monotonic() + seconds
        while not self.drain():
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise TimeoutError(f"{self.peer}: {self.left} bytes not taken in {seconds:g} s")
            self._wait_writable(min(rest, 1.0))  # a second at most: the descriptor may be reused
        return not self._ended

    def drop_oldest(self, size: int, waiting: int = sys.maxsize) -> int:
        """Drop the oldest droppable entries until both bounds are kept; return how many went.

        The half-written one stays.
        """
        with self.lock:
            dropped = self._outbox.drop_oldest(size, waiting)
            if not self.left:
                self._end_if_finishing()
        return dropped

    def finish(self) -> None:
        """Accept no further writes; the peer sees the end after what is left."""
        with self.lock:
            self._writable = False
            self._finishing = not self._ended
            if not self.left:
                self._end_if_finishing()
            left = self.left
        if left:
            self._tell_left()

    def shutdown(self, why: str) -> None:
        """End the stream now, both ways, and wake its reader; any thread, any number of times."""
        with self.lock:
            self._lose(why)

    def close(self) -> None:
        """Give the descriptor back; the reading thread only."""
        with self.lock:
            if self.at_end:  # nobody is to be woken, and the peer waits for this at most
                self._give_up("closed")
            else:
                self._lose("closed")
            if not self._closed:
                self._closed = True
                self._close()
        self.on_left = None  # whose stream it is could not be freed without the collector

    # Under the lock

    def _begin(self, entries: Sequence[bytes], droppable: bool) -> None:
        """Write when nothing is left over: one send, and what it leaves is kept."""
        if len(entries) == 1:
            data = entries[0]
        elif sum(map(len, entries)) <= self.chunk:
            data = b"".join(entries)
        else:
            self._outbox.put(entries, droppable)
            return self._push()
        sent = self._send(data)
        self.went += sent
        if sent != len(data) and not self._ended:
            self._outbox.put(entries, droppable)
            self._outbox.took(sent)

    def _push(self) -> None:
        """Write what is left until no more is taken."""
        while self._outbox.left:
            data = self._gather()
            sent = self._send(data)
            self.went += sent
            if self._ended:
                return
            self._outbox.took(sent)
            if sent < len(data):
                return
        self._end_if_finishing()

    def _gather(self) -> bytes | memoryview:
        """Return the next bytes to write."""
        return self._outbox.next(self.chunk)

    def _lose(self, why: str) -> None:
        if not self._ended:
            self._give_up(why)
            with suppress(OSError):  # the peer may have gone before
                self._end()

    def _give_up(self, why: str) -> None:
        """Write and receive no more; the first reason wins."""
        if not self._ended:
            self._ended = True
            self._writable = self._finishing = False
            self.lost = why
            if self._outbox.left:
                self._outbox.clear()

    def _end_if_finishing(self) -> None:
        if self._finishing:
            self._finishing = False
            with suppress(OSError):
                self._end_writing()

    # Outside the lock

    def _tell_left(self) -> None:
        on_left = self.on_left  # `close` forgets it
        if on_left is not None:
            on_left(self)

    def _wait_writable(self, seconds: float) -> None:
        descriptor = self.fileno()
        if descriptor >= 0:
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll(seconds * 1000)
