"""What of a line can be changed while it is open: speed, bits of a byte, parity, stop bits."""

from __future__ import annotations

import errno
import os
import re
import termios
from contextlib import suppress
from typing import Any, NamedTuple

from ...schema import Kind

__all__ = ["PARITIES", "STOP_BITS", "LineMode", "Speed", "set_line"]

SPEEDS: dict[int, int] = {
    int(name[1:]): value
    for name, value in vars(termios).items()
    if re.fullmatch(r"B[1-9]\d+", name)
}
CONTROL, INPUT, OUTPUT = 2, 4, 5  # places among the attributes of a terminal
BITS = {5: termios.CS5, 6: termios.CS6, 7: termios.CS7, 8: termios.CS8}
PSEUDO = range(136, 144)  # major numbers of pseudo-terminals, as Linux gives them
STICKY = 0o10000000000  # CMSPAR of Linux: the parity bit does not depend on the others
PARITIES = {
    "N": 0,
    "E": termios.PARENB,
    "O": termios.PARENB | termios.PARODD,
    "M": termios.PARENB | termios.PARODD | STICKY,
    "S": termios.PARENB | STICKY,
}

STOP_BITS = (1, 1.5, 2)  # 1.5: of bytes of five bits; a terminal has two for it


class Speed(Kind):
    """Bits per second, one of the speeds that every system has a number for."""

    wanted = f"one of {', '.join(map(str, sorted(SPEEDS)))}"
    short = "number"

    def fits(self, value: Any) -> bool:
        return type(value) is int and value in SPEEDS

    def described(self) -> dict[str, Any]:
        return {"type": "integer", "enum": sorted(SPEEDS)}


class LineMode(NamedTuple):
    """How a line is set, or what of it is to change: a value that is false stays as it is."""

    baudrate: int = 0  # bits per second
    bytesize: int = 0  # bits of a byte
    parity: str = ""  # one of PARITIES
    stopbits: float = 0  # one of STOP_BITS

    def changed(self, change: LineMode) -> LineMode:
        """Return it with a change."""
        pairs = zip(change, self, strict=True)
        return LineMode._make(changed or there for changed, there in pairs)

    def change_to(self, other: LineMode) -> LineMode:
        """Return the change that makes it the other one."""
        triples = zip(other, self, LineMode(), strict=True)
        return LineMode._make(same if new == there else new for new, there, same in triples)

    def __str__(self) -> str:
        speed = [f"{self.baudrate} baud"] if self.baudrate else []
        size = [f"{self.bytesize} bits"] if self.bytesize else []
        parity = [f"parity {self.parity}"] if self.parity else []
        stop = [f"stop bits {self.stopbits:g}"] if self.stopbits else []
        return ", ".join([*speed, *size, *parity, *stop])


def set_line(descriptor: int, change: LineMode) -> None:
    """Change an open terminal at once; OSError, termios.error.

    A pseudo-terminal carries bytes: it has 8 bits and no parity, and takes others for these.
    """
    speed, size, parity, stop = change
    if speed and speed not in SPEEDS:
        raise OSError(errno.EINVAL, f"{speed} is no speed that an open line can be changed to")
    attributes = termios.tcgetattr(descriptor)
    if speed:
        attributes[INPUT] = attributes[OUTPUT] = SPEEDS[speed]
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    if size or parity or stop:
        attributes[CONTROL] = control_flags(attributes[CONTROL], size, parity, stop)
        with suppress(*((termios.error,) if _is_pseudo(descriptor) else ())):
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def control_flags(flags: int, size: int, parity: str, stop: float = 0) -> int:
    """Return the control flags of a terminal with bytes of another size, parity or end."""
    if size:
        flags = flags & ~termios.CSIZE | BITS[size]
    if parity:
        flags = flags & ~(termios.PARENB | termios.PARODD | STICKY) | PARITIES[parity]
    if stop:
        flags = flags & ~termios.CSTOPB | (termios.CSTOPB if stop > 1 else 0)
    return flags


def _is_pseudo(descriptor: int) -> bool:
    return os.major(os.fstat(descriptor).st_rdev) in PSEUDO
