"""Pairs of a name and a value, as devices write them."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.bridge.decoding.pairs import PairsSettings
from wamplite.bridge.decoding.readings import Undecodable

P1 = b"""/ISk5\\2MT382-1000\r
\r
0-0:96.1.1(4B384547303034303436333935353037)\r
1-0:1.7.0(00.244*kW)\r
0-1:24.2.1(101209112500W)(12785.123*m3)\r
!"""


@pytest.mark.parametrize(
    ("keys", "frame", "values"),
    [
        ({"between": " "}, b"T=21.5 H=40", {"T": 21.5, "H": 40}),
        ({"between": " "}, b"noise T=-3 =4 H= 40", {"T": -3, "H": ""}),
        ({"separator": "\t"}, b"\r\nPID\t0xA389\r\nV\t12830\r\nSER#\tHQ1\r\n", {
            "PID": "0xA389", "V": 12830, "SER#": "HQ1",
        }),
        ({"between": ";"}, b"20;06;Oregon;ID=0042;TEMP=00be;HUM=45;", {
            "ID": 42, "TEMP": "00be", "HUM": 45,
        }),
        ({"between": ";", "types": {"ID": "str", "TEMP": "hex"}}, b"ID=0042;TEMP=00be;", {
            "ID": "0042", "TEMP": 190,
        }),
        (
            {"separator": "(", "close": ")", "last": True,
             "rename": {"1-0:1.7.0": "power", "0-1:24.2.1": "gas", "1-0:2.7.0": "returned"},
             "types": {"power": "quantity", "gas": "quantity"}},
            P1, {"power": 0.244, "gas": 12785.123},
        ),
        ({"separator": ":"}, b"a: 1: 2", {"a": 1}),
        ({"separator": ":", "last": True}, b"a: 1: 2", {"a": 2}),
        ({"decimal": ",", "separator": ":"}, b"a: 1,5\nb: 1.5", {"a": 1.5, "b": "1.5"}),
        ({}, b"long=1234567890123456\nexp=1e400", {"long": "1234567890123456", "exp": "1e400"}),
    ],
)  # fmt: skip
def test_each_device_writes_pairs_in_its_own_way(
    keys: dict[str, Any], frame: bytes, values: dict[str, Any]
) -> None:
    reading = PairsSettings(**keys).decoder().decode(frame)
    assert reading.args == []
    assert reading.kwargs == values
    assert {name: type(value) for name, value in reading.kwargs.items()} == {
        name: type(value) for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("keys", "frame", "reason"),
    [
        ({}, b"no pair at all", "no pair"),
        ({"rename": {"V": "volt"}}, b"A=1", "no pair"),
        ({}, b"V=1\nV=2", "V: there twice"),
        ({"types": {"V": "float"}}, b"V=high", "V: no float"),
    ],
)
def test_what_is_no_reading_is_refused(keys: dict[str, Any], frame: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        PairsSettings(**keys).decoder().decode(frame)


def test_the_names_are_known_where_they_are_given() -> None:
    assert PairsSettings().names() is None
    assert PairsSettings(rename={"V": "volt"}).names() == {"volt"}
