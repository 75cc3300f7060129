"""A serial port, through pyserial, and the stream of one session on it.

    OpenPort      opened once, until the cable is pulled; holds the frames that have come
    Descriptor    of one session: a descriptor of the port, which never blocks, and what wakes it
    SerialStream  one session's outbox and reader; sessions follow each other on a port

The reader of a session waits for bytes or for being woken by `shutdown`, and not for longer than it
says: it keeps the time of its session (serial_session.py).
"""

from __future__ import annotations

import errno
import os
import select
import termios
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from ..core.errors import TransportLost
from . import serial_path
from .serial_frames import Frame, Unframer
from .serial_url import Address, parse
from .stream import Stream

BACKLOG = 4.0  # seconds of the line's speed that may be left over before events are dropped
LEAST_BACKLOG = 4096  # bytes: two of the largest frames
BITS = 10  # of a byte on the line


class OpenPort:
    """An open port, which no other program can open. `frames` have come and wait to be taken."""

    def __init__(self, address: Address) -> None:
        import serial

        self.address = address
        self.frames: deque[Frame] = deque()
        self.unframer = Unframer(address.max_receive)
        try:
            self._handle = serial.Serial(
                address.device,
                address.baud,
                timeout=0,
                rtscts=address.rtscts,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as exc:
            raise TransportLost(explain(address.device, exc)) from exc
        os.set_blocking(self._handle.fileno(), False)

    def fileno(self) -> int:
        """Return the descriptor."""
        number: int = self._handle.fileno()
        return number

    def feed(self, data: bytes) -> None:
        """Take in what was read."""
        self.frames.extend(self.unframer.feed(data))

    def close(self) -> None:
        """Close the port; nothing if that was done before."""
        self._handle.close()


def explain(device: str, exc: Exception) -> str:
    """Say why a port could not be opened, and what to do."""
    cause = exc.__context__ if isinstance(exc.__context__, termios.error) else exc
    number = getattr(cause, "errno", None) or (cause.args[0] if cause.args else None)
    if number in (errno.EACCES, errno.EPERM):
        return f"{device}: permission denied; is the user in the group that owns it (dialout)?"
    if number in (errno.EAGAIN, errno.EBUSY):
        return f"{device}: in use by another program"
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return f"{device}: not there"
    if number == errno.ENOTTY:
        return f"{device}: not a serial device"
    return f"{device}: {exc}"


class Descriptor:
    """A descriptor of a port, of one session. `timeout` is for `read`."""

    def __init__(self, port: OpenPort) -> None:
        self.timeout: float | None = None
        self._number = os.dup(port.fileno())  # of its own: `close` ends a session, not the port
        try:
            self._woken, self._waking = os.pipe()
        except OSError:
            os.close(self._number)
            raise
        self._poll = select.poll()
        self._poll.register(self._number, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)

    def fileno(self) -> int:
        return self._number

    def read(self, size: int) -> bytes:
        """Wait for bytes; b"" once woken, BlockingIOError when time is up, OSError when gone."""
        timeout = None if self.timeout is None else max(0.0, self.timeout * 1000)
        ready = [number for number, _ in self._poll.poll(timeout)]
        if not ready:
            raise BlockingIOError
        if self._woken in ready:
            return b""
        data = os.read(self._number, size)
        if not data:
            raise OSError(errno.EIO, "the port is gone")
        return data

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._number, data)

    def wake(self) -> None:
        """Wake the reader, for good."""
        if self._waking >= 0:
            os.write(self._waking, b"\0")

    def forget_unsent(self) -> None:
        """Drop what the kernel still holds."""
        with suppress(termios.error):
            termios.tcflush(self._number, termios.TCOFLUSH)

    def unsent(self) -> int:
        """Return how many bytes the kernel still holds."""
        import fcntl

        with suppress(OSError):
            buffer = fcntl.ioctl(self._number, termios.TIOCOUTQ, bytes(4))
            return int.from_bytes(buffer, "little")
        return 0

    def close(self) -> None:
        for number in (self._number, self._woken, self._waking):
            if number >= 0:
                os.close(number)
        self._number = self._woken = self._waking = -1


class SerialStream(Stream):
    """One session's way to and from a port. `on_close` is called once it has ended."""

    __slots__ = ("_line", "dropped", "on_close", "patience", "port", "wrote")

    def __init__(self, port: OpenPort, on_close: Callable[[], None]) -> None:
        self._line = Descriptor(port)
        super().__init__(port.address.name)
        self.port = port
        self.on_close = on_close
        self.patience: float | None = None  # as `set_receive_timeout` set it
        self.wrote = time.monotonic()
        self.dropped = 0  # events, because the line is slow

    def fileno(self) -> int:
        return self._line.fileno()

    def set_receive_timeout(self, seconds: float | None) -> None:
        self.patience = seconds

    def recv_within(self, seconds: float | None) -> bytes:
        """Wait for bytes; TimeoutError when time is up."""
        self._line.timeout = seconds
        return self.recv()

    def write(self, entries: Sequence[bytes], droppable: bool = False) -> bool:
        self.wrote = time.monotonic()
        done = super().write(entries, droppable)
        most = max(LEAST_BACKLOG, int(BACKLOG * self.port.address.baud / BITS))
        if not done and self.left > most:
            self.dropped += self.drop_oldest(most)
        return done

    def linger(self, seconds: float) -> None:
        """Write what is left, and give the line the time to carry it."""
        deadline = time.monotonic() + seconds
        with suppress(TransportLost, TimeoutError):
            if not self.flush(seconds):
                return
        while self._line.unsent() and time.monotonic() < deadline:
            time.sleep(0.005)

    def close(self) -> None:
        if self._closed:
            return
        if self.lost is not None or self._line.unsent():
            self._line.forget_unsent()  # it would hold up whoever closes the port, or comes next
        try:
            super().close()
        finally:
            self.on_close()

    def disown(self) -> None:
        """Leave the port as it is: its lock is shared with the parent."""
        self._line.close()

    def _receive(self, size: int) -> bytes:
        return self._line.read(size)

    # Under the lock

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._line.write(data)
        except BlockingIOError:
            return 0
        except OSError as exc:
            self._lose(exc.strerror or str(exc))
            return 0

    def _end(self) -> None:
        self._line.wake()

    def _end_writing(self) -> None:
        """A line has no end that could be told."""
        self._line.wake()

    def _close(self) -> None:
        self._line.close()


def dial(url: str) -> SerialStream:
    """Open the port that a URL names, as a device; TransportLost says why it cannot be.

    Raises UsageError where something else than a serial device stands at the path.
    """
    address = parse(url)
    serial_path.check(address.device)
    port = OpenPort(address)
    try:
        return SerialStream(port, port.close)
    except BaseException:
        port.close()
        raise
