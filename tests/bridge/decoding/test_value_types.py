"""What text becomes by its type, and what it cannot become."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.bridge.decoding.exact import scaled
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.bridge.decoding.value_types import converted


@pytest.mark.parametrize(
    ("kind", "text", "decimal", "value"),
    [
        ("float", "21,5", ",", 21.5),
        ("float", "21.5", ".", 21.5),
        ("int", "-7", ",", -7),
        ("quantity", "+  12.34", ".", 12.34),
        ("quantity", "- 3", ".", -3),
        ("quantity", "12.34 kg", ".", 12.34),
        ("quantity", "00.244*kW", ".", 0.244),
        ("quantity", "1 234,5 kg", ",", 1234.5),
        ("quantity", "1.234,5", ",", 1234.5),
        ("quantity", "1,234,567.5 W", ".", 1234567.5),
        ("quantity", "1'234", ".", 1234),
        ("quantity", "1.234", ",", 1234),
        ("quantity", "40%", ".", 40),
        ("quantity", "-5", ".", -5),
        ("quantity", "+1.234E-02", ".", 0.01234),
        ("quantity", "1.5e3 W", ".", 1500.0),
        ("quantity", "+2,50E+00V", ",", 2.5),
        ("quantity", "1 234e-1*kW", ".", 123.4),
        ("quantity", "3 eV", ".", 3),
        ("quantity", "3eV", ".", 3),
        ("quantity", "12.785*m3", ".", 12.785),
        ("quantity", "5/min", ".", 5),
        ("quantity", "21.5 °C", ".", 21.5),
        ("quantity", "0bar", ".", 0),
        ("quantity", "12.5E", ".", 12.5),
        ("quantity", "10x", ".", 10),
        ("hex", "0x1F", ".", 31),
        ("hex-twos-complement", "ff9c", ".", -100),
        ("hex-twos-complement", "0x7F", ".", 127),
        ("hex-sign-magnitude", "80be", ".", -190),
        ("hex-sign-magnitude", "00be", ".", 190),
    ],
)
def test_text_becomes_a_value(kind: str, text: str, decimal: str, value: Any) -> None:
    made = converted({"v": text}, {"v": kind}, decimal)["v"]
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "decimal"),
    [
        ("float", "21,5", "."),
        ("float", "21.5", ","),
        ("float", "1.234,5", ","),
        ("quantity", "12 34", "."),
        ("quantity", "1,23", "."),
        ("quantity", "12.3.4", "."),
        ("quantity", "kg 12", "."),
        ("quantity", "", "."),
        ("quantity", "1" * 70, "."),
        ("quantity", "0x10", "."),
        ("quantity", "0xFF", "."),
        ("quantity", "0b101", "."),
        ("quantity", "0o17 V", "."),
        ("quantity", "10x20", "."),
        ("quantity", "10 x 20 mm", "."),
        ("quantity", "10/20", "."),
        ("quantity", "10 * 20", "."),
        ("quantity", "1.5E-", "."),
        ("quantity", "1.5 e3", "."),
        ("quantity", "1e5.3", "."),
        ("quantity", "1e400 W", "."),
        ("hex-twos-complement", "-1", "."),
        ("hex-sign-magnitude", "0x", "."),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, text: str, decimal: str) -> None:
    with pytest.raises(Undecodable, match=f"v: no {kind}"):
        converted({"v": text}, {"v": kind}, decimal)


@pytest.mark.parametrize(
    ("args", "value"),
    [
        ((2301, 0.1), 230.1),
        ((2301, 0.1, -40), 190.1),
        ((25, 1, -40), -15),
        ((25, 10), 250),
        ((21.55, 1, 0, 1), 21.6),
        ((21.45, 1, 0, 1), 21.4),
        ((21.45, 1, 0, 0), 21),
        ((1.1, 3), 3.3),
        ((25, 1.0), 25.0),
    ],
)
def test_numbers_are_scaled_as_people_do_it(args: tuple[Any, ...], value: Any) -> None:
    made = scaled(*args)
    assert made == value
    assert type(made) is type(value)
