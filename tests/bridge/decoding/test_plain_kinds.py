"""What a frame says, and what is refused and under which word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.pseudo import kinds
from tests.shared import files
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.decoding.json import decode_json
from wamplite.bridge.decoding.nmea import decode_nmea
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.bridge.decoding.text import decode_text
from wamplite.serializers.payload import MAX_DEPTH


def refusal(decode: Any, line: bytes) -> str:
    with pytest.raises(Undecodable) as refused:
        decode(line)
    return refused.value.reason


def test_text_is_the_line_as_the_one_argument() -> None:
    assert decode_text(b"T=21.5 \xc2\xb0C \r")[:2] == (["T=21.5 °C "], {})


def test_nuls_around_a_line_of_text_are_left_out() -> None:
    assert decode_text(b"\0\0boot\0")[:2] == (["boot"], {})


def test_text_that_is_not_utf_8_is_refused_and_not_guessed_at() -> None:
    assert refusal(decode_text, b"21.5 \xb0C") == "not UTF-8"
    assert refusal(decode_text, b"\0\0") == "empty"


@pytest.mark.parametrize(
    ("line", "args", "kwargs"),
    [
        (b'{"temp": 21.5, "unit": "C"}\r', [], {"temp": 21.5, "unit": "C"}),
        (b"21.5", [21.5], {}),
        (b"[1, [2]]", [[1, [2]]], {}),
        (b'"on"', ["on"], {}),
        (b"null", [None], {}),
        (b"\0true", [True], {}),
        (b"18446744073709551615", [2**64 - 1], {}),
        (b"{}", [], {}),
        (b'{"topic": 1, "args": 2, "self": 3}', [], {"topic": 1, "args": 2, "self": 3}),
    ],
)
def test_a_json_object_is_keyword_arguments_and_anything_else_the_one_argument(
    line: bytes, args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert decode_json(line)[:2] == (args, kwargs)


@pytest.mark.parametrize(
    "line",
    [
        b"{'temp': 1}",
        b'{"temp": 1',
        b"NaN",
        b"[-Infinity]",
        b'{"a": 1e999}',
        b"18446744073709551616",
        b"9" * 5000,
        b'{"\\ud800": 1}',
        b'["\\ud800"]',
        b"\xff\xfe{",
        b"[" * 4000,
        b"[" * 65 + b"]" * 65,
    ],
)
def test_json_that_some_serializer_could_not_carry_is_refused(line: bytes) -> None:
    assert refusal(decode_json, line) == "no JSON for WAMP"


def test_a_json_member_may_have_the_name_of_an_argument_of_ours() -> None:
    line = b'{"options": {"acknowledge": false}, "topic": 1, "args": [2], "v": 5}'
    assert decode_json(line).kwargs == {
        "options": {"acknowledge": False}, "topic": 1, "args": [2], "v": 5,
    }  # fmt: skip


def test_json_as_deep_as_is_allowed_passes_whatever_its_strings_hold() -> None:
    line = b"[" * (MAX_DEPTH - 1) + b'["[[[[{{{\\"[[["]' + b"]" * (MAX_DEPTH - 1)
    assert decode_json(line).args


def test_nmea_gives_sentence_talker_type_and_fields() -> None:
    reading = decode_nmea(b"$GPGLL,4916.45,N,12311.12,W,225444,A*31\r")
    assert reading.args == ["$GPGLL,4916.45,N,12311.12,W,225444,A*31"]
    assert reading.kwargs == {
        "talker": "GP",
        "type": "GLL",
        "fields": ["4916.45", "N", "12311.12", "W", "225444", "A"],
    }


def test_a_proprietary_sentence_has_the_talker_p() -> None:
    kwargs = decode_nmea(b"$PGRME,15.0,M*1A").kwargs
    assert (kwargs["talker"], kwargs["type"], kwargs["fields"]) == ("P", "GRME", ["15.0", "M"])


def test_an_ais_sentence_begins_with_an_exclamation_mark() -> None:
    line = b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C"
    reading = decode_nmea(line)
    assert (reading.args, reading.kwargs["talker"]) == ([line.decode()], "AI")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"$GPGLL,4916.45,N,12311.12,W,225444,A*32", "wrong checksum"),
        (b"$GPGLL,4916.45", "no sentence"),
        (b"GPGLL,4916.45*31", "no sentence"),
        (b"\xb5\x62\x01\x02", "no sentence"),
        (b"$GPXXX,\0a*02", "no sentence"),  # WAMP carries no text that begins so
    ],
)
def test_a_line_that_is_no_right_sentence_is_refused(line: bytes, reason: str) -> None:
    assert refusal(decode_nmea, line) == reason


@pytest.mark.parametrize(
    "before",
    [b"", b"\0\0", b"$GPGLL,49", b"$GPGLL,1*2A", b"\\s:r3669961,c:1120959341*51\\", b"\xff?"],
)
def test_what_stands_before_a_sentence_on_its_line_is_passed_over(before: bytes) -> None:
    whole = b"$GPGLL,4916.45,N,12311.12,W,225444,A*31"
    assert decode_nmea(before + whole + b"\0\r\n").args == [whole.decode()]


def test_a_sentence_without_a_checksum_is_taken_by_choice_alone() -> None:
    decoder = DECODERS["nmea"].made(unchecked=True).decoder()
    assert decoder.decode(b"$WIMWV,214.8,R,0.1,K,A").kwargs["type"] == "MWV"
    assert decoder.drops_first
    with pytest.raises(Undecodable, match="wrong checksum"):
        decoder.decode(b"$WIMWV,214.8,R,0.1,K,A*00")
    assert not DECODERS["nmea"].made().decoder().drops_first


@pytest.mark.usefixtures("shared")
def test_the_captures_are_judged_line_for_line_as_they_were_counted() -> None:
    words = {"wrong checksum": "wrong", "no sentence": "other"}
    for capture in files("captures/*.bin"):
        for kind, line in kinds(capture.read_bytes()):
            try:
                found = "right" if decode_nmea(line).args == [line.decode("latin-1")] else "?"
            except Undecodable as exc:
                found = words[exc.reason]
            assert found == kind, (capture.name, line)


@given(st.binary())
def test_no_bytes_raise_anything_but_undecodable(line: bytes) -> None:
    for kind in ("text", "bytes", "json", "nmea"):
        try:
            reading = DECODERS[kind].made().make()(line)
        except Undecodable as exc:
            assert exc.reason
        else:
            assert isinstance(reading.args, list)


@pytest.mark.parametrize(
    ("frame", "values"),
    [
        (b"0104FF9C", {"unit": 1, "temp": -100}),
        (b"01 04 ff 9c\r", {"unit": 1, "temp": -100}),
        (b"0104FF9", "no hexadecimal digits"),
        (b"0104FFxx", "no hexadecimal digits"),
        (b"0104FF\xb0\xb0", "not ASCII"),
        (b"0104FF", "wrong size"),
        (b"\x01\x04\x7f\x1c", "no hexadecimal digits"),
    ],
)
def test_a_record_may_be_written_in_hexadecimal_digits(frame: bytes, values: Any) -> None:
    made = DECODERS["struct"].made(format=">Bxh", fields=("unit", "temp"), hex=True)
    assert made.size is None  # blanks may stand between them
    try:
        found: Any = made.decoder().decode(frame).kwargs
    except Undecodable as refused:
        found = refused.reason
    assert found == values
