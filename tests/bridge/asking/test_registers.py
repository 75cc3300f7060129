"""Values in registers, and back; pure. The orders were computed by another implementation."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest

from wamplite.bridge.asking.registers import OLD_ORDERS, RegisterSettings, decoded, encoded
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.core.errors import InvalidArgument

# type, order, value, registers: pymodbus 3.6.9, BinaryPayloadBuilder(byteorder, wordorder)
ORDERED = [
    ("float32", "ABCD", 230.5, "4366 8000"),
    ("float32", "CDAB", 230.5, "8000 4366"),
    ("float32", "BADC", 230.5, "6643 0080"),
    ("float32", "DCBA", 230.5, "0080 6643"),
    ("uint32", "ABCD", 16909060, "0102 0304"),
    ("uint32", "CDAB", 16909060, "0304 0102"),
    ("uint32", "BADC", 16909060, "0201 0403"),
    ("uint32", "DCBA", 16909060, "0403 0201"),
    ("int32", "ABCD", -2, "ffff fffe"),
    ("int32", "CDAB", -2, "fffe ffff"),
    ("int32", "BADC", -2, "ffff feff"),
    ("int32", "DCBA", -2, "feff ffff"),
    ("uint64", "ABCD", 72623859790382856, "0102 0304 0506 0708"),
    ("uint64", "CDAB", 72623859790382856, "0708 0506 0304 0102"),
    ("uint64", "BADC", 72623859790382856, "0201 0403 0605 0807"),
    ("uint64", "DCBA", 72623859790382856, "0807 0605 0403 0201"),
    ("int64", "ABCD", -3, "ffff ffff ffff fffd"),
    ("int64", "CDAB", -3, "fffd ffff ffff ffff"),
    ("int64", "BADC", -3, "ffff ffff ffff fdff"),
    ("int64", "DCBA", -3, "fdff ffff ffff ffff"),
    ("float64", "ABCD", -1234.5, "c093 4a00 0000 0000"),
    ("float64", "CDAB", -1234.5, "0000 0000 4a00 c093"),
    ("float64", "BADC", -1234.5, "93c0 004a 0000 0000"),
    ("float64", "DCBA", -1234.5, "0000 0000 004a 93c0"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("kind", "order", "value", "registers"), ORDERED)
def test_numbers_of_32_and_64_bits_in_every_order(
    kind: str, order: str, value: float, registers: str
) -> None:
    settings = RegisterSettings(type=kind, byteorder=order)
    assert decoded(settings, words(registers)) == value
    assert encoded(settings, value) == words(registers)
    assert settings.size == len(words(registers))


@pytest.mark.parametrize(("old", "order"), OLD_ORDERS.items())
def test_the_old_names_of_the_orders_mean_the_same(old: str, order: str) -> None:
    registers = [0x4366, 0x8000]
    one, other = (RegisterSettings(type="uint32", byteorder=name) for name in (old, order))
    assert decoded(one, registers) == decoded(other, registers)


@pytest.mark.parametrize(
    ("told", "registers", "value"),
    [
        ({"type": "uint16"}, [65535], 65535),
        ({"type": "int16"}, [65535], -1),
        ({"type": "uint16", "scale": 0.1}, [2301], 230.1),
        ({"type": "int16", "scale": 0.01}, [0xFFEC], -0.2),
        ({"type": "uint16", "scale": 10}, [7], 70),
        ({"type": "uint16", "offset": -40}, [65], 25),
        ({"type": "uint16", "scale": 0.1, "offset": -40}, [652], 25.2),
        ({"type": "float32", "round": 1}, [0x41A8, 0xCCCD], 21.1),  # 21.100000381469727
        ({"type": "float32", "round": 0}, [0x41A8, 0xCCCD], 21),
        ({"type": "uint16", "scale": 0.25, "round": 1}, [9], 2.2),  # half to even
        ({"type": "uint16", "round": 2}, [9], 9),
        ({"type": "uint16", "mask": 0x0F00, "offset": 1}, [0xABCD], 12),
        ({"type": "bit"}, [1], True),
        ({"type": "bit"}, [0], False),
        ({"type": "uint16", "mask": 0x0F00}, [0xABCD], 0xB),
        ({"type": "uint16", "mask": 0x0F00, "scale": 0.5}, [0xABCD], 5.5),
        ({"type": "uint16", "mask": 0x8000}, [0xABCD], True),
        ({"type": "uint16", "mask": 0x0010}, [0xABCD], False),
        ({"type": "uint32", "mask": 0x8000_0000}, [0x8000, 0], True),
        ({"type": "string", "count": 4}, words("4142 4300 0020 2000"), "ABC"),
        ({"type": "string", "count": 2}, [0, 0], ""),
    ],
)
def test_a_value_is_read(told: dict[str, Any], registers: list[int], value: object) -> None:
    found = decoded(RegisterSettings(**told), registers)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("told", "registers"),
    [
        ({"type": "int16", "none": 0x8000}, "8000"),
        ({"type": "uint16", "none": 0xFFFF, "scale": 0.1}, "ffff"),
        ({"type": "uint32", "none": 0xFFFF0000, "byteorder": "CDAB"}, "0000 ffff"),
        ({"type": "uint16", "none": 0}, "0000"),
    ],
)
def test_bits_that_stand_for_no_value_are_none(told: dict[str, Any], registers: str) -> None:
    settings = RegisterSettings(**told)
    with pytest.raises(Undecodable, match="no value"):
        decoded(settings, words(registers))
    assert decoded(settings, [1, 1][: settings.size])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_no_value(value: float) -> None:
    registers = list(struct.unpack(">2H", struct.pack(">f", value)))
    with pytest.raises(Undecodable, match="no value"):
        decoded(RegisterSettings(type="float32"), registers)


def test_a_number_that_no_float_holds_once_it_is_scaled_is_no_value() -> None:
    registers = list(struct.unpack(">4H", struct.pack(">d", 1e300)))
    with pytest.raises(Undecodable, match="no value"):
        decoded(RegisterSettings(type="float64", scale=1e300), registers)


def test_text_that_is_not_ascii_is_no_value() -> None:
    with pytest.raises(Undecodable, match="not ASCII"):
        decoded(RegisterSettings(type="string"), [0xC3A9])


@pytest.mark.parametrize(
    ("told", "value", "registers"),
    [
        ({"type": "uint16"}, 7.0, [7]),
        ({"type": "int16"}, -32768, [0x8000]),
        ({"type": "uint16", "scale": 0.1}, 230.1, [2301]),
        ({"type": "uint16", "scale": 0.5}, 21.3, [43]),
        ({"type": "int16", "scale": 0.01}, -0.2, [0xFFEC]),
        ({"type": "uint16", "offset": -40}, 25, [65]),
        ({"type": "uint16", "scale": 0.1, "offset": -40}, 25.2, [652]),
        ({"type": "float32"}, 1, [0x3F80, 0]),
        ({"type": "float32", "scale": 0.001}, 0.23, [0x4366, 0]),
        ({"type": "uint64"}, (1 << 64) - 1, [0xFFFF] * 4),
        ({"type": "bit"}, True, [1]),
        ({"type": "bit"}, 0, [0]),
        ({"type": "string", "count": 2}, "ABC", words("4142 4300")),
    ],
)
def test_a_value_is_written(told: dict[str, Any], value: object, registers: list[int]) -> None:
    assert encoded(RegisterSettings(**told), value) == registers


@pytest.mark.parametrize(
    ("told", "value", "text"),
    [
        ({"type": "uint16"}, 65536, "out of range: uint16 holds 0 to 65535"),
        ({"type": "uint16"}, -1, "out of range"),
        ({"type": "int16", "scale": 0.1}, 3276.8, "int16 holds -3276.8 to 3276.7"),
        ({"type": "int16", "scale": -1}, 32769, "int16 holds -32767 to 32768"),
        ({"type": "uint16", "offset": -40}, -41, "uint16 holds -40 to 65495"),
        ({"type": "uint16"}, 1.5, "expected a whole number for uint16, not 1.5"),
        ({"type": "uint16"}, True, "expected a number, not True"),
        ({"type": "uint16"}, "7", "expected a number, not '7'"),
        ({"type": "float32"}, math.nan, "expected a number"),
        ({"type": "float32"}, 1e39, "float32 holds up to 3.4e"),
        ({"type": "float64", "scale": 1e-300}, 1e300, "out of range"),
        ({"type": "bit"}, 2, "expected true or false, not 2"),
        ({"type": "bit"}, "on", "expected true or false, not 'on'"),
        ({"type": "string", "count": 2}, "ABCDE", "5 characters; 2 registers hold 4"),
        ({"type": "string", "count": 2}, "é", "expected text of ASCII"),
        ({"type": "string", "count": 2}, 5, "expected text of ASCII"),
    ],
)
def test_what_a_register_cannot_hold_is_refused(
    told: dict[str, Any], value: object, text: str
) -> None:
    with pytest.raises(InvalidArgument, match=text):
        encoded(RegisterSettings(**told), value)
