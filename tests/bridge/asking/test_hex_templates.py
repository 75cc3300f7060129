"""Bytes that are made of arguments: numbers, bytes, how many these are, checksums."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.bridge.asking.hex_templates import make_hex_template
from wamplite.bridge.framing.checksums import KINDS
from wamplite.core.errors import InvalidArgument, UsageError


@pytest.mark.parametrize(
    ("template", "args", "kwargs", "data"),
    [
        ("ff0199 00 {0:H} {sum8-negated:1}", [5000], {}, "ff 01 99 00 13 88 cb"),
        ("01 06 00 10 {level:H} {crc16-modbus:<}", [], {"level": 3}, "01 06 00 10 00 03 c8 0e"),
        ("{0}{1:b}{2:<h}{3:f}", [255, -1, -2, 1.5], {}, "ff ff fe ff 3f c0 00 00"),
        ("aa {address} {data:#} {data:s} {sum8:1}", [], {"address": 5, "data": b"\1\2\3"},
         "aa 05 03 01 02 03 0e"),
        ("{data:#<H}{data:s}", [], {"data": "0A0b 0C"}, "03 00 0a 0b 0c"),
        ("{0:4s} {xor}", ["01020304"], {}, "01 02 03 04 04"),
        ("{0:#} {0:s}", [""], {}, "00"),
        ("{0:s}", [bytearray(b"ab")], {}, "61 62"),
        ("{0:u24} {0:<u24} {1:i24} {1:>i24} {1:<i24}", [0x010203, -2], {},
         "01 02 03 03 02 01 ff ff fe ff ff fe fe ff ff"),
        ("{0:#u24} {0:s}", ["0102"], {}, "00 00 02 01 02"),
        ("{0:s} {1:2s} {0:#}", [1020, 123456 // 100], {}, "10 20 12 34 02"),
        ("02 {0} {crc16-modbus:hex<1} 0d", [65], {}, "02 41 37 46 37 30 0d"),
    ],
)  # fmt: skip
def test_a_template_is_filled(
    template: str, args: list[Any], kwargs: dict[str, Any], data: str
) -> None:
    assert make_hex_template(template)(args, kwargs).hex(" ") == data


@pytest.mark.parametrize(
    ("template", "value", "words"),
    [
        ("{0}", 256, "256 does not fit {0:}: "),
        ("{0:H}", 1.5, "1.5 does not fit {0:H}"),
        ("{0:u24}", 1 << 24, "16777216 does not fit {0:u24}: int too big to convert"),
        ("{0:u24}", -1, "-1 does not fit {0:u24}"),
        ("{0:i24}", 1 << 23, "8388608 does not fit {0:i24}"),
        ("{0:i24}", 1.5, "1.5 does not fit {0:i24}"),
        ("{0:<u24}", "12", "'12' does not fit {0:<u24}"),
        ("{0:H}", "12", "'12' does not fit {0:H}"),
        ("{0:s}", "0A0", "'0A0' does not fit {0}: expected bytes"),
        ("{0:s}", 7, "7 does not fit {0}: expected bytes"),
        ("{0:s}", True, "True does not fit {0}: expected bytes"),
        ("{0:s}", 1.5, "1.5 does not fit {0}: expected bytes"),
        ("{0:s}", -10, "-10 does not fit {0}: expected bytes"),
        ("{0:s}", None, "None does not fit {0}: expected bytes"),
        ("{0:2s}", b"abc", "3 bytes do not fit {0:2s}: expected 2"),
        ("{0:#}", bytes(256), "256 does not fit {0:#}: "),
        ("{0:s}", bytes(4097), "4097 bytes for the device; at most 4096"),
        ("{1}", 1, "argument 1 is missing"),
        ("{name:s}", 1, "keyword argument name is missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(template: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidArgument) as told:
        make_hex_template(template)([value], {})
    assert words in str(told.value)


@pytest.mark.parametrize(
    "template", ["0", "{0:HH}", "{0:u32}", "{0:24}", "{0:#s}", "{0:x}", "{0:-1s}", "{xor:s}"]
)
def test_a_template_that_cannot_be_filled_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match="write_hex"):
        make_hex_template(template)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("01 06 {crc16:<}", "{crc16:<}: crc16 is no checksum; there are sum8, sum8-negated,"),
        ("01 06 {0:<}", "{0:<}: expected a format of struct for one number"),
        ("{crc16-modbus:<}", "{crc16-modbus:<}: covers nothing"),
        ("01 06 {crc16-modbus:<2}", "covers nothing: it is the checksum of what stands before it,"
                                    " 2 bytes, from position 2 on"),
    ],
)  # fmt: skip
def test_a_field_that_nothing_can_fill_is_refused(template: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        make_hex_template(template)
    assert words in str(told.value)


@given(data=st.binary(max_size=300), kind=st.sampled_from(sorted(KINDS)))
def test_a_checksum_covers_what_is_sent(data: bytes, kind: str) -> None:
    written = make_hex_template("aa {0:#H} {0:s} {" + kind + ":1}")([data], {})
    width, compute = KINDS[kind]
    body, told = written[:-width], written[-width:]
    assert body == b"\xaa" + len(data).to_bytes(2, "big") + data
    assert int.from_bytes(told, "big") == compute(body[1:])
