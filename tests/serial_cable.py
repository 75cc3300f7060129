"""A serial cable: two pseudo-terminals and what carries bytes between them, well or badly."""

from __future__ import annotations

import os
import random
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path

PATIENCE = 0.05  # seconds for an end to take what came for it


class Cable:
    """`host` and `device` are the links that two programs open; the cable can be pulled.

    error_rate: of the bytes that are carried, how many are changed, lost or doubled.
    """

    def __init__(self, folder: Path, error_rate: float = 0.0, seed: int = 1) -> None:
        self.host = str(folder / "ttyHOST")
        self.device = str(folder / "ttyDEVICE")
        self.error_rate = error_rate
        self.errors = 0
        self.carried = 0
        self.held = ""  # the end whose bytes nobody takes
        self._random = random.Random(seed)
        self._lock = threading.Lock()  # guards the descriptors
        self._masters: dict[str, int] = {}
        self._slaves: dict[str, int] = {}
        self._woken, self._waking = os.pipe()
        self._ended = False
        for path in (self.host, self.device):
            self.plug(path)
        self._thread = threading.Thread(target=self._carry, name="cable", daemon=True)
        self._thread.start()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._wake()
        self._thread.join()
        for path in list(self._masters):
            self.pull(path)
        os.close(self._woken)
        os.close(self._waking)

    @property
    def host_url(self) -> str:
        """What the router listens on."""
        return f"serial://{self.host}"

    @property
    def device_url(self) -> str:
        """What the client connects to."""
        return f"serial://{self.device}"

    def plug(self, path: str) -> None:
        """Put a new pseudo-terminal behind a link."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        os.symlink(os.ttyname(slave), f"{path}.new")
        os.replace(f"{path}.new", path)
        with self._lock:
            self._masters[path], self._slaves[path] = master, slave
        self._wake()

    def pull(self, path: str) -> None:
        """Take it away, as a pulled adapter goes: whoever has it open gets an error."""
        with self._lock:
            master, slave = self._masters.pop(path), self._slaves.pop(path)
            os.unlink(path)
            os.close(slave)
            os.close(master)
        self._wake()

    def inject(self, path: str, data: bytes) -> None:
        """Send bytes to the program at one end, as noise or as a device of another make."""
        view = memoryview(data)
        while view:
            with self._lock:
                view = view[_write(self._masters[path], view) :]
            if view:
                select.select([], [self._masters[path]], [], 0.1)

    def _wake(self) -> None:
        os.write(self._waking, b"\0")

    def _carry(self) -> None:
        while not self._ended:
            with self._lock:
                masters = {key: end for key, end in self._masters.items() if key != self.held}
            try:
                readable, _, _ = select.select([*masters.values(), self._woken], [], [], PATIENCE)
            except OSError:  # pulled just now
                continue
            if self._woken in readable:
                os.read(self._woken, 4096)
            with self._lock:
                for path, other in ((self.host, self.device), (self.device, self.host)):
                    if masters.get(path) in readable and path in self._masters:
                        self._pass_on(self._masters[path], self._masters.get(other))

    def _pass_on(self, source: int, target: int | None) -> None:
        with suppress(OSError):
            data = os.read(source, 512)
            self.carried += len(data)
            if self.error_rate:
                data = self._spoil(data)
            if target is not None:
                view = memoryview(data)
                while view:  # no program there may be: then what does not fit is lost
                    if not select.select([], [target], [], PATIENCE)[1]:
                        return
                    view = view[_write(target, view) :]

    def _spoil(self, data: bytes) -> bytes:
        spoilt = bytearray()
        for byte in data:
            if self._random.random() >= self.error_rate:
                spoilt.append(byte)
                continue
            self.errors += 1
            kind = self._random.randrange(3)
            if kind == 0:
                spoilt.append(byte ^ 1 << self._random.randrange(8))
            elif kind == 1:
                spoilt += bytes((byte, self._random.randrange(256)))
        return bytes(spoilt)


def _write(number: int, data: memoryview) -> int:
    try:
        return os.write(number, data)
    except BlockingIOError:
        return 0
