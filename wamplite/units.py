"""Times and sizes as people write them: "500 ms", "2 min", "7 d"; "16 MiB", "64K".

A plain number is seconds, or bytes. Of sizes KiB, MiB and GiB are powers of 1024, as K, M and G
are; kB, MB and GB are powers of 1000.
"""

from __future__ import annotations

import re
from typing import Any

from .schema import Kind

DAY = 86400.0
SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
BYTES = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "k": 2**10, "m": 2**20, "g": 2**30}
BYTES |= {"kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZES = ("GiB", "MiB", "KiB", "B")
_TIMES = ("d", "h", "min", "s", "ms")
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([A-Za-z]{0,4})")


def seconds(value: Any) -> float | None:
    """Return a time in seconds; None where it is none."""
    return _number(value, SECONDS, "s")


def octets(value: Any) -> int | None:
    """Return a size in bytes; None where it is none, or no whole number of them."""
    found = _number(value, BYTES, "b")
    return int(found) if found is not None and found == int(found) else None


def time_shown(number: float) -> str:
    """Return a time with the largest unit that fits it."""
    return _shown(number, _TIMES, SECONDS)


def size_shown(number: float) -> str:
    """Return a size with the largest unit that fits it."""
    return _shown(number, _SIZES, {unit: BYTES[unit.lower()] for unit in _SIZES})


class Duration(Kind):
    """A time, in seconds where it has no unit."""

    short = "time"

    def __init__(self, least: float = 0.0, most: float = 3.2e9) -> None:
        self.wanted = 'a time in seconds or with a unit, such as 20, "500 ms", "2 min", "7 d"'
        if least or most < 3.2e9:
            self.wanted += f", from {time_shown(least)} to {time_shown(most)}"
        self._least, self._most = least, most

    def fits(self, value: Any) -> bool:
        number = seconds(value)
        return number is not None and self._least <= number <= self._most

    def convert(self, value: Any) -> Any:
        return seconds(value)

    def shown(self, value: Any) -> Any:
        return time_shown(value) if value else 0

    def described(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "minimum": 0}, _text(SECONDS)]}


class Size(Kind):
    """A number of bytes."""

    short = "size"

    def __init__(self, least: int = 0, most: int = 1 << 50) -> None:
        self.wanted = 'a size in bytes or with a unit, such as 65536, "64 KiB", "16 MiB"'
        if least or most < 1 << 50:
            self.wanted += f", from {size_shown(least)} to {size_shown(most)}"
        self._least, self._most = least, most

    def fits(self, value: Any) -> bool:
        number = octets(value)
        return number is not None and self._least <= number <= self._most

    def convert(self, value: Any) -> Any:
        return octets(value)

    def shown(self, value: Any) -> Any:
        return size_shown(value) if value else 0

    def described(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 0}, _text(_SIZES)]}


def _number(value: Any, units: dict[str, Any], plain: str) -> float | None:
    if type(value) in (int, float):
        return float(value) if 0 <= value < float("inf") else None
    if not isinstance(value, str) or not (found := _QUANTITY.fullmatch(value)):
        return None
    factor = units.get(found[2].lower() or plain)
    return None if factor is None else round(float(found[1]) * factor, 9)


def _shown(number: float, names: tuple[str, ...], units: dict[str, Any]) -> str:
    if not number:
        return "0"
    for name in names:
        many = number / units[name]
        if many >= 1 and many == round(many, 3):
            break
    return f"{many:.3f}".rstrip("0").rstrip(".") + f" {name}"


def _text(units: Any) -> dict[str, Any]:
    return {"type": "string", "pattern": rf"^[0-9]+(\.[0-9]+)? ?({'|'.join(units)})?$"}
