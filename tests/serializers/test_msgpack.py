"""MsgPack: what it refuses, with the C library and with the one in pure Python."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tracemalloc

import pytest
from msgpack import Packer

from tests.processes import ROOT
from wamplite import serializers
from wamplite.core.errors import ProtocolError

REFUSED = {
    "nothing": "",
    "c1": "c1",
    "c1 within": "92 01 c1",
    "ext 8 of length 0": "91 c7 00 05",
    "ext 8": "91 c7 01 05 00",
    "ext 16": "91 c8 00 01 05 00",
    "ext 32": "91 c9 00 00 00 01 05 00",
    "fixext 1": "91 d4 05 00",
    "fixext 16": "91 d8 05" + "00" * 16,
    "array that lies": "dd 7f ff ff ff",
    "array that lies within": "93 01 02 dc ff ff 01",
    "map that lies": "df 00 ff ff ff 01",
    "text that lies": "91 db ff ff ff ff 61",
    "binary that lies": "91 c6 7f ff ff ff 61",
    "half a float": "91 cb 00 00",
    "half a pair": "91 81 a1 61",
    "more after the end": "91 01 02",
    "bytes as a key": "91 81 c4 01 61 01",
    "int as a key": "91 81 01 01",
    "nil as a key": "91 81 c0 01",
    "array as a key": "91 81 90 01",
    "map as a key": "91 81 80 01",
    "NaN": "91 cb 7f f8 00 00 00 00 00 00",
    "infinity": "91 91 ca 7f 80 00 00",
    "minus infinity as a value": "91 81 a1 61 cb ff f0 00 00 00 00 00 00",
    "text that is not UTF-8": "91 a1 ff",
    "text with a surrogate": "91 a3 ed a0 80",
    "key that is not UTF-8": "91 81 a1 ff 01",
    "text that begins with NUL": "91 a2 00 61",
    "NUL alone": "91 a1 00",
    "no list, and begins with NUL": "a2 00 61",
    "text 8 that begins with NUL": "91 d9 02 00 61",
    "text 16 that begins with NUL": "91 da 00 02 00 61",
    "text 32 that begins with NUL": "91 db 00 00 00 02 00 61",
    "NUL deep within": "91 81 a1 6b 91 91 a2 00 61",
    "NaN where an id stands": "94 30 ca 7f ff ff ff 80 a1 70",
    "extension where an id stands": "94 30 d4 05 41 80 a1 70",
    "NaN behind text that is no id": "93 01 a2 cf 80 81 a1 78 cb 7f ff ff ff ff ff ff ff",
    "extension behind text that is no id": "93 05 a2 cf 89 81 a1 78 d4 05 41",
    "NUL behind text that is no id": "93 01 a2 cf 80 81 a1 78 a2 00 61",
    "text 8 of 207 that begins with NUL": "93 05 d9 cf 00" + "61" * 206 + "80",
    "NaN behind two ids": "94 24 cc c8 cf 00 00 00 00 00 00 00 01 ca 7f c0 00 00",
}  # fmt: skip


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED)
def test_what_is_not_msgpack_or_cannot_be_delivered_is_refused(octets: str) -> None:
    with pytest.raises(ProtocolError):
        serializers.get("msgpack").loads(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("91 a2 61 00", ["a\0"]),
        ("91 81 a2 00 61 01", [{"\0a": 1}]),
        ("91 c4 02 00 61", [b"\0a"]),
        ("91 82 a1 61 01 a1 61 02", [{"a": 2}]),
        ("92 cc 01 d3 ff ff ff ff ff ff ff ff", [1, -1]),
        ("91 ca 3f c0 00 00", [1.5]),
        ("dc 00 01 01", [1]),
        ("92 bf" + "78" * 31 + " 00", ["x" * 31, 0]),
    ],
)
def test_what_is_msgpack_is_read(octets: str, value: object) -> None:
    read = serializers.get("msgpack").loads(bytes.fromhex(octets))
    assert repr(read) == repr(value)


@pytest.mark.parametrize("length", [50, 70, 300, 480, 600, 4200])
@pytest.mark.parametrize("filler", ["xx", "\u0100"])  # octets that look like a float or binary
def test_nor_is_it_taken_amid_a_message_of_any_length(length: int, filler: str) -> None:
    loads, pack = serializers.get("msgpack").loads, Packer().pack
    before = b"\x92" + pack(filler * (length // 2))
    assert loads(before + b"\x01")[1] == 1
    refused = [bytes.fromhex(octets) for octets in REFUSED.values() if octets[:2] == "91"]
    assert len(refused) > 20
    for data in refused:
        with pytest.raises(ProtocolError):
            loads(before + data[1:])


@pytest.mark.parametrize("depth", [67, 900, 5000, 200_000])
@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\xdd\0\0\0\1"])
def test_depth_is_refused_before_it_is_decoded(depth: int, opening: bytes) -> None:
    for end in (b"\1", b""):
        with pytest.raises(ProtocolError, match="at most 64 containers|too early"):
            serializers.get("msgpack").loads(opening * depth + end)


def test_headers_that_lie_one_within_the_other_reserve_no_memory() -> None:
    one = serializers.get("msgpack")
    for lists in (60, 800, 8000):  # of 65,535 elements: 30 MB and more, if they were believed
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError):
                one.loads(b"\xdd\x00\x00\xff\xff" * lists)
            assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        finally:
            tracemalloc.stop()


def test_text_that_looks_like_containers_is_read() -> None:
    text = "\u0700" * 1000 + "À" * 1000 + "中" * 30_000
    one = serializers.get("msgpack")
    assert one.loads(one.dumps([text, text.encode()])) == [text, text.encode()]


def test_a_long_message_with_a_length_that_lies_is_refused() -> None:
    one = serializers.get("msgpack")
    written = one.dumps(["x" * 70_000])
    assert one.loads(written) == ["x" * 70_000]
    with pytest.raises(ProtocolError, match="ends too early"):
        one.loads(written[:-1])


LIGHT = "not pure and not json and not cbor and not worst"  # of what is tried once more
IN_PURE_PYTHON = """
import sys, msgpack, pytest
assert msgpack.Packer.__module__ == "msgpack.fallback"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


@pytest.mark.long
@pytest.mark.skipif(
    Packer.__module__ == "msgpack.fallback", reason="msgpack is pure Python here: all tests say it"
)
def test_it_works_with_the_library_in_pure_python() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_PURE_PYTHON, "tests/serializers", "-k", LIGHT],
        cwd=ROOT,
        env=os.environ | {"MSGPACK_PUREPYTHON": "1"},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_hostile_bytes_are_refused_on_the_small_stack_of_a_thread() -> None:
    refused = []

    def read() -> None:
        for data in (b"\x91" * 100_000, b"\x81\xa1a" * 900 + b"\1", b"\x91" * 1020 + b"\1"):
            with pytest.raises(ProtocolError):
                serializers.get("msgpack").loads(data)
            refused.append(data)

    previous = threading.stack_size(64 * 1024)
    try:
        thread = threading.Thread(target=read, name="small-stack")
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join(30)
    assert len(refused) == 3
