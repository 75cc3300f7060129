"""Values in the registers of a Modbus slave: types, orders of bytes, scale, masks; pure.

A register has 16 bits, the high byte first. Of a number of 32 or 64 bits the specification leaves
the order open. With A the highest byte of 32 bits, devices send ABCD (big), CDAB (the low register
first: little-swap), BADC (the bytes of each register swapped: big-swap) or DCBA (little).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from ...config import Location
from ...core import uris
from ...core.errors import InvalidArgument
from ...keys import TableSettings, setting
from ...schema import Number, Text, Whole
from ..decoding.exact import scaled
from ..decoding.readings import Undecodable

__all__ = ["NamedRegisterSettings", "RegisterSettings", "decoded", "encoded"]

# The format in `struct`; its size is that of the registers
NUMBERS = {"uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "uint64": "Q", "int64": "q"}
NUMBERS |= {"float32": "f", "float64": "d"}
FLOATS = ("float32", "float64")
WHOLE = tuple(name for name in NUMBERS if name not in FLOATS)
LONG = tuple(name for name, code in NUMBERS.items() if struct.calcsize(code) > 2)
TYPES = ("bit", *NUMBERS, "string")
# How many bytes are swapped: the registers as a whole, the bytes of each
ORDERS = {
    "ABCD": (False, False),
    "CDAB": (True, False),
    "BADC": (False, True),
    "DCBA": (True, True),
}
OLD_ORDERS = {"big": "ABCD", "little-swap": "CDAB", "big-swap": "BADC", "little": "DCBA"}
NAME = Text(pattern=r"[^\s.#{}]+", wanted="a name")


@dataclass(frozen=True, kw_only=True)
class RegisterSettings(TableSettings):
    """Where a value is, and how it is written there."""

    address: int = setting(Whole(0, 65535), "of the first register or coil, counted from 0", 0)
    type: str = setting(
        Text(*TYPES), "of the value; `bit`, of functions 1, 2, 5 and 15 only, is true or false",
        "uint16",
    )  # fmt: skip
    count: int = setting(
        Whole(1, 123), "how many registers", 1, only=("type", ("string",)), example=4
    )
    byteorder: str = setting(
        Text(*ORDERS, *OLD_ORDERS), "of numbers of 32 and 64 bits", "ABCD", only=("type", LONG)
    )
    scale: float = setting(
        Number(-1e300, 1e300), "the value is multiplied by it; a call's is divided", 1,
        only=("type", tuple(NUMBERS)), example=0.1,
    )  # fmt: skip
    offset: float = setting(
        Number(-1e300, 1e300), "is added then; of a call's value it is taken away first", 0,
        only=("type", tuple(NUMBERS)), example=-40,
    )  # fmt: skip
    round: int | None = setting(
        Whole(0, 15), "how many digits behind the point are kept", None,
        only=("type", tuple(NUMBERS)), example=1,
    )  # fmt: skip
    mask: int = setting(
        Whole(1, (1 << 64) - 1), "the bits that are the value; a single bit is true or false", None,
        only=("type", ("uint16", "uint32", "uint64")), example=0x0F00,
    )  # fmt: skip
    none: int | None = setting(
        Whole(0, (1 << 64) - 1), "the bits that stand for no value: it is left out", None,
        only=("type", tuple(NUMBERS)), example=0x8000,
    )  # fmt: skip

    @property
    def size(self) -> int:
        """How many registers, or coils, the value takes."""
        if self.type in NUMBERS:
            return struct.calcsize(NUMBERS[self.type]) // 2
        return self.count

    @property
    def is_adjusted(self) -> bool:
        """Whether the value is another than the registers hold."""
        return (self.scale, self.offset, self.round) != (1, 0, None)

    def check(self, at: Location) -> None:
        """Note a value that ends behind the last register, and what cannot be computed."""
        if self.address + self.size > 0x10000:
            (at / "address").wrong(f"{self.type} ends behind register 65535")
        if self.scale == 0:
            (at / "scale").wrong("must not be 0")
        if self.mask and self.mask >> 16 * self.size:
            (at / "mask").wrong(f"has more bits than a {self.type}")
        if self.none and self.none >> 16 * self.size:
            (at / "none").wrong(f"has more bits than a {self.type}")
        if self.mask and self.is_adjusted and not self.mask & (self.mask - 1):
            at.wrong('a single bit is no number: no "scale", "offset" or "round"')


@dataclass(frozen=True, kw_only=True)
class NamedRegisterSettings(RegisterSettings):
    """One of several values that are read at once."""

    name: str = setting(NAME, "the value's name", example="volts")


def decoded(settings: RegisterSettings, words: list[int]) -> Any:
    """Return the value in registers (or the one coil); Undecodable where there is none."""
    if settings.type == "bit":
        return bool(words[0])
    data = _ordered(struct.pack(f">{len(words)}H", *words), settings.byteorder)
    if settings.type == "string":
        if not data.isascii():
            raise Undecodable("not ASCII")
        return data.decode("ascii").strip("\0 ")
    if settings.none is not None and int.from_bytes(data, "big") == settings.none:
        raise Undecodable("no value")
    value = struct.unpack(f">{NUMBERS[settings.type]}", data)[0]
    if settings.type in FLOATS and not math.isfinite(value):
        raise Undecodable("no value for WAMP")
    if settings.mask:
        lowest = settings.mask & -settings.mask
        value = (value & settings.mask) // lowest
        if settings.mask == lowest:
            return bool(value)
    if not settings.is_adjusted:
        return value
    adjusted = scaled(value, settings.scale, settings.offset, settings.round)
    if not math.isfinite(adjusted):
        raise Undecodable("no value for WAMP")
    return adjusted


def encoded(settings: RegisterSettings, value: Any) -> list[int]:
    """Return the registers (or the one coil) that hold a value; InvalidArgument if none can."""
    if settings.type == "bit":
        if type(value) not in (bool, int) or value not in (0, 1):
            _refuse(f"expected true or false, not {value!r}")
        return [int(value)]
    data = _text(settings, value) if settings.type == "string" else _number(settings, value)
    return list(struct.unpack(f">{settings.size}H", _ordered(data, settings.byteorder)))


def _text(settings: RegisterSettings, value: Any) -> bytes:
    if type(value) is not str or not value.isascii():
        _refuse(f"expected text of ASCII, not {value!r}")
    if len(value) > 2 * settings.count:
        _refuse(f"{len(value)} characters; {settings.count} registers hold {2 * settings.count}")
    return value.encode("ascii").ljust(2 * settings.count, b"\0")


def _number(settings: RegisterSettings, value: Any) -> bytes:
    if type(value) not in (int, float) or not math.isfinite(value):
        _refuse(f"expected a number, not {value!r}")
    raw: int | float = value
    if settings.is_adjusted:
        exact = Decimal(repr(value)) - Decimal(repr(settings.offset))
        exact /= Decimal(repr(settings.scale))
        raw = round(exact) if settings.type in WHOLE else float(exact)
    elif settings.type in WHOLE and raw != int(raw):
        _refuse(f"expected a whole number for {settings.type}, not {value!r}")
    if settings.type in WHOLE:
        raw = int(raw)
    try:
        packed = struct.pack(f">{NUMBERS[settings.type]}", raw)
    except (struct.error, OverflowError):
        packed = b""
    if not packed or math.isinf(raw):
        _refuse(f"{value!r} is out of range: {_range(settings)}")
    return packed


def _range(settings: RegisterSettings) -> str:
    if settings.type in FLOATS:
        return f"{settings.type} holds up to {3.4e38 if settings.type == 'float32' else 1.8e308}"
    bits = 16 * settings.size
    signed = not settings.type.startswith("u")
    ends = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    least, most = sorted(scaled(end, settings.scale, settings.offset) for end in ends)
    return f"{settings.type} holds {least} to {most}"


def _ordered(data: bytes, order: str) -> bytes:
    """Bring bytes from the order ABCD to another, or back: each order is its own inverse."""
    registers, within = ORDERS[OLD_ORDERS.get(order, order)]
    pairs = [data[at : at + 2] for at in range(0, len(data), 2)]
    if registers:
        pairs.reverse()
    return b"".join(pair[::-1] if within else pair for pair in pairs)


def _refuse(text: str) -> NoReturn:
    raise InvalidArgument(uris.INVALID_ARGUMENT, text)
