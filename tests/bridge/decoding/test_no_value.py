"""What a device sends where it has no value is left out, by every decoder in one way."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.core.errors import UsageError


def decoded(decode: dict[str, Any], frame: bytes) -> Any:
    port = {"name": "p", "device": "/dev/x", "decode": decode}
    reading = from_dict({"port": [port]}).ports[0].decode.decoder().decode(frame)
    assert not reading.args or not reading.kwargs
    return reading.args or reading.kwargs


CSV = {"kind": "csv", "fields": ["t", "h"], "types": {"t": "float", "h": "int"}}
PAIRS = {"kind": "pairs", "between": " "}
REGEX = {"kind": "regex", "pattern": "(?P<t>[^ ]+) (?P<h>.*)", "types": {"t": "float"}}
PLACES = {"kind": "regex", "pattern": "([^ ]+) (.*)", "types": {"0": "float"}}
STRUCT = {"kind": "struct", "format": "<hB", "fields": ["t", "h"], "scale": {"t": 0.1}}


@pytest.mark.parametrize(
    ("decode", "frame", "values"),
    [
        (CSV | {"none": {"t": ""}}, b",40", {"h": 40}),
        (CSV | {"none": {"t": ["nan", ""]}}, b" nan,40", {"h": 40}),
        (CSV | {"none": {"t": -127}}, b"-127.0,40", {"h": 40}),
        (CSV | {"none": {"t": [-127, 85]}}, b"85.0,40", {"h": 40}),
        (CSV | {"none": {"t": -127}}, b"21.5,40", {"t": 21.5, "h": 40}),
        (PAIRS | {"none": {"T": "--"}}, b"T=-- H=40", {"H": 40}),
        (PAIRS | {"none": {"T": 85}}, b"T=85.0 H=40", {"H": 40}),
        (PAIRS | {"none": {"T": "--"}, "types": {"T": "float"}}, b"T=-- H=40", {"H": 40}),
        (REGEX | {"none": {"t": "-"}}, b"- 40", {"h": "40"}),
        (PLACES | {"none": {"0": "-"}}, b"- 40", [None, "40"]),
        (PLACES | {"none": {"0": "-"}, "scale": {"0": 2}}, b"- 40", [None, "40"]),
        (STRUCT | {"none": {"t": 0x7FFF}}, struct.pack("<hB", 0x7FFF, 40), {"h": 40}),
        (STRUCT | {"none": {"t": 0x7FFF}}, struct.pack("<hB", 215, 40), {"t": 21.5, "h": 40}),
        ({"kind": "json", "none": {"t": "NaN"}}, b'{"t": "NaN", "h": null}', {"h": None}),
        ({"kind": "json", "none": {"t": 1}}, b'{"t": true}', {"t": True}),
    ],
)  # fmt: skip
def test_such_a_value_is_left_out(decode: dict[str, Any], frame: bytes, values: Any) -> None:
    assert decoded(decode, frame) == values


def test_a_value_of_a_sentence_is_left_out_before_it_gets_its_type() -> None:
    types, none = {"wind_angle": "float", "wind_speed": "float"}, {"wind_angle": "--"}
    keys = {"kind": "nmea", "parse": True, "unchecked": True, "types": types, "none": none}
    port = {"name": "p", "device": "/dev/x", "decode": keys}
    decode = from_dict({"port": [port]}).ports[0].decode.decoder().decode
    found = decode(b"$WIMWV,--,R,3.1,N,A").kwargs
    assert ("wind_angle" in found, found["wind_speed"]) == (False, 3.1)
    assert decode(b"$WIMWV,270.5,R,3.1,N,A").kwargs["wind_angle"] == 270.5


@pytest.mark.parametrize(
    ("decode", "frame"),
    [
        (CSV | {"none": {"t": "", "h": ""}}, b","),
        (PAIRS | {"none": {"T": 85}}, b"T=85"),
        ({"kind": "text", "none": {"0": "none"}}, b"none"),
        ({"kind": "struct", "format": "<h", "none": {"0": -1}}, b"\xff\xff"),
    ],
)
def test_where_nothing_is_left_there_is_no_reading(decode: dict[str, Any], frame: bytes) -> None:
    with pytest.raises(Undecodable) as refused:
        decoded(decode, frame)
    assert refused.value.reason == "no value"


def test_each_of_several_readings_of_a_frame_is_looked_at() -> None:
    def function(frame: bytes) -> Any:
        yield {"t": 1, "h": 2}
        yield {"t": 9}
        yield {"t": 9, "h": 3}

    port = {"name": "p", "device": "/dev/x"}
    decode = {"kind": "python:", "function": function, "none": {"t": 9}}
    made = from_dict({"port": [port | {"decode": decode}]}).ports[0].decode.decoder()
    readings = made.decode(b"x").all()
    assert [one.kwargs for one in readings] == [{"t": 1, "h": 2}, {"h": 3}]


@pytest.mark.parametrize(
    ("none", "words"),
    [
        ({"x": 1}, 'none: there is no value named "x"'),
        ({"t": True}, "none: t: expected a number, a text, or an array of them, not true"),
        ({"t": []}, "none: t: expected a number, a text"),
    ],
)
def test_what_cannot_be_meant_is_told(none: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as told:
        decoded(CSV | {"none": none}, b"")
    assert words in str(told.value)
