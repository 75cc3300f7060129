"""Checksums that stand where no frame has room for them, or prove nothing, are refused in words."""

from __future__ import annotations

import pytest

from wamplite.bridge.configuration.tables import from_dict
from wamplite.core.errors import UsageError

ADAM = {"kind": "delimiter", "delimiter": "\r"}
METER = {"kind": "delimiter", "start": "/", "delimiter": "!"}
SENSOR = {"kind": "fixed", "start": "\u00aa\u00c0", "size": 8, "end": "\u00ab"}
SUM = {"kind": "sum8"}
DIGITS = {"kind": "sum8", "format": "hex"}
CRC = {"kind": "crc16-arc", "format": "hex"}


def refusal(framing: dict[str, object]) -> str:
    """Return why a framing is refused; "" where it is not."""
    try:
        from_dict({"port": [{"name": "p", "device": "/dev/x", "framing": framing}]})
    except UsageError as refused:
        return str(refused).removeprefix('port "p": framing: ')
    return ""


@pytest.mark.parametrize(
    ("framing", "checksum", "words"),
    [
        (
            ADAM, DIGITS | {"over": [0, -2], "at": -2},
            'at: -2 is within the "delimiter"; expected over = [0, -3], at = -3, before it',
        ),
        (ADAM, DIGITS | {"at": -1}, 'at: -1 is within the "delimiter"; expected -3, before it'),
        (
            METER, CRC | {"over": ["start", -4]},
            'over: ["start", -4] covers the checksum itself, which stands at -5, before the'
            ' "delimiter"; expected bytes such as ["start", -5]',
        ),
        (
            METER | {"trailer": 2}, CRC,
            'at: -4 is within the "delimiter"; expected -7, before it, or a "trailer" of 4 bytes',
        ),
        (
            METER | {"trailer": 4}, CRC | {"at": -5},
            'at: -5 is within the "delimiter"; expected -4, behind it',
        ),
        (
            METER | {"trailer": 4}, CRC | {"at": -3, "over": ["start", -3]},
            'at: -3 has room for 3 of its 4 bytes; expected over = ["start", -4], at = -4',
        ),
        ({"kind": "lines"}, {"kind": "crc32", "at": -2}, "at: -2 has room for 2 of its 4 bytes;"),
        (
            {"kind": "length", "start": "BM"}, {"kind": "sum16", "at": -1},
            "at: -1 has room for 1 of its 2 bytes; expected -2",
        ),
        (
            SENSOR,
            SUM | {"over": ["start", -9], "at": -9},
            'at: -9 is within the "start"; expected -8 or behind it',
        ),
        (SENSOR, SUM | {"over": [0, 6], "at": 7}, 'at: 7 is within the "end"; expected -2, before'),
        (
            SENSOR, SUM | {"over": [0, 7], "at": 6},
            "over: [0, 7] covers the checksum itself, which stands at 6; expected bytes such as"
            " [0, 6]",
        ),
        (
            {"kind": "slip"}, SUM | {"over": [2, "end"], "at": 2},
            "which stands at 2; expected bytes such as [3, \"end\"]",
        ),
        (
            {"kind": "slip"}, SUM | {"over": [-1, "end"], "at": -1},
            "which stands at -1; expected bytes such as [0, -1]",
        ),
        (
            SENSOR, SUM | {"over": [6, 0], "at": 6},
            "over: expected bytes to cover, such as [0, 6]; [6, 0] are none",
        ),
        (
            {"kind": "fixed", "size": 2}, {"kind": "crc16-modbus"},
            "checksum: covers nothing: it has 2 bytes, and a frame 2",
        ),
    ],
)  # fmt: skip
def test_where_a_checksum_cannot_stand_is_told_with_where_it_can(
    framing: dict[str, object], checksum: dict[str, object], words: str
) -> None:
    assert words in refusal(framing | {"checksum": checksum})


@pytest.mark.parametrize(
    ("framing", "checksum"),
    [
        (ADAM, DIGITS),
        (ADAM, DIGITS | {"over": [0, -3], "at": -3}),
        (METER, CRC),
        (METER | {"trailer": 4}, CRC | {"over": ["start", -4], "at": -4}),
        (METER | {"trailer": 5}, CRC | {"over": ["start", -5], "at": -5}),
        (METER | {"trailer": 2}, CRC | {"at": -7}),
        (SENSOR, SUM | {"over": [0, 6], "at": 6}),
        (SENSOR, SUM | {"over": ["start", -8], "at": -8}),
        ({"kind": "slip"}, SUM | {"over": [0, 2], "at": 2}),
        ({"kind": "slip"}, SUM | {"over": [3, "end"], "at": 2}),
    ],
)
def test_where_a_checksum_can_stand_it_may(
    framing: dict[str, object], checksum: dict[str, object]
) -> None:
    assert refusal(framing | {"checksum": checksum}) == ""


def test_a_frame_is_not_shorter_than_its_end() -> None:
    fixed = {"kind": "fixed", "size": 8}
    assert refusal(fixed | {"end": "123456789"}) == "end: has 9 bytes, and a frame at most 8"
    assert refusal(fixed | {"end": "12345678"}) == ""


def test_a_mask_has_no_more_bits_than_its_length() -> None:
    length = {"kind": "length", "length_bytes": 2}
    said = refusal(length | {"length_mask": 0x1FFFF})
    assert said == "length_mask: has more bits than a length of 2 bytes: at most 0xffff"
    assert refusal(length | {"length_mask": 0xFFFF}) == ""
