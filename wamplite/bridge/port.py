"""A serial device that comes and goes: opened, read, lost, and opened again, for ever.

    closed --open--> open --read error--> closed     (closed at once: a descriptor kept open makes
      ^  \\--cannot open--> wait, longer each time      the kernel give the device another name)
      \\________________________/

One thread per port reads what has come in one piece, never by the line (pyserial's readline costs
500 us a line, this 3), and hands it to a Sink that must not wait. `stop()` wakes it by
cancel_read(); closing a pyserial port from another thread would break its reader. Nothing escapes
from the thread. pyserial is imported here alone, at the first opening.
"""

from __future__ import annotations

import logging
import re
import termios
import threading
from typing import TYPE_CHECKING, Protocol

from . import devices

if TYPE_CHECKING:
    import serial

__all__ = ["FIRST_WAIT", "LONGEST_WAIT", "Port", "Sink"]

log = logging.getLogger(__name__)

FIRST_WAIT = 0.1
LONGEST_WAIT = 30.0
LOOK = 0.25  # how often a waiting port looks whether the device has come
CHUNK = 65536


class Sink(Protocol):
    """What a port tells, always from its own thread; none of it may wait."""

    def opened(self) -> None: ...

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


class Port:
    """One device and the thread that reads it."""

    def __init__(self, device: str, baud: int, sink: Sink) -> None:
        self.device = device
        self.baud = baud
        self.opens = 0
        self._sink = sink
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # guards _handle against close() during cancel_read()
        self._handle: serial.Serial | None = None
        self._wait = FIRST_WAIT
        self._said = ""
        self._thread = threading.Thread(
            target=self._run, name=f"wamplite-port-{device}", daemon=True
        )

    def start(self) -> None:
        """Begin to open and read the device."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """Close the device and end the thread; False when it has not ended in time."""
        self._stopping.set()
        with self._lock:
            if self._handle is not None:
                self._handle.cancel_read()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            meant = devices.identity(self.device)
            try:
                self._open()
                self._read()
            except Exception as exc:
                self._close()
                self._tell(exc)
                self._pause(meant)
        self._close()

    def _open(self) -> None:
        import serial

        handle = serial.Serial(self.device, self.baud, exclusive=True, write_timeout=1.0)
        with self._lock:
            self._handle = handle
        self.opens += 1
        self._said = ""
        log.info("%s: open at %d baud%s", self.device, self.baud, devices.advice(self.device))
        self._sink.opened()

    def _read(self) -> None:
        handle = self._handle
        while handle is not None and not self._stopping.is_set():
            data = _chunk(handle)
            if data:
                self._wait = FIRST_WAIT
                self._sink.received(data)

    def _close(self) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
            if handle is None:
                return
            try:
                handle.close()
            except Exception as exc:
                log.warning("%s: could not be closed: %s", self.device, exc)
        self._sink.lost()

    def _tell(self, exc: Exception) -> None:
        """Log why the device is closed, once for each reason."""
        text = devices.explain(self.device, _number(exc), str(exc))
        if text != self._said:
            self._said = text
            fault_of_ours = None if isinstance(exc, (OSError, termios.error)) else exc
            log.warning("%s; trying again until it works", text, exc_info=fault_of_ours)

    def _pause(self, meant: object) -> None:
        """Wait before the next try, longer each time, but not once the path means something new."""
        left, self._wait = self._wait, min(2 * self._wait, LONGEST_WAIT)
        while left > 0 and not self._stopping.wait(min(left, LOOK)):
            left -= LOOK
            now = devices.identity(self.device)
            if now is not None and now != meant:
                self._wait = FIRST_WAIT
                return


def _chunk(handle: serial.Serial) -> bytes:
    """Wait for a byte and return it with all that came along; b"" when cancelled."""
    first: bytes = handle.read(1)
    try:
        waiting = min(handle.in_waiting, CHUNK) if first else 0
        return first + handle.read(waiting) if waiting else first
    except OSError:  # pulled meanwhile: the next read says so, and this byte may end a line
        return first


def _number(exc: Exception) -> int | None:
    """Find the errno, which pyserial sometimes keeps in its text alone."""
    number = getattr(exc, "errno", None) or (exc.args[0] if exc.args else None)
    if isinstance(number, int):
        return number
    match = re.search(r"\[?Errno (\d+)|\((\d+), '", str(exc))
    return int(match[1] or match[2]) if match else None
