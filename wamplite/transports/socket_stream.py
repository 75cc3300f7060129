"""A connected socket as a stream, see stream.py.

The socket stays blocking and without a timeout: a send with MSG_DONTWAIT on a socket that has one
blocks for all of it.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from ..core.errors import TransportLost
from .stream import FIRST_RECEIVE, Stream
from .tcp import keep_alive

_FLAGS = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)
# 66 is SO_RCVTIMEO_NEW: 32-bit Linux built with a 64-bit time_t
_TIMEVAL = struct.Struct("@qq" if socket.SO_RCVTIMEO == 66 else "@ll")


def limit_sending(sock: socket.socket, seconds: float) -> None:
    """Let each later send of a blocking socket wait at most so long: BlockingIOError then."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(seconds))


def _timeval(seconds: float) -> bytes:
    return _TIMEVAL.pack(*divmod(max(int(seconds * 1_000_000), 1), 1_000_000))


def peer_name(sock: socket.socket) -> str:
    """Name the other end as logs and errors do: 127.0.0.1:5000, [::1]:5000, unix."""
    if sock.family == socket.AF_UNIX:
        return "unix"
    try:
        return name_of(sock.getpeername())
    except OSError:  # gone before we looked
        return "unknown peer"


def name_of(address: Any) -> str:
    """Name it by its address, as sockets have it: a tuple for TCP, else it is a Unix socket's."""
    if not isinstance(address, tuple):
        return "unix"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class SocketStream(Stream):
    """A connected socket. `sock` is blocking and belongs to the stream.

    kept_alive: the interval by which the kernel looks after it already; 0: some other one.
    """

    __slots__ = ("_asked", "_flags", "_kept_alive", "_receiving", "_sock")

    is_plain = True

    def __init__(
        self, sock: socket.socket, peer: str | None = None, kept_alive: float = 0.0
    ) -> None:
        if sock.gettimeout() is not None:
            sock.setblocking(True)
        super().__init__(peer or peer_name(sock))
        self._sock = sock
        self._kept_alive = kept_alive
        self._flags = 0  # of recv(2)
        self._asked = 0  # bytes that a step of the next asks for
        self._receiving: Iterator[bytes] = iter(())

    def fileno(self) -> int:
        return self._sock.fileno()

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Let a later `recv` wait at most `seconds`; None: for ever."""
        value = _TIMEVAL.pack(0, 0) if seconds is None else _timeval(seconds)
        with suppress(OSError):  # a lost connection: recv will tell
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)

    def may_wait(self, may: bool) -> None:
        """Let a later `recv` wait for bytes; or not: TimeoutError where there are none."""
        flags = 0 if may else socket.MSG_DONTWAIT
        if flags != self._flags:
            self._flags, self._asked = flags, 0

    def keep_alive(self, interval: float) -> None:
        """Let the kernel end the stream whose peer vanished, within twice `interval` seconds."""
        if interval != self._kept_alive:
            self._kept_alive = interval
            keep_alive(self._sock, interval)

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

    def take(self, wanted: Callable[[bytes], int]) -> bool:
        """Wait for bytes, and read as many of them as `wanted` says; False at the end.

        What is behind them is left to whoever reads next: before TLS.
        """
        try:
            shown = self._sock.recv(FIRST_RECEIVE, socket.MSG_PEEK)
            if self._ended or not shown:
                return False
            self.came += len(self._sock.recv(wanted(shown)))
        except OSError as exc:
            self.shutdown(exc.strerror or str(exc))
            raise self.ended() from exc
        return True

    def disown(self) -> None:
        """Close the copy of the descriptor that a forked child has; the connection stays as is."""
        with suppress(OSError):
            self._sock.close()

    def _receive(self, size: int) -> bytes:
        """Wait for bytes. Nothing looks for signals after a step of `for`, see `locks`."""
        if size != self._asked:
            receive = partial(self._sock.recv, size, self._flags)
            self._receiving, self._asked = iter(receive, None), size
        data, self.waits = b"", True
        for data in self._receiving:  # noqa: B007 - it is returned
            self.waits = False
            break
        return data

    # Under the lock

    def _send(self, data: bytes | memoryview) -> int:
        """Return how many bytes the kernel took; an error ends the stream."""
        try:
            return self._sock.send(data, _FLAGS)
        except BlockingIOError:
            return 0
        except OSError as exc:
            self._lose(exc.strerror or str(exc))
            return 0

    def _end(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)

    def _end_writing(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def _close(self) -> None:
        self._sock.close()
