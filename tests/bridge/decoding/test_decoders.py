"""Decoders with settings: what frames say, what is refused under which word, and replies."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processes import ROOT
from tests.shared import files
from wamplite.bridge.decoding import value_types
from wamplite.bridge.decoding.decoder import DECODERS, DecodeSettings
from wamplite.bridge.decoding.python import PREFIX
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.core.errors import UsageError


def documented_words() -> list[str]:
    """Return what docs/bridge.md says is a bool: the four that are true, then the others."""
    cell = (ROOT / "docs" / "bridge.md").read_text().partition('`"bool"` (')[2].partition(")")[0]
    return re.findall(r"`(\w+)`", cell)


WORDS = documented_words()


def decoded(frame: bytes, kind: str, **settings: Any) -> Any:
    settings = {"kind": kind} | settings if kind.startswith(PREFIX) else settings
    found = DECODERS[PREFIX if kind.startswith(PREFIX) else kind].made(**settings).make()(frame)
    assert found.size == len(frame)
    return found.args, found.kwargs


def refusal(frame: bytes, kind: str, **settings: Any) -> str:
    with pytest.raises(Undecodable) as refused:
        decoded(frame, kind, **settings)
    return refused.value.reason


def test_text_has_an_encoding() -> None:
    assert decoded(b"21 \xb0C\r", "text", encoding="latin-1") == (["21 °C"], {})
    assert decoded("21 °C".encode("utf-16-le"), "text", encoding="utf-16-le") == (["21 °C"], {})
    assert refusal(b"21 \xb0C", "text", encoding="ascii") == "not ASCII"
    assert refusal(b"21 \xb0C", "text") == "not UTF-8"
    assert refusal(b"\0\r", "text", encoding="latin-1") == "empty"


def test_bytes_are_taken_as_they_are() -> None:
    assert decoded(b"\0\xff\r", "bytes") == ([b"\0\xff\r"], {})


FIELDS = {"fields": ("temp", "", "name"), "types": {"temp": "float"}}


@pytest.mark.parametrize(
    ("frame", "kwargs"),
    [
        (b"21.5,skipped,kitchen\r", {"temp": 21.5, "name": "kitchen"}),
        (b" -3 ,,x y ", {"temp": -3.0, "name": "x y "}),
        (b'1e3,"a,b","say ""hi"""', {"temp": 1000.0, "name": 'say "hi"'}),
    ],
)
def test_csv_names_values_in_their_order(frame: bytes, kwargs: dict[str, Any]) -> None:
    assert decoded(frame, "csv", **FIELDS) == ([], kwargs)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"21.5,x", "wrong number of values"),
        (b"21.5,x,y,z", "wrong number of values"),
        (b"temp,hum,name", "temp: no float"),
        (b"nan,x,y", "temp: no float"),
        (b"1e999,x,y", "temp: no float"),
        (b"1_0,x,y", "temp: no float"),
        (b",x,y", "temp: no float"),
        (b'1,"x,y', "no CSV"),
        (b"1,\xff,y", "not UTF-8"),
    ],
)
def test_csv_of_another_shape_is_refused(frame: bytes, reason: str) -> None:
    assert refusal(frame, "csv", **FIELDS) == reason


def test_csv_may_have_another_separator() -> None:
    assert decoded(b"1;2", "csv", fields=("a", "b"), separator=";") == ([], {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "-12", -12),
        ("int", "007", 7),
        ("float", ".5", 0.5),
        ("float", "5.", 5.0),
        ("str", "x", "x"),
        ("bool", "ON", True),
        ("bool", "0", False),
        *(("bool", word, number < 4) for number, word in enumerate(WORDS)),
        ("hex", "0x1F", 31),
        ("hex", "ff", 255),
    ],
)
def test_types_make_values_of_text(kind: str, text: str, value: Any) -> None:
    _, kwargs = decoded(text.encode(), "csv", fields=("x",), types={"x": kind})
    assert kwargs == {"x": value}
    assert type(kwargs["x"]) is type(value)


def test_every_word_for_a_bool_is_documented() -> None:
    assert {word: word in WORDS[:4] for word in WORDS} == value_types.BOOLS


@pytest.mark.parametrize(
    ("kind", "text"),
    [("int", "1.5"), ("int", "٣"), ("int", "9" * 70), ("bool", "maybe"), ("hex", "0xg")],
)
def test_text_that_is_not_of_its_type_is_refused(kind: str, text: str) -> None:
    assert refusal(text.encode(), "csv", fields=("x",), types={"x": kind}) == f"x: no {kind}"


def test_an_integer_that_wamp_cannot_carry_is_refused() -> None:
    assert refusal(b"9" * 30, "csv", fields=("x",), types={"x": "int"}) == "no value for WAMP"


def test_a_regex_gives_its_groups() -> None:
    pattern = r"T=(?P<temp>-?\d+\.\d)( H=(?P<hum>\d+))?"
    types = {"temp": "float", "hum": "int"}
    assert decoded(b"> T=21.5 H=40\r", "regex", pattern=pattern, types=types) == (
        [" H=40"],
        {"temp": 21.5, "hum": 40},
    )
    assert decoded(b"T=21.5", "regex", pattern=pattern, types=types) == ([None], {"temp": 21.5})
    assert refusal(b"T=x", "regex", pattern=pattern) == "no match"


def test_a_regex_without_names_gives_arguments() -> None:
    assert decoded(b"OK FAN=20", "regex", pattern=r"FAN=(\d+)", types={"0": "int"}) == ([20], {})
    assert decoded(b"OK FAN=20", "regex", pattern=r"\d+") == (["20"], {})


def test_a_struct_gives_values_by_name_or_by_position() -> None:
    frame = struct.pack("<HhI", 1, -2, 3)
    assert decoded(frame, "struct", format="<HhI", fields=("a", "", "c")) == ([], {"a": 1, "c": 3})
    assert decoded(frame, "struct", format="<HhI") == ([1, -2, 3], {})
    assert refusal(frame[1:], "struct", format="<HhI") == "wrong size"
    assert refusal(struct.pack("<f", float("nan")), "struct", format="<f") == "no value for WAMP"


MODULE = """
def decode(frame):
    first = frame[:1]
    if first == b"d": return {"temp": frame[1]}
    if first == b"n": return None
    if first == b"b": return frame
    if first == b"f": return {"x": float("inf")}
    if first == b"k": return {1: 2}
    return frame[100]
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "meter_of_tests.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "meter_of_tests", raising=False)
    return "python:meter_of_tests:decode"


def test_a_python_function_may_decode(beside: str) -> None:
    assert decoded(b"d\x05", beside) == ([], {"temp": 5})
    assert decoded(b"b\0", beside) == ([b"b\0"], {})


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"n", "python: no reading"),
        (b"x", "python: IndexError"),
        (b"f", "no value for WAMP"),
        (b"k", "no value for WAMP"),
    ],
)
def test_whatever_a_python_function_does_wrong_refuses_the_frame(
    beside: str, frame: bytes, reason: str
) -> None:
    assert refusal(frame, beside) == reason


def test_a_python_function_may_say_why_itself() -> None:
    def decode(frame: bytes) -> Any:
        raise Undecodable("wrong checksum")

    assert refusal(b"x", "python:", function=decode) == "wrong checksum"


GGA = b"$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76"
RMC = b"$GPRMC,092751.000,A,5321.6802,N,00630.3371,W,0.06,31.66,280511,,,A*45"


def test_the_values_of_a_sentence_have_names() -> None:
    args, kwargs = decoded(GGA, "nmea", parse=True, types={"num_sats": "int"})
    assert args == [GGA.decode()]
    assert (kwargs["talker"], kwargs["type"], kwargs["num_sats"]) == ("GP", "GGA", 8)
    assert kwargs["latitude"] == pytest.approx(53.361337, abs=1e-6)
    assert kwargs["longitude"] == pytest.approx(-6.50562, abs=1e-6)
    assert kwargs["altitude"] == 61.7
    assert kwargs["timestamp"].startswith("09:27:50")
    assert not kwargs.keys() & {"fields", "lat", "lon_dir", "age_gps_data"}
    assert decoded(RMC, "nmea", parse=True)[1]["datestamp"] == "2011-05-28"


def test_a_position_that_is_not_known_yet_is_left_out() -> None:
    kwargs = decoded(b"$GPGGA,,,,,,0,,,,,,,,*66", "nmea", parse=True)[1]
    assert kwargs == {"talker": "GP", "type": "GGA", "gps_qual": 0}


@pytest.mark.parametrize(
    "sentence", [b"$GPXYZ,1*51", b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C"]
)
def test_a_sentence_that_nobody_knows_keeps_its_fields(sentence: bytes) -> None:
    assert "fields" in decoded(sentence, "nmea", parse=True)[1]


@pytest.mark.usefixtures("shared")
def test_every_right_sentence_of_the_captures_can_be_parsed() -> None:
    plain = DECODERS["nmea"].made().make()
    named = DECODERS["nmea"].made(parse=True).make()
    parsed = 0
    for capture in files("captures/*.bin"):
        for line in capture.read_bytes().split(b"\n")[:2000]:
            try:
                sentence = plain(line).args
            except Undecodable:
                continue
            reading = named(line)
            assert reading.args == sentence
            parsed += "fields" not in reading.kwargs
    assert parsed > 1000


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (DECODERS["text"].made(), {"0"}),
        (DECODERS["bytes"].made(), {"0"}),
        (DECODERS["csv"].made(fields=("a", "")), {"a"}),
        (DECODERS["regex"].made(pattern="(?P<a>.)(.)"), {"a", "0"}),
        (DECODERS["regex"].made(pattern="x"), {"0"}),
        (DECODERS["struct"].made(format="<HH"), {"0", "1"}),
        (DECODERS["struct"].made(format="<HH", fields=("a", "")), {"a"}),
        (DECODERS["json"].made(), None),
        (DECODERS["nmea"].made(), None),
    ],
)
def test_the_names_that_a_frame_can_have(settings: DecodeSettings, names: set[str] | None) -> None:
    assert settings.names() == names


def test_only_a_checksum_spares_the_first_frame() -> None:
    kinds = {"nmea": False, "text": True, "json": True}
    assert {kind: DECODERS[kind].made().decoder().drops_first for kind in kinds} == kinds


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynmea2", None)
    with pytest.raises(UsageError, match=r"pip install pynmea2"):
        DECODERS["nmea"].made(parse=True).make()


ALL = [
    DECODERS["text"].made(encoding="utf-16"),
    DECODERS["text"].made(encoding="shift_jis"),
    DECODERS["csv"].made(fields=("a", "b"), types={"a": "float", "b": "int"}),
    DECODERS["csv"].made(fields=("a",), types={"a": "hex"}),
    DECODERS["regex"].made(pattern=r"(?P<a>\S*)(.)?", types={"a": "bool"}),
    DECODERS["regex"].made(pattern=r"(.*)", types={"0": "int"}, encoding="latin-1"),
    DECODERS["struct"].made(format="<f"),
    DECODERS["struct"].made(format="<2sd"),
    DECODERS["nmea"].made(parse=True),
    DECODERS["python:"].made(function=lambda frame: 1 / (frame[0] - 48)),
]


@pytest.mark.parametrize("settings", ALL, ids=lambda settings: type(settings).__name__)
@given(frame=st.binary(max_size=40) | st.text("0123456789.,-+eEx\"' \r\n").map(str.encode))
def test_no_frame_raises_anything_but_undecodable(settings: DecodeSettings, frame: bytes) -> None:
    try:
        reading = settings.make()(frame)
    except Undecodable as exc:
        assert exc.reason
    else:
        assert reading.size == len(frame)
