"""Every first octet of a value, walked over and read: by the quick way, and by the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cbor2
import msgpack
import pytest

from tests.each import for_each
from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.serializers import cbor, reader
from wamplite.serializers import msgpack as own_msgpack
from wamplite.serializers.payload import MAX_LENGTH

LONG = b"x" * (MAX_LENGTH + 1)  # of a message that holds it the headers are walked over
NUMBERS = bytes.fromhex("3f c0 00 00 00 00 00 00")  # 1.5 as a float of 4 octets, and more


def counted(head: int, width: int, count: int, content: bytes) -> Iterator[tuple[int, bytes]]:
    yield head, bytes([head]) + count.to_bytes(width, "big") + content


def of_msgpack() -> Iterator[tuple[int, bytes]]:
    """Yield each first octet of MsgPack but those of extension types, and a value."""
    for head in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3):
        yield head, bytes([head])
    for count in range(16):
        yield from counted(
            0x80 + count, 0, 0, b"".join(b"\xa1%c\1" % (97 + i) for i in range(count))
        )
        yield from counted(0x90 + count, 0, 0, b"\1" * count)
    for count in range(32):
        yield from counted(0xA0 + count, 0, 0, b"x" * count)
    for head, width in ((0xC4, 1), (0xC5, 2), (0xC6, 4), (0xD9, 1), (0xDA, 2), (0xDB, 4)):
        yield from counted(head, width, 5, b"hello")
    for head, width in ((0xDC, 2), (0xDD, 4)):
        yield from counted(head, width, 3, b"\1\2\3")
        yield from counted(head + 2, width, 2, b"\xa1a\1\xa1b\2")
    for head, width in zip(range(0xCA, 0xD4), (4, 8, 1, 2, 4, 8, 1, 2, 4, 8), strict=True):
        yield head, bytes([head]) + NUMBERS[:width]


def of_cbor() -> Iterator[tuple[int, bytes]]:
    """Yield each first octet of CBOR but those of tags and simple values, and a value."""
    for major in range(6):
        for count in range(24):
            yield from counted(major << 5 | count, 0, 0, elements(major, count))
        for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
            yield from counted(major << 5 | info, width, 25, elements(major, 25))
    yield 0x5F, b"\x5f\x41a\x42bc\xff"
    yield 0x7F, b"\x7f\x61a\x62bc\xff"
    yield 0x9F, b"\x9f\1\2\xff"
    yield 0xBF, b"\xbf\x61a\1\x61b\2\xff"
    for head, width in ((0xF4, 0), (0xF5, 0), (0xF6, 0), (0xF9, 2), (0xFA, 4), (0xFB, 8)):
        yield head, bytes([head]) + NUMBERS[:width]


def elements(major: int, count: int) -> bytes:
    """Return what stands behind a head of CBOR with a length."""
    pairs = b"".join(b"\x61%c\1" % (97 + number) for number in range(count))
    return (b"", b"", b"x" * count, b"x" * count, b"\1" * count, pairs)[major]


MSGPACK, CBOR = dict(of_msgpack()), dict(of_cbor())
each_format = pytest.mark.parametrize(
    ("name", "heads"), [("msgpack", MSGPACK), ("cbor", CBOR)], ids=["msgpack", "cbor"]
)


def parts(name: str, head: int) -> tuple[Any, Any, bytes, bytes, bytes, Any]:
    """Return serializer, module, list of two, value, long binary, and what the value says."""
    one = serializers.get(name)
    if name == "cbor":
        value = CBOR[head]
        return one, cbor, b"\x82", value, cbor2.dumps(LONG), cbor2.loads(value)
    value = MSGPACK[head]
    return one, own_msgpack, b"\x92", value, msgpack.packb(LONG), msgpack.unpackb(value)


def test_each_first_octet_is_tried_that_means_something() -> None:
    assert set(range(256)) - set(MSGPACK) == {0xC1, 0xC7, 0xC8, 0xC9, *range(0xD4, 0xD9)}
    reserved = {major << 5 | info for major in range(6) for info in (28, 29, 30)} | {0x1F, 0x3F}
    assert set(range(0xC0)) - set(CBOR) == reserved


@each_format
def test_every_value_is_read_by_the_quick_way(
    name: str, heads: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_needed(data: bytes, take: Any) -> Any:
        raise AssertionError("the other way was taken")

    def check(head: int) -> None:
        one, _, two, value, filler, said = parts(name, head)
        assert repr(one.loads(two + value + filler)) == repr([said, LONG])

    for module in (cbor, own_msgpack):
        monkeypatch.setattr(module, "read", not_needed)
    for_each(((head,) for head in heads), check)


@each_format
def test_every_value_is_read_by_the_other_way(name: str, heads: dict[int, bytes]) -> None:
    def check(head: int) -> None:
        _, module, two, value, filler, said = parts(name, head)
        assert repr(reader.read(two + value + filler, module.take)) == repr([said, LONG])
        for wrong in (two + value + filler[:-1], two + value + filler + b"\1", two + value):
            with pytest.raises(ProtocolError):
                reader.read(wrong, module.take)

    for_each(((head,) for head in heads), check)


@pytest.mark.parametrize(
    ("name", "one_deeper"), [("msgpack", b"\x91"), ("msgpack", b"\x81\xa1a"), ("cbor", b"\x81")]
)
def test_what_nests_as_deep_as_it_may_is_read_by_the_quick_way(
    name: str, one_deeper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, module, two, _, filler, _ = parts(name, 0)
    monkeypatch.setattr(module, "read", None)
    said, _ = one.loads(two + one_deeper * 65 + b"\1" + filler)
    for _ in range(65):
        (said,) = said if type(said) is list else said.values()
    assert said == 1
