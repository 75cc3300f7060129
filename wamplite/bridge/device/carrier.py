"""What carries the bytes of a device: a tty, a TCP stream (socket://) or RFC 2217 (rfc2217://).

    wait(seconds)         until bytes have come, or the end; False: the time is up, or `wake`
    read()                what has come; OSError at the end
    write(data, seconds)  all of it within so many seconds, or TimeoutError
    change(mode)          change the speed, the bits of a byte, the parity at once
    wake()                end a wait, from any thread; nothing once it is closed
    close()               close the device; only the reading thread

The only file that uses pyserial, which opens and configures. Reading is one poll and one read for
all that has come: 3 us a line (measured), where pyserial's `readline()` takes 500. Every carrier
raises OSError, a tty termios.error too.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import termios
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ...locks import Latch, Lock
from .line import LineSettings
from .line_mode import LineMode, set_line

if TYPE_CHECKING:
    import serial

__all__ = ["Carrier", "open_carrier"]

CHUNK = 65536
CONNECT = 5.0  # seconds to connect to socket://
SLICE = 0.1  # seconds after which a waiting writer looks whether the carrier has been closed
EMPTY = 3  # reads in a row without bytes, after which the device counts as lost
GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Carrier(Protocol):
    """The methods that Device uses; see the top of the file."""

    def wait(self, seconds: float | None) -> bool: ...

    def read(self) -> bytes: ...

    def write(self, data: bytes, seconds: float) -> None: ...

    def change(self, mode: LineMode) -> None: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


def open_carrier(settings: LineSettings, device: str) -> Carrier:
    """Open `device`, the path or URL that `settings.device` means now."""
    if not settings.is_line:
        connection = _connect(device)
        return DescriptorCarrier(connection.fileno(), connection, is_stream=True)
    if "://" in device:
        return QueueCarrier(_open(settings, device, 0.25))
    handle = _open(settings, device, None)
    if not settings.hupcl:
        _keep_lines_up(handle.fileno())
    return DescriptorCarrier(handle.fileno(), handle)


def _open(settings: LineSettings, device: str, timeout: float | None) -> serial.SerialBase:
    """Open by pyserial with all settings at once: a pty refuses a later change of parity."""
    import serial

    try:
        opened = serial.serial_for_url(
            device,
            do_not_open=True,
            baudrate=settings.baudrate,
            bytesize=settings.bytesize,
            parity=settings.parity,
            stopbits=settings.stopbits,
            rtscts=settings.rtscts,
            xonxoff=settings.xonxoff,
            exclusive=settings.exclusive,
            timeout=timeout,  # no write_timeout: RFC 2217 has none; write() has its own
        )
        for name in ("dtr", "rts"):
            if (level := getattr(settings, name)) is not None:
                setattr(opened, name, level)
        if settings.rs485:
            from serial.rs485 import RS485Settings

            opened.rs485_mode = RS485Settings()
        opened.open()
        return opened
    except ValueError as exc:  # a setting that this carrier does not have
        raise OSError(errno.EINVAL, str(exc)) from exc


def _keep_lines_up(descriptor: int) -> None:
    """Keep DTR up at close, so that the next opening does not reset the board."""
    with suppress(termios.error):  # a pty has no DTR
        attributes = termios.tcgetattr(descriptor)
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), CONNECT)
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return connection


class DescriptorCarrier:
    """A tty or a TCP stream: a non-blocking descriptor."""

    def __init__(self, descriptor: int, owner: Any, is_stream: bool = False) -> None:
        self._descriptor = descriptor
        self._owner = owner  # has close()
        self._is_stream = is_stream
        self._lock = Lock()  # guards the descriptor: the kernel gives a closed number again
        self._closed = False
        self._ended = False  # poll has reported the end
        self._empty = 0
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)

    def wait(self, seconds: float | None) -> bool:
        """Wait for bytes, or the end; None: without a limit."""
        found = dict(self._poll.poll(None if seconds is None else max(0.0, seconds) * 1000))
        if self._woken in found:
            os.read(self._woken, CHUNK)
        events = found.get(self._descriptor, 0)
        self._ended = bool(events & GONE)
        return events != 0

    def read(self) -> bytes:
        """Read what has come; OSError at the end."""
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return b""
        self._empty = 0 if data else self._empty + 1
        # poll reported bytes, read found none: another program took them, or the device is gone.
        if not data and (self._is_stream or self._ended or self._empty >= EMPTY):
            raise OSError(errno.EIO, "the device is gone")
        return data

    def write(self, data: bytes, seconds: float) -> None:
        """Write all of it; what a tty has not sent when the time is up is dropped."""
        deadline = time.monotonic() + seconds
        view = memoryview(data)
        while view:
            view = view[self._write_some(view) :]
            if view and not self._await_room(deadline):
                with self._lock, suppress(termios.error):
                    if not self._closed:
                        termios.tcflush(self._descriptor, termios.TCOFLUSH)
                raise TimeoutError(f"{len(view)} of {len(data)} bytes not taken in {seconds:g} s")

    def _write_some(self, view: memoryview) -> int:
        with self._lock:
            if self._closed:
                raise OSError(errno.EIO, "closed meanwhile")
            try:
                return os.write(self._descriptor, view)
            except BlockingIOError:
                return 0

    def _await_room(self, deadline: float) -> bool:
        rest = deadline - time.monotonic()
        if rest <= 0:
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll(min(rest, SLICE) * 1000)
        return True

    def change(self, mode: LineMode) -> None:
        """Change the line of a tty; a stream has none."""
        with self._lock:
            if self._closed:
                raise OSError(errno.EIO, "closed meanwhile")
            set_line(self._descriptor, mode)

    def wake(self) -> None:
        """End a wait."""
        with self._lock, suppress(BlockingIOError):
            if not self._closed:
                os.write(self._waker, b"!")

    def close(self) -> None:
        """Close it; a waiting writer raises OSError within SLICE seconds."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._woken)
            os.close(self._waker)
            self._owner.close()


class QueueCarrier:
    """A connection that a thread of pyserial reads (rfc2217://); waits poll pyserial's queue."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle  # its read timeout is the length of one poll
        self._first = b""
        self._woken = Latch()

    def wait(self, seconds: float | None) -> bool:
        """Wait for a byte."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self._woken.is_set():
            self._first = self._handle.read(1)
            if self._first:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
        self._woken.clear()
        return False

    def read(self) -> bytes:
        """Read what has come."""
        first, self._first = self._first, b""
        waiting = min(self._handle.in_waiting, CHUNK)
        return first + self._handle.read(waiting) if waiting else first

    def write(self, data: bytes, seconds: float) -> None:
        """Hand it to the connection, which buffers."""
        self._handle.write(data)

    def change(self, mode: LineMode) -> None:
        """Have the other end change it."""
        for name, value in mode._asdict().items():
            if value:
                setattr(self._handle, name, value)

    def wake(self) -> None:
        """End a wait, within the handle's read timeout."""
        self._woken.set()

    def close(self) -> None:
        """Close the connection."""
        self._handle.close()
