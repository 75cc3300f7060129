"""A connected socket: one thread reads, anybody writes, nobody waits for a slow peer.

All bytes of a connection go through its outbox, guarded by `lock`, which is never held across
anything that blocks:

    write -> nothing left over: one send that cannot block -> what the kernel did not take is kept
          -> something left over: kept behind it, in order
    drain, flush -> write what is left; after `finish`, the last byte is followed by SHUT_WR

The socket stays blocking and without a timeout: a send with MSG_DONTWAIT on a socket that has one
blocks for all of it. Any thread ends the connection by `shutdown`, which wakes the reader; only the
reading thread calls `close`, else a reused descriptor would get another peer's bytes.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..core.errors import TransportLost
from .tcp import keep_alive

FIRST_RECEIVE = 2048  # bytes asked of the kernel: a parked thread holds them, so start small,
MOST_RECEIVE = 65536  # double while they fill

INTERRUPTED = "interrupted in a write"  # by Ctrl-C: nobody knows how much has gone

_FLAGS = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)
# 66 is SO_RCVTIMEO_NEW: 32-bit Linux built with a 64-bit time_t
_TIMEVAL = struct.Struct("@qq" if socket.SO_RCVTIMEO == 66 else "@ll")


def peer_name(sock: socket.socket) -> str:
    """Name the other end as logs and errors do: 127.0.0.1:5000, [::1]:5000, unix."""
    if sock.family == socket.AF_UNIX:
        return "unix"
    try:
        host, port = sock.getpeername()[:2]
    except OSError:  # gone before we looked
        return "unknown peer"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Stream:
    """A connected socket with its outbox. `sock` is blocking and belongs to the stream.

    `left` bytes in `waiting` entries were accepted by `write` and not yet taken by the kernel.
    `on_left(stream)` is called, outside the lock, by each write that leaves something over.
    `lost` says why the stream was ended by us or by an error; the first reason wins.
    """

    __slots__ = (
        "_closed", "_ended", "_entries", "_finishing", "_offset", "_size", "_sock", "_writable",
        "left", "lock", "lost", "on_left", "peer", "waiting",
    )  # fmt: skip

    chunk = 1 << 18  # bytes joined for one send at most
    tls: Any = None  # the facts of what protects the bytes, see tls.TlsFacts

    def __init__(self, sock: socket.socket, peer: str | None = None) -> None:
        sock.setblocking(True)
        self.peer = peer or peer_name(sock)
        self.lock = threading.Lock()  # guards all that follows but `_size`
        self.left = 0
        self.waiting = 0
        self.on_left: Callable[[Stream], None] | None = None
        self.lost: str | None = None
        self._sock = sock
        self._entries: list[tuple[bytes, bool]] = []  # (entry, droppable); empty costs little
        self._offset = 0  # bytes of the first entry that have gone already
        self._writable = True  # `write` accepts
        self._finishing = False  # SHUT_WR follows the last byte
        self._ended = False  # no bytes go or come any more
        self._closed = False
        self._size = FIRST_RECEIVE  # of the reading thread alone

    def fileno(self) -> int:
        """Return the descriptor, -1 once closed."""
        return self._sock.fileno()

    # Reading: one thread

    def handshake(self, deadline: float | None = None) -> None:
        """Agree on what protects the bytes: nothing here, TLS overrides it."""

    def recv(self, size: int = MOST_RECEIVE) -> bytes:
        """Wait for bytes, at most about `size`; b"" once either side has ended the stream.

        Raises TransportLost when the connection broke, TimeoutError when the time given to
        `set_receive_timeout` ran out.
        """
        if size > self._size:
            size = self._size
        try:
            data = self._sock.recv(size)
        except BlockingIOError:
            raise TimeoutError(f"{self.peer}: nothing received in time") from None
        except OSError as exc:
            self.shutdown(exc.strerror or str(exc))
            raise self.ended() from exc
        if len(data) == size < MOST_RECEIVE:
            self._size = max(self._size, 2 * size)
        elif 4 * len(data) < size > FIRST_RECEIVE:
            self._size = size // 2
        return b"" if self._ended else data  # the kernel goes on delivering after SHUT_RD

    def ended(self) -> TransportLost:
        """Return the one error for every end of a stream."""
        return TransportLost(f"{self.peer}: {self.lost or 'the peer closed the connection'}")

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `recv` wait at most `seconds`; None: for ever."""
        parts = (0, 0)
        if seconds is not None:
            parts = divmod(max(int(seconds * 1_000_000), 1), 1_000_000)
        with suppress(OSError):  # a lost connection: recv will tell
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(*parts))

    def keep_alive(self, interval: float) -> None:
        """Let the kernel end the stream whose peer vanished, within twice `interval` seconds."""
        keep_alive(self._sock, interval)

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

    def linger(self, seconds: float) -> None:
        """Write what is left, then read and forget until the peer closes or time is up.

        The reading thread calls it between `finish` and `close`: closing with bytes unread resets
        the connection, and the peer would lose our last words.
        """
        deadline = time.monotonic() + seconds
        with suppress(TransportLost, TimeoutError):
            self.flush(seconds)
            while self.recv_by(deadline):
                pass

    # Writing: any thread

    def write(self, entries: Sequence[bytes], droppable: bool = False) -> bool:
        """Write the entries, in order, without waiting; True when nothing is left over.

        What the kernel does not take is kept. Ignored once the stream is finished or lost.
        """
        with self.lock:
            if not self._writable:
                return not self.left
            try:
                if self.left:
                    self._keep(entries, droppable)
                else:
                    self._begin(entries, droppable)
            except BaseException:
                self._lose(INTERRUPTED)
                raise
            if not self.left:
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
            return not self.left

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

        The half-written one stays, or the next frame would begin in its middle.
        """
        dropped, entries = 0, self._entries
        with self.lock:
            at = 1 if self._offset else 0
            while at < len(entries) and (self.left > size or self.waiting > waiting):
                entry, droppable = entries[at]
                if droppable:
                    del entries[at]
                    self.left -= len(entry)
                    self.waiting -= 1
                    dropped += 1
                else:
                    at += 1
            if not self.left:
                self._shut_if_finishing()
        return dropped

    def finish(self) -> None:
        """Accept no further writes; the peer sees the end after what is left."""
        with self.lock:
            self._writable = False
            self._finishing = not self._ended
            if not self.left:
                self._shut_if_finishing()
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
            self._lose("closed")
            self._closed = True
            self._sock.close()
        self.on_left = None  # whose stream it is could not be freed without the collector

    def disown(self) -> None:
        """Close the copy of the descriptor that a forked child has; the connection stays as is."""
        with suppress(OSError):
            self._sock.close()

    # Under the lock

    def _begin(self, entries: Sequence[bytes], droppable: bool) -> None:
        """Write when nothing is left over: one send, and what it leaves is kept."""
        if len(entries) == 1:
            data = entries[0]
        elif sum(map(len, entries)) <= self.chunk:
            data = b"".join(entries)
        else:
            self._keep(entries, droppable)
            return self._push()
        sent = self._send(data)
        if sent != len(data) and not self._ended:
            self._keep(entries, droppable)
            self._forget(sent)

    def _send(self, data: bytes | memoryview) -> int:
        """Return how many bytes the kernel took; an error ends the stream."""
        try:
            return self._sock.send(data, _FLAGS)
        except BlockingIOError:
            return 0
        except OSError as exc:
            self._lose(exc.strerror or str(exc))
            return 0

    def _keep(self, entries: Sequence[bytes], droppable: bool) -> None:
        for entry in entries:
            self._entries.append((entry, droppable))
            self.left += len(entry)
        self.waiting += len(entries)

    def _push(self) -> None:
        """Write what is left until the kernel takes no more."""
        while self.left:
            data = self._gather()
            sent = self._send(data)
            if self._ended:
                return
            self._forget(sent)
            if sent < len(data):
                return
        self._shut_if_finishing()

    def _gather(self) -> bytes | memoryview:
        """Return the next bytes to write: the rest of the first entry, or small ones joined."""
        head = self._entries[0][0]
        if self._offset or len(head) >= self.chunk:
            return memoryview(head)[self._offset :]
        parts, size = [], 0
        for entry, _ in self._entries:
            size += len(entry)
            if size > self.chunk:
                break
            parts.append(entry)
        return b"".join(parts)

    def _forget(self, sent: int) -> None:
        """Take what has gone off the front."""
        self.left -= sent
        sent += self._offset
        gone = 0
        for entry, _ in self._entries:
            if sent < len(entry):
                break
            sent -= len(entry)
            gone += 1
        del self._entries[:gone]
        self.waiting -= gone
        self._offset = sent

    def _lose(self, why: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._writable = self._finishing = False
        self.lost = why
        self.left = self.waiting = self._offset = 0
        self._entries.clear()
        with suppress(OSError):  # the peer may have gone before
            self._sock.shutdown(socket.SHUT_RDWR)

    def _shut_if_finishing(self) -> None:
        if self._finishing:
            self._finishing = False
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)

    # Outside the lock

    def _tell_left(self) -> None:
        on_left = self.on_left  # `close` forgets it
        if on_left is not None:
            on_left(self)

    def _wait_writable(self, seconds: float) -> None:
        descriptor = self._sock.fileno()
        if descriptor >= 0:
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll(seconds * 1000)
