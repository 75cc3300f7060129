"""The speeds that a line can be changed to while it is open."""

from __future__ import annotations

import errno
import re
import termios
from typing import Any

from ...schema import Kind

__all__ = ["Speed", "set_speed"]

SPEEDS: dict[int, int] = {
    int(name[1:]): value
    for name, value in vars(termios).items()
    if re.fullmatch(r"B[1-9]\d+", name)
}
INPUT, OUTPUT = 4, 5  # places among the attributes of a terminal


class Speed(Kind):
    """Bits per second, one of the speeds that every system has a number for."""

    wanted = f"one of {', '.join(map(str, sorted(SPEEDS)))}"
    short = "number"

    def fits(self, value: Any) -> bool:
        return type(value) is int and value in SPEEDS

    def described(self) -> dict[str, Any]:
        return {"type": "integer", "enum": sorted(SPEEDS)}


def set_speed(descriptor: int, speed: int) -> None:
    """Set the speed of a terminal at once, and nothing else of it; OSError, termios.error."""
    if speed not in SPEEDS:
        raise OSError(errno.EINVAL, f"{speed} is no speed that an open line can be changed to")
    attributes = termios.tcgetattr(descriptor)
    attributes[INPUT] = attributes[OUTPUT] = SPEEDS[speed]
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
