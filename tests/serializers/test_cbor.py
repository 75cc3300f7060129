"""CBOR: what it refuses, and what it takes besides what cbor2 is shown."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress

import cbor2
import pytest

from wamplite import serializers
from wamplite.core.errors import ProtocolError

REFUSED = {
    "nothing": "",
    "more after the end": "81 01 02",
    "undefined after the end": "81 01 f7",
    "undefined of two octets after the end": "81 01 f8 17",
    "two messages": "81 01 81 01",
    "text that is an octet short": "81 62 61",
    "binary that is an octet short": "81 42 61",
    "array that is an element short": "82 01",
    "reserved length": "1c",
    "endless integer": "81 1f",
    "half an integer": "81 1b 00",
    "half a text": "81 63 61",
    "text that lies": "81 7b ff ff ff ff ff ff ff ff 61",
    "binary that lies": "81 5a 7f ff ff ff 61",
    "array that lies": "9b ff ff ff ff ff ff ff ff",
    "array that lies a little": "9a 00 00 ff ff 01",
    "map that lies": "bb 7f ff ff ff ff ff ff ff",
    "half a pair": "81 a1 61 61",
    "array without end": "9f 01",
    "map without end": "bf 61 61 01",
    "map with half a pair": "81 bf 61 61 ff",
    "text without end": "81 7f 61 61",
    "text in pieces that are none": "81 7f 01 ff",
    "text in pieces of binary": "81 7f 41 61 ff",
    "binary in pieces of text": "81 5f 61 61 ff",
    "text in pieces of pieces": "81 7f 7f 61 61 ff ff",
    "binary in pieces of pieces": "81 5f 5f 41 61 ff ff",
    "break alone": "ff",
    "break in an array with a length": "82 01 ff",
    "negative bignum of 65 bits": "81 c3 49 01 00 00 00 00 00 00 00 00",
    "shared list that holds itself": "d8 1c 81 d8 1d 00",
    "string references": "d9 01 00 82 63 61 61 61 d8 19 00",
    "simple value": "81 f0",
    "simple value of two octets": "81 f8 ff",
    "integer below -2**63": "81 3b 80 00 00 00 00 00 00 00",
    "integer below -2**63 deep within": "81 a1 61 61 81 3b ff ff ff ff ff ff ff ff",
    "half NaN": "81 f9 7e 00",
    "half infinity": "81 f9 7c 00",
    "minus infinity": "81 fa ff 80 00 00",
    "NaN": "81 fb 7f f8 00 00 00 00 00 00",
    "int as a key": "81 a1 01 01",
    "bytes as a key": "81 a1 41 61 01",
    "array as a key": "81 a1 81 01 01",
    "text that is not UTF-8": "81 61 ff",
    "text with a surrogate": "81 63 ed a0 80",
    "text that begins with NUL": "81 62 00 61",
    "text 8 that begins with NUL": "81 78 02 00 61",
    "text 16 that begins with NUL": "81 79 00 02 00 61",
    "text 32 that begins with NUL": "81 7a 00 00 00 02 00 61",
    "text 64 that begins with NUL": "81 7b 00 00 00 00 00 00 00 02 00 61",
    "text in pieces that begins with NUL": "81 7f 61 00 ff",
    "text in pieces, NUL after an empty one": "81 7f 60 61 00 ff",
}  # fmt: skip


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED)
def test_what_is_not_cbor_or_cannot_be_delivered_is_refused(octets: str) -> None:
    with pytest.raises(ProtocolError):
        serializers.get("cbor").loads(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("83 f9 3c 00 fa 3f c0 00 00 fb 40 04 00 00 00 00 00 00", [1.0, 1.5, 2.5]),
        ("9f 01 9f ff bf ff ff", [1, [], {}]),
        ("81 bf 61 61 01 61 62 02 ff", [{"a": 1, "b": 2}]),
        ("82 7f 61 61 61 62 ff 5f 41 61 ff", ["ab", b"a"]),
        ("81 a2 61 61 01 61 61 02", [{"a": 2}]),
        ("81 a1 62 00 61 01", [{"\0a": 1}]),
        ("82 42 00 61 62 61 00", [b"\0a", "a\0"]),
        ("82 3b 7f ff ff ff ff ff ff ff 1b ff ff ff ff ff ff ff ff", [-(2**63), 2**64 - 1]),
        ("81 3b 00 00 00 00 00 00 00 00", [-1]),
        ("81 62 3b c3", None),
        ("81 63 3b c3 a9", [";é"]),
        ("98 01 18 01", [1]),
        ("83 f4 f5 f6", [False, True, None]),
    ],
)
def test_what_is_cbor_is_read(octets: str, value: object) -> None:
    one = serializers.get("cbor")
    if value is None:
        with pytest.raises(ProtocolError, match="must be UTF-8"):
            one.loads(bytes.fromhex(octets))
    else:
        assert repr(one.loads(bytes.fromhex(octets))) == repr(value)


@pytest.mark.parametrize("depth", [67, 900, 5000, 200_000])
@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x61a", b"\x9f", b"\xbf\x61a", b"\x5f"])
def test_depth_is_refused_before_it_is_decoded(depth: int, opening: bytes) -> None:
    for end in (b"\1", b""):
        with pytest.raises(ProtocolError, match="at most 64 containers|too early|pieces"):
            serializers.get("cbor").loads(opening * depth + end)


@pytest.mark.parametrize("length", [64, 4000, 5000])
def test_what_follows_a_message_is_noticed_in_every_length(length: int) -> None:
    one = serializers.get("cbor")
    written = one.dumps(["x" * length])
    assert one.loads(written) == ["x" * length]
    for more in (b"\0", b"\xf7", b"\xff", b"\xf8\x17", b"\x80", b"x"):
        with pytest.raises(ProtocolError, match="octets follow"):
            one.loads(written + more)


@pytest.mark.parametrize("opening", [b"\x81", b"\xa1\x61a", b"\xc6", b"\x82\x01"])
def test_a_small_message_nests_as_deep_as_any_tags_counted(opening: bytes) -> None:
    one = serializers.get("cbor")
    for depth in (1, 60, 65):
        assert type(one.loads(b"\x81" + opening * depth + b"\x01")) is list
    for depth in (66, 67, 200, 2000):
        with pytest.raises(ProtocolError, match="nest at most"):
            one.loads(b"\x81" + opening * depth + b"\x01")


def test_text_in_pieces_stands_as_deep_as_other_text() -> None:
    one = serializers.get("cbor")
    deep = b"\x81" * 66
    for text, value in ((b"\x61a", "a"), (b"\x7f\x61a\xff", "a"), (b"\x5f\x41a\xff", b"a")):
        read = one.loads(deep + text)
        for _ in range(66):
            (read,) = read
        assert read == value
        with pytest.raises(ProtocolError, match="nest at most"):
            one.loads(b"\x81" + deep + text)


@pytest.mark.parametrize("opening", [b"\xa1", b"\xa1\xc6", b"\xa1\x81"])
def test_what_is_given_up_within_a_key_is_refused(opening: bytes) -> None:
    for depth in (70, 2000):
        data = b"\x85\x10\x01\xa0\x63a.b\x81" + opening * depth + b"\x01"
        with pytest.raises(ProtocolError, match="nest at most|key"):
            serializers.get("cbor").loads(data)


@pytest.mark.parametrize(
    "element",
    ["a1 81 01 01", "a1 a1 61 61 01 01", "bf 81 01 01 ff", "bf 61 61 ff", "bf 61 61 01 61 62 ff"],
)
def test_what_would_make_a_decoder_slow_or_recurse_is_never_shown_to_it(
    element: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes of tuples can be made to collide; a break taken for a value opens the next map below.

    A small message is shown, where it holds no break: so few keys cost nothing.
    """
    data = b"\x85\x10\x01\xa0\x63a.b\x9f" + bytes.fromhex(element) * 1000 + b"\xff"
    shown: list[bytes] = []
    monkeypatch.setattr("cbor2.loads", shown.append)
    with pytest.raises(ProtocolError, match="key"):
        serializers.get("cbor").loads(data)
    assert not shown


def refused_in(keys: list[bytes]) -> float:
    """Return the least seconds in which a dict with these keys, in CBOR, is refused."""
    pairs = b"".join(key + b"\0" for key in keys)
    data = b"\x85\x10\x01\xa0\x63a.b\x81\xb9" + len(keys).to_bytes(2, "big") + pairs
    times = []
    for _ in range(3):
        begun = time.thread_time()
        with pytest.raises(ProtocolError, match="a key of a dict must be a string, not"):
            serializers.get("cbor").loads(data)
        times.append(time.thread_time() - begun)
    return min(times)


@pytest.mark.skipif(sys.hash_info.width != 64, reason="the constants are those of 64 bits")
def test_lists_as_keys_whose_hashes_collide_cost_no_more_than_others() -> None:
    """Each key is a list of two integers; all are chosen to have one hash in CPython."""
    first, second, third = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x27D4EB2F165667C5
    whole, keys = 2**64, []
    for number in range(1, 30_000):
        so_far = (third + number * second) % whole
        so_far = (so_far << 31 | so_far >> 33) % whole * first % whole
        other = -so_far * pow(second, -1, whole) % whole
        other -= whole * (other >= whole // 2)
        if abs(other) < 2**61 - 1:
            keys.append((number, other))
    assert len(set(map(hash, keys))) == 1
    collide = [cbor2.dumps([*key]) for key in keys]
    others = [cbor2.dumps([number, other + number]) for number, other in keys]
    assert refused_in(collide) < 5 * refused_in(others)


def test_large_integers_as_keys_whose_hashes_collide_cost_no_more_than_others() -> None:
    """All have one hash in CPython, which takes integers modulo a prime."""
    keys = [2**64 + sys.hash_info.modulus * number for number in range(1, 10_000)]
    assert len(set(map(hash, keys))) == 1
    others = [cbor2.dumps(key + number) for number, key in enumerate(keys)]
    assert refused_in([*map(cbor2.dumps, keys)]) < 5 * refused_in(others)


def test_an_endless_container_has_the_same_bounds() -> None:
    one = serializers.get("cbor")
    assert one.loads(b"\x81\x9f" + b"\1" * 65_536 + b"\xff") == [[1] * 65_536]
    with pytest.raises(ProtocolError, match="at most 65536 elements"):
        one.loads(b"\x81\x9f" + b"\1" * 65_537 + b"\xff")
    with pytest.raises(ProtocolError, match="elements"):
        one.loads(b"\x81\x9f" + b"\x80" * 1_000_000 + b"\xff")


def test_hostile_bytes_are_refused_on_the_small_stack_of_a_thread() -> None:
    refused = []

    def read() -> None:
        for data in (b"\x81" * 100_000, b"\xa1\x61a" * 390 + b"\1", b"\xd8\x1c" * 5000 + b"\1"):
            with pytest.raises(ProtocolError):
                serializers.get("cbor").loads(data)
            refused.append(data)

    previous = threading.stack_size(64 * 1024)
    try:
        thread = threading.Thread(target=read, name="small-stack")
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join(30)
    assert len(refused) == 3


def test_a_good_message_is_read_on_the_stack_of_a_connection() -> None:
    value: list[object] = []
    for _ in range(63):
        value = [value]
    message = [16, 7, {}, "a.b", [value]]
    read = []

    def pass_on() -> None:
        for name in serializers.NAMES:
            one = serializers.get(name)
            read.append(one.loads(one.dumps(message)))

    previous = threading.stack_size(128 * 1024)
    try:
        thread = threading.Thread(target=pass_on, name="small-stack")
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join(30)
    assert read == [message] * 3


@pytest.mark.parametrize("head", [0x99, 0x9A, 0x9B, *range(0xC2, 0xC6), *range(0xD8, 0xE0)])
def test_no_small_message_with_an_octet_that_could_do_harm_is_shown_to_the_decoder(
    head: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bytes] = []
    monkeypatch.setattr("cbor2.loads", shown.append)
    for rest in (b"\1", b"\1\1", b"\x1c\x81\xd8\x1d\0"):
        with suppress(ProtocolError):
            serializers.get("cbor").loads(b"\x82\1" + bytes([head]) + rest)
    assert all(head not in data for data in shown)
