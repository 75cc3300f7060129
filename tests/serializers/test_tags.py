"""Tags and extensions: what stands for something that WAMP has arrives as that, or is refused."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest

from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.core.unfit import Uncarriable

CBOR = serializers.get("cbor")
MSGPACK = serializers.get("msgpack")
ALL = [serializers.get(name) for name in serializers.NAMES]


def text(content: str) -> str:
    return (bytes([0x60 + len(content)]) + content.encode()).hex()


STANDS_FOR: dict[str, tuple[str, Any]] = {
    "octets": ("d8 40 43 00 01 ff", b"\0\1\xff"),
    "clamped octets": ("d8 44 43 00 01 ff", b"\0\1\xff"),
    "signed octets": ("d8 48 41 ff", b"\xff"),
    "floats, as they are written": ("d8 51 44 3f 80 00 00", b"\x3f\x80\0\0"),
    "bignum": ("c2 48 ff ff ff ff ff ff ff ff", 2**64 - 1),
    "bignum with zeros before it": ("c2 4a 00 00 00 00 00 00 00 00 00 07", 7),
    "bignum of nothing": ("c2 40", 0),
    "negative bignum": ("c3 48 7f ff ff ff ff ff ff ff", -(2**63)),
    "date and time": ("c0" + text("2013-03-21T20:04Z"), "2013-03-21T20:04Z"),
    "seconds": ("c1 1a 51 4b 67 b0", "2013-03-21T20:04:00Z"),
    "seconds before 1970": ("c1 20", "1969-12-31T23:59:59Z"),
    "half a second": ("c1 fb 41 d4 52 d9 ec 20 00 00", "2013-03-21T20:04:00.500Z"),
    "half a second before 1970": ("c1 f9 b8 00", "1969-12-31T23:59:59.500Z"),
    "days": ("d8 64 19 3d d4", "2013-05-03"),
    "days before 1970": ("d8 64 20", "1969-12-31"),
    "day": ("d9 03 ec 6a" + b"2013-03-21".hex(), "2013-03-21"),
    "decimal fraction": ("c4 82 21 19 6a b3", 273.15),
    "decimal fraction of a bignum": ("c4 82 39 00 13 c2 49 01 00 00 00 00 00 00 00 00",
                                     0.18446744073709551616),
    "tiny decimal fraction": ("c4 82 3b 7f ff ff ff ff ff ff ff 01", 0.0),
    "bigfloat": ("c5 82 20 03", 1.5),
    "tiny bigfloat": ("c5 82 3b 7f ff ff ff ff ff ff ff 01", 0.0),
    "self-described": ("d9 d9 f7 01", 1),
    "unknown tag": ("db ff ff ff ff ff ff ff ff 01", 1),
    "encoded CBOR": ("d8 18 41 01", b"\1"),
    "regular expression": ("d8 23 61 28", "("),
    "set": ("d9 01 02 82 01 02", [1, 2]),
    "shareable": ("d8 1c 81 01", [1]),
    "tags before tags": ("d9 d9 f7 d9 d9 f7 c1 00", "1970-01-01T00:00:00Z"),
    "tag before a key": ("a1 d9 d9 f7 61 61 01", {"a": 1}),
    "undefined": ("f7", None),
}  # fmt: skip
STANDS_FOR_NOTHING = {
    "bignum of 65 bits": "c2 49 01 00 00 00 00 00 00 00 00",
    "negative bignum of 65 bits": "c3 48 80 00 00 00 00 00 00 00",
    "bignum of 60,000 octets": "c2 59 ea 60" + "ff" * 60_000,
    "bignum of text": "c2 61 31",
    "seconds of text": "c1 61 31",
    "seconds beyond all years": "c1 1b 7f ff ff ff ff ff ff ff",
    "no seconds at all": "c1 f9 7e 00",
    "days beyond all years": "d8 64 1b 7f ff ff ff ff ff ff ff",
    "octets of text": "d8 40 61 61",
    "huge decimal fraction": "c4 82 1b 7f ff ff ff ff ff ff ff 01",
    "decimal fraction of 200 octets": "c4 82 39 01 df c2 58 c8 01" + "00" * 199,
    "bigfloat of 200 octets": "c5 82 39 06 3f c2 58 c8 01" + "00" * 199,
    "decimal fraction of one": "c4 81 01",
    "decimal fraction of floats": "c4 82 f9 3c 00 01",
    "huge bigfloat": "c5 82 1b 7f ff ff ff ff ff ff ff 01",
    "shared reference": "d8 1d 00",
    "list that holds itself": "d8 1c 81 d8 1d 00",
    "text that stood before": "d9 01 00 82 63 61 61 61 d8 19 00",
    "simple value": "e0",
    "simple value of two octets": "f8 ff",
    "tag before a key that is no text": "a1 c2 41 01 01",
    "tags that nest too deep": "d9 d9 f7" * 65 + "01",
}


@pytest.mark.parametrize(("octets", "value"), STANDS_FOR.values(), ids=STANDS_FOR)
def test_a_cbor_tag_arrives_as_what_it_stands_for(octets: str, value: Any) -> None:
    read = CBOR.loads(bytes.fromhex("85 10 01 a0 61 74 82 01" + octets))
    assert repr(read) == repr([16, 1, {}, "t", [1, value]])
    for other in ALL:
        assert other.loads(other.dumps(read)) == read


@pytest.mark.parametrize("octets", STANDS_FOR_NOTHING.values(), ids=STANDS_FOR_NOTHING)
def test_a_cbor_tag_that_stands_for_nothing_fails_its_message(octets: str) -> None:
    with pytest.raises(Uncarriable) as caught:
        CBOR.loads(bytes.fromhex("85 10 01 a0 61 74 82 01" + octets))
    assert caught.value.head == [16, 1, {}, "t", []]
    assert list(caught.value.path[:2]) == [4, 1]


TIMES = [
    (0, 0, "1970-01-01T00:00:00Z"),
    (1, 0, "1970-01-01T00:00:01Z"),
    (2**32 - 1, 0, "2106-02-07T06:28:15Z"),
    (2**32, 123_000_000, "2106-02-07T06:28:16.123Z"),
    (1, 123_456_000, "1970-01-01T00:00:01.123456Z"),
    (1, 999_999_999, "1970-01-01T00:00:01.999999999Z"),
    (-1, 1, "1969-12-31T23:59:59.000000001Z"),
    (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
    (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
]


def timestamps(seconds: int, nanoseconds: int) -> list[bytes]:
    written = [b"\xc7\x0c\xff" + struct.pack(">Iq", nanoseconds, seconds)]
    if 0 <= seconds < 2**34:
        written.append(b"\xd7\xff" + struct.pack(">Q", nanoseconds << 34 | seconds))
    if 0 <= seconds < 2**32 and not nanoseconds:
        written.append(b"\xd6\xff" + struct.pack(">I", seconds))
    return written


@pytest.mark.parametrize(("seconds", "nanoseconds", "text"), TIMES)
def test_a_msgpack_timestamp_arrives_as_text(seconds: int, nanoseconds: int, text: str) -> None:
    for written in timestamps(seconds, nanoseconds):
        assert MSGPACK.loads(b"\x95\x10\x01\x80\xa1t\x91" + written) == [16, 1, {}, "t", [text]]


@pytest.mark.parametrize("undefined", [b"\xd4\0\0", b"\xc7\0\0", b"\xc7\1\0\0"])
def test_what_javascript_writes_for_undefined_arrives_as_null(undefined: bytes) -> None:
    written = b"\x95\x20\x01\x81\xa5match" + undefined + b"\xa1t\x91" + undefined
    assert MSGPACK.loads(written) == [32, 1, {"match": None}, "t", [None]]


@pytest.mark.parametrize(
    "octets",
    ["d4 00 01", "d4 05 00", "c7 00 05", "d8 05" + "00" * 16, "c9 00 00 00 01 05 00", "d5 ff 00 00",
     "c7 0c ff 3b 9a ca 00" + "00" * 8, "c7 0c ff 00 00 00 00 7f" + "ff" * 7],
)  # fmt: skip
def test_another_extension_fails_its_message(octets: str) -> None:
    with pytest.raises(Uncarriable, match="MsgPack") as caught:
        MSGPACK.loads(b"\x95\x10\x01\x80\xa1t\x91" + bytes.fromhex(octets))
    assert (caught.value.head, list(caught.value.path)) == ([16, 1, {}, "t", []], [4, 0])


@pytest.mark.parametrize("octets", ["d4 00", "c7 04 ff 00", "d8 05 00", "c9 ff ff ff ff 05 00"])
def test_an_extension_that_is_not_there_is_no_message(octets: str) -> None:
    with pytest.raises(ProtocolError, match="too early") as caught:
        MSGPACK.loads(b"\x95\x10\x01\x80\xa1t\x91" + bytes.fromhex(octets))
    assert type(caught.value) is ProtocolError


def test_a_message_of_tags_alone_is_given_up_after_a_bounded_time() -> None:
    begun = time.monotonic()
    for opening in (b"\xd9\xd9\xf7", b"\xc1", b"\xd8\x1c\x81", b"\x9f", b"\xc4\x82\x00"):
        with pytest.raises(ProtocolError):
            CBOR.loads(b"\x85\x10\x01\xa0\x61t\x81" + opening * 300_000 + b"\0")
    many = b"\x85\x10\x01\xa0\x61t\x9f" + b"\xc1\x00" * 500_000 + b"\xff"
    with pytest.raises(Uncarriable, match="elements"):
        CBOR.loads(many)
    assert time.monotonic() - begun < 20


def test_a_tag_is_told_with_what_stands_behind_it() -> None:
    text = "CBOR tag 2 must not stand before such a str"
    with pytest.raises(Uncarriable, match=text):
        CBOR.loads(bytes.fromhex("85 10 01 a0 61 74 81 c2 61 61"))
