"""A serial device that comes and goes: opened, read, lost, and opened again, for ever.

    closed --open--> settling --> open --read error--> closed     (closed at once: a descriptor kept
      ^  \\                         |                               open makes the kernel give the
      |   \\--cannot open--> wait,  \\--no frame--> silent           device another name)
      |                     longer                  |
      \\_____________________each time_______________/

One thread per device reads all that has come and hands it to a ByteSink, which must not wait. A
busy device is read every GATHER seconds instead of at each byte. A device that has just been opened
may be booting: for `settle` seconds what it sends is read and dropped. Another thread writes (see
`commands`), within a deadline. No exception ends the thread.
"""

from __future__ import annotations

import logging
import re
import termios
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ...locks import Latch
from .. import clock
from . import names
from .carrier import Carrier, open_carrier
from .line import LineSettings
from .line_mode import LineMode

__all__ = ["FIRST_WAIT", "LONGEST_WAIT", "Device", "DeviceDown", "ByteSink", "DeviceState"]

log = logging.getLogger(__name__)

FIRST_WAIT = 0.1
LONGEST_WAIT = 30.0
LOOK = 0.25  # seconds between two looks whether a lost device has come back
GATHER = 0.008  # seconds between two reads of a busy device: 100 bytes at 115200 baud
BUSY = 0.05  # seconds: a device that was read within them is busy
LATENCY = 0.02  # seconds that a USB adapter may keep what was written
BITS = 10  # of a byte on the line, as a rule
OPEN_TRIES_NETWORK = 2.0  # seconds, the longest wait for a URL: no file in /dev announces it


class DeviceState(str, Enum):
    """The state of a device, by the word that its port's status has for it."""

    CLOSED = "closed"
    SETTLING = "settling"
    OPEN = "open"
    SILENT = "silent"
    STOPPED = "stopped"


class DeviceDown(Exception):
    """The device is not open and cannot be written to; the text says why."""


class ByteSink(Protocol):
    """What takes a device's bytes. Called on the device's thread; no method may wait."""

    heard: float  # monotonic time of the last frame
    gathers: bool  # it does not need the time of bytes to the millisecond

    def opened(self) -> None: ...

    def received(self, data: bytes, heard: clock.Moment) -> None: ...

    def patience(self) -> float | None: ...  # seconds after which to call `idle`

    def idle(self) -> None: ...

    def lost(self) -> None: ...


class Device:
    """One device and the thread that reads it; `changed(state, why)` is called at each change."""

    def __init__(
        self,
        settings: LineSettings,
        sink: ByteSink,
        changed: Callable[[DeviceState, str], None] = lambda state, why: None,
    ) -> None:
        self.settings = settings
        self.address = settings.device
        self.opens = 0
        self.mode = settings.mode
        self.state = DeviceState.CLOSED
        self.is_ready = False  # open and settled
        self.eager = False  # a command waits for the next bytes: do not gather
        self.touched = 0.0  # monotonic time when the last bytes came
        self._sink = sink
        self._changed = changed
        self._stopping = Latch()
        self._reopen = ""  # the reason to close the device and open it again, if there is one
        self._carrier: Carrier | None = None
        self._wait = FIRST_WAIT
        self.why = self._said = ""
        self._opened = self._last = 0.0
        self._sent = 0.0  # monotonic time when all that was written has left
        self._thread = threading.Thread(
            target=self._run, name=f"wamplite-port-{settings.name}", daemon=True
        )

    # ---- any thread

    def start(self) -> None:
        """Begin to open and read the device; returns at once."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """Close the device and end the thread; False when it has not ended in time."""
        self._stopping.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def reopen(self, why: str = "asked to") -> None:
        """Close the device and open it again at once."""
        self._reopen = why
        self._wake()

    def down(self) -> str:
        """Return the text for a command that cannot reach the device."""
        return f"{self.address} is {self.state.value}{self.why and f': {self.why}'}"

    def duration(self, data: bytes) -> float:
        """Return how many seconds bytes take on the line; 0 where there is none."""
        return self.settings.is_line * len(data) * BITS / self.mode.baudrate

    def change(self, change: LineMode) -> None:
        """Change the line, up to the next opening, when all that was written is out.

        DeviceDown when it is not open, or cannot. Not on the device's own thread.
        """
        self._stopping.wait(max(0.0, self._sent + LATENCY - time.monotonic()))
        carrier = self._carrier
        if carrier is None:
            raise DeviceDown(self.down())
        try:
            carrier.change(change)
        except (OSError, ValueError, termios.error) as exc:
            raise DeviceDown(f"{self.address}: not set to {change}: {exc}") from exc
        self.mode = self.mode.changed(change)

    def write(self, data: bytes, seconds: float | None = None) -> None:
        """Write to the device; DeviceDown when it is not open, TimeoutError when it takes nothing.

        seconds: in place of the setting write_timeout. Not on the device's own thread.
        """
        carrier = self._carrier
        if carrier is None or not self.is_ready:
            raise DeviceDown(self.down())
        self._sent = max(self._sent, time.monotonic()) + self.duration(data)
        try:
            carrier.write(data, self.settings.write_timeout if seconds is None else seconds)
        except TimeoutError:
            raise
        except (OSError, termios.error) as exc:
            raise DeviceDown(f"{self.address}: {exc}") from exc

    def _wake(self) -> None:
        carrier = self._carrier
        if carrier is not None:
            carrier.wake()

    # ---- the device's thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            meant = _meaning(self.address)
            try:
                self._reopen = ""
                self._open()
                self._settle()
                self._read()
            except _Reopen as exc:
                self._close(exc.state, str(exc))
            except Exception as exc:
                self._close(DeviceState.CLOSED, self._tell(exc))
                self._pause(meant)
        self._close(DeviceState.STOPPED, "")

    def _open(self) -> None:
        device = names.resolve(self.address)
        self._carrier = open_carrier(self.settings, device)
        self.opens += 1
        self.mode = self.settings.mode
        self._said = ""
        advice = names.advice(device)
        speed = f" at {self.settings.baudrate} baud" if self.settings.is_line else ""
        log.info("%s: open%s%s", self.address, speed, advice)

    def _settle(self) -> None:
        """Drop what a booting board sends."""
        carrier, deadline = self._carrier, time.monotonic() + self.settings.settle
        if self.settings.settle > 0 and self.state is not DeviceState.SILENT:
            self._become(DeviceState.SETTLING, "")
        while carrier is not None and (left := deadline - time.monotonic()) > 0:
            if carrier.wait(left):
                carrier.read()
            self._look_around()
            if self._stopping.is_set():
                return
        self._opened = time.monotonic()
        self.is_ready = True
        self._sink.opened()
        if self.state is not DeviceState.SILENT:
            self._become(DeviceState.OPEN, "")

    def _read(self) -> None:
        carrier = self._carrier
        while carrier is not None and not self._stopping.is_set():
            patience = self._sink.patience()
            if carrier.wait(self._until_silent(patience)):
                self._gather()
                self._take(carrier.read())
            if patience is not None:
                self._sink.idle()
            self._look_around()

    def _until_silent(self, patience: float | None) -> float | None:
        if not self.settings.silence:
            return patience
        left = max(0.0, self._opened_or_heard() + self.settings.silence - time.monotonic())
        return left if patience is None else min(left, patience)

    def _opened_or_heard(self) -> float:
        return max(self._opened, self._sink.heard)

    def _gather(self) -> None:
        """Let more bytes come, unless a command waits for them."""
        now = time.monotonic()
        if now - self._last < BUSY and not self.eager and self._sink.gathers:
            self._stopping.wait(GATHER)
        self._last = now

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self.touched = time.monotonic()
        self._sink.received(self.settings.without_parity(data), clock.now())
        self._wait = FIRST_WAIT
        if self.state is DeviceState.SILENT and self._sink.heard >= self._opened:
            self._become(DeviceState.OPEN, "")

    def _look_around(self) -> None:
        """Raise _Reopen if the device has been silent for too long, or `reopen` was called."""
        if self._reopen:
            raise _Reopen(DeviceState.CLOSED, f"{self.address}: reopened: {self._reopen}")
        silence = self.settings.silence
        if silence and self._opened and time.monotonic() - self._opened_or_heard() > silence:
            log.warning("%s: no frame for %g s: opened again", self.address, silence)
            raise _Reopen(DeviceState.SILENT, f"{self.address}: no frame for {silence:g} s")

    def _close(self, state: DeviceState, why: str) -> None:
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            try:
                carrier.close()
            except Exception as exc:
                log.warning("%s: could not be closed: %s", self.address, exc)
        self._opened = 0.0
        self.is_ready = False
        self._become(state, why)
        if carrier is not None:
            self._sink.lost()

    def _become(self, state: DeviceState, why: str) -> None:
        if (state, why) != (self.state, self.why):
            self.state, self.why = state, why
            self._changed(state, why)

    def _tell(self, exc: Exception) -> str:
        """Log why the device is closed, once for each reason; return the reason."""
        text = names.explain(self.address, _number(exc), str(exc))
        if text != self._said:
            self._said = text
            fault_of_ours = None if isinstance(exc, (OSError, termios.error)) else exc
            log.warning("%s; trying again until it works", text, exc_info=fault_of_ours)
        return text

    def _pause(self, meant: object) -> None:
        """Wait before the next try, longer each time, until the path leads to another device."""
        left = self._wait
        longest = OPEN_TRIES_NETWORK if "://" in self.address else LONGEST_WAIT
        self._wait = min(2 * self._wait, longest)
        while left > 0 and not self._stopping.wait(min(left, LOOK)) and not self._reopen:
            left -= LOOK
            now = _meaning(self.address)
            if now is not None and now != meant:
                self._wait = FIRST_WAIT
                return


class _Reopen(Exception):
    """The device is to be closed and opened again at once."""

    def __init__(self, state: DeviceState, why: str) -> None:
        super().__init__(why)
        self.state = state


def _meaning(device: str) -> object:
    """Return a value that changes with the device behind an address; None: no device."""
    try:
        return names.identity(names.resolve(device))
    except OSError:
        return None


def _number(exc: Exception) -> int | None:
    """Find the errno; pyserial has it only in the text of some of its exceptions."""
    number = getattr(exc, "errno", None) or (exc.args[0] if exc.args else None)
    if isinstance(number, int):
        return number
    match = re.search(r"\[?Errno (\d+)|\((\d+), '", str(exc))
    return int(match[1] or match[2]) if match else None
