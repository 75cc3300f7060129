"""A serial device made of a pseudo-terminal behind a link, to be pulled and plugged in again."""

from __future__ import annotations

import fcntl
import functools
import operator
import os
import re
import select
import struct
import termios
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.waiting import until

PATIENCE = 20.0
READ_BUFFER = 4095  # bytes that Linux keeps for the reader of a terminal

Kinds = list[tuple[str, bytes]]


class PseudoDevice:
    """`path` is the link that a program opens; what stands behind it comes and goes."""

    def __init__(self, folder: Path, name: str = "ttyTEST") -> None:
        self.path = str(folder / name)
        self._master = self._slave = -1

    def __enter__(self) -> PseudoDevice:
        return self

    def __exit__(self, *_: object) -> None:
        self.pull()

    def plug(self) -> PseudoDevice:
        """Make a new pseudo-terminal and point the link at it."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.symlink(os.ttyname(self._slave), self.path + ".new")
        os.replace(self.path + ".new", self.path)
        return self

    def pull(self) -> None:
        """Take the device away, as an unplugged adapter goes."""
        if self._master >= 0:
            os.unlink(self.path)
            os.close(self._slave)
            os.close(self._master)
            self._master = self._slave = -1

    def write(self, data: bytes) -> None:
        """Send bytes as the device does; blocks while the reader lags."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._master, view) :]

    def read(self, seconds: float = PATIENCE) -> bytes:
        """Return what the program at the other end has written next."""
        readable, _, _ = select.select([self._master], [], [], seconds)
        assert readable, f"nothing was written within {seconds} s"
        return os.read(self._master, 65536)

    def clog(self) -> None:
        """Fill what the device has to read, so that it takes no more."""
        os.set_blocking(self._slave, False)
        until(self._takes_nothing, "the device takes nothing")

    def _takes_nothing(self) -> bool:
        """Write what there is room for; until the reader's buffer is full, more is made."""
        is_full = self.unheard() >= READ_BUFFER
        with suppress(BlockingIOError):
            while True:
                os.write(self._slave, b"." * 4096)
        return is_full

    def keeps_dtr(self) -> bool:
        """Tell whether HUPCL is off, so that a close leaves DTR alone."""
        return not termios.tcgetattr(self._slave)[2] & termios.HUPCL

    @property
    def speed(self) -> int:
        """The speed that the program at the other end has set, as termios names it."""
        into, out = termios.tcgetattr(self._slave)[4:6]
        assert into == out
        return int(out)

    def unread(self) -> int:
        """Tell how many bytes the program at the other end has not read yet."""
        return waiting_at(self._slave)

    def unheard(self) -> int:
        """Tell how many bytes of the program at the other end the device has not read yet."""
        return waiting_at(self._master)


def waiting_at(descriptor: int) -> int:
    """Return how many bytes wait to be read."""
    buffer = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
    return int(struct.unpack("I", buffer)[0])


def sentence(number: int) -> bytes:
    """Return an NMEA sentence that holds a number, with its line end."""
    body = b"GPTXT,01,01,02,%d" % number
    return b"$%s*%02X\r\n" % (body, functools.reduce(operator.xor, body))


def feed(device: PseudoDevice, numbers: range) -> None:
    """Send a sentence for each number."""
    device.write(b"".join(map(sentence, numbers)))


def kinds(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Tell of each line whether it ends with a right sentence, a wrong one, or none."""
    for line in re.split(rb"\r?\n", data):
        line = line.strip(b"\0 \t\r")
        match = re.search(rb"[$!]([^*$!]*)\*([0-9A-Fa-f]{2})\Z", line)
        if match:
            right = functools.reduce(operator.xor, match[1], 0) == int(match[2], 16)
            yield ("right" if right else "wrong"), match[0]
        elif line:
            yield "other", line
