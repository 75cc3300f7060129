"""JSON: what it refuses, and bytes in it; both readers must judge alike."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.each import for_each
from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.core.unfit import Uncarriable
from wamplite.serializers import json_pieces
from wamplite.serializers.flaws import Flaw
from wamplite.serializers.json import FastJson, Json, check_depth
from wamplite.serializers.payload import LEVELS

READERS = [Json(), FastJson()]
reader_of_each = pytest.mark.parametrize("reader", READERS, ids=lambda one: type(one).__name__)
REFUSED = [
    b"", b" ", b"[", b"]", b"[1,]", b"[1 2]", b"{'a':1}", b"{1:2}", b"[01]", b"[1.]", b"[.5]",
    b"[+1]",
    b"[NaN]", b"[Infinity]", b"[-Infinity]", b"[1e999]", b"[-1e999]", b"[nul]", b"[True]",
    b"[0x10]",
    b'["a]', b'["\t"]', b'["\0"]', b'["\\x"]', b'["\\u12"]', b"[1]\0", b"[1]x", b"[1][2]", b"\0",
    b'["\xff"]', b'["\xc0\x80"]', b'["\xed\xa0\x80"]', b'["\xf4\x90\x80\x80"]', b"\xef\xbb\xbf[1]",
    "[1]".encode("utf-16"), "[1]".encode("utf-16-le"), "[1]".encode("utf-32"),
    b'["\\ud800"]', b'["\\udc00"]', b'["\\udc00\\ud800"]', b'[{"\\ud800":1}]', b'["\\ud800x"]',
    b'[[["\\uDFFF"]]]', b'["\\\\\\ud800"]', b"/* */[1]", b"[1]//",
    b"[18446744073709551616]", b"[-9223372036854775809]", b"[[[18446744073709551616]]]", b"[1e400]",
    b"[" + b"9" * 400 + b"]", b"[" + b"1" * 1_000_000 + b"]", b"[-" + b"1" * 1_000_000 + b"]",
    b'["\\u0000a"]', b'["\\u0000YQ"]', b'["\\u0000Y Q="]', b'["\\u0000\xc3\xa4"]',
    b'["\\u0000\\u0000"]',
    b'{"a":["\\u0000_-8="]}', b'{"":' + b"[" * 65 + b"]" * 65 + b"}",
]  # fmt: skip


@reader_of_each
def test_what_is_not_json_or_cannot_be_delivered_is_refused(reader: Json) -> None:
    def check(data: bytes) -> None:
        begun = time.monotonic()
        with pytest.raises(ProtocolError):
            reader.loads(data)
        assert time.monotonic() - begun < 5

    for_each(((data,) for data in REFUSED), check)


@reader_of_each
@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b' [ 1 ,\n2\t] \r\n', [1, 2]),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[18446744073709551615,-9223372036854775808]", [2**64 - 1, -(2**63)]),
        (b"[-0]", [0]),
        (b"[9007199254740993]", [2**53 + 1]),
        (b"[1e19,1E2,-1.5e-3]", [1e19, 100.0, -0.0015]),
        (b"[18446744073709551616.0]", [2.0**64]),
        (b'["\\ud83d\\ude00"]', ["😀"]),
        (b'["\\\\ud800"]', ["\\ud800"]),
        (b'["\xf0\x9f\x98\x80"]', ["😀"]),
        (b'["a\\u0000b"]', ["a\0b"]),
        (b'["\\u0000"]', [b""]),
        (b'["\\u0000AAE="]', [b"\0\1"]),
        (b'[[{"k":["\\u0000AAE="]}]]', [[{"k": [b"\0\1"]}]]),
        (b'[{"\\u0000AAE=":1}]', [{"\0AAE=": 1}]),
        (b'["\\\\u0000AAE="]', ["\\u0000AAE="]),
    ],
)  # fmt: skip
def test_what_is_json_is_read(reader: Json, data: bytes, value: Any) -> None:
    read = reader.loads(data)
    assert read == value
    assert repr(read) == repr(value)  # 1 is not 1.0


def test_the_specifications_sample_of_binary() -> None:
    value = bytes.fromhex("10e3ff9053075c526f5fc06d4fe37cdb")
    for reader in READERS:
        assert reader.dumps([value]) == b'["\\u0000EOP/kFMHXFJvX8BtT+N82w=="]'
        assert reader.loads(b'["\\u0000EOP/kFMHXFJvX8BtT+N82w=="]') == [value]


def test_it_is_written_without_spaces_and_in_utf8() -> None:
    for reader in READERS:
        assert reader.dumps([1, {"a": "ä", "b": [1.0]}]) == '[1,{"a":"ä","b":[1.0]}]'.encode()


def test_binary_from_any_serializer_reaches_json_and_comes_back() -> None:
    message = [36, 1, 2, {}, [b"\0\xff", [b""]], {"k": {"deep": b"x" * 1000}}]
    for name in ("msgpack", "cbor"):
        arrived = serializers.get(name).loads(serializers.get(name).dumps(message))
        for reader in READERS:
            assert reader.loads(reader.dumps(arrived)) == message


@pytest.mark.sampled
@reader_of_each
@pytest.mark.parametrize("depth", [67, 900, 5000, 200_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [(b"[", b"]"), (b'{"a":', b"}"), (b'["\\"[",', b"]"), (b'["\\\\",', b"]"), (b"[", b"")],
)
def test_depth_is_refused_before_it_is_decoded(
    reader: Json, depth: int, opening: bytes, closing: bytes
) -> None:
    with pytest.raises(ProtocolError, match="at most 64 containers|elements in all|not JSON"):
        reader.loads(opening * depth + b"1" + closing * depth)


def test_brackets_within_text_are_no_depth() -> None:
    for text in ("[" * 500, "{[" * 500, '"[' * 500, "\\[" * 500, '\\"[' * 500, "\\\\[" * 500):
        for reader in READERS:
            assert reader.loads(reader.dumps([text, {text: [text]}])) == [text, {text: [text]}]
            assert reader.loads(reader.dumps(["\\", text, "\\"])) == ["\\", text, "\\"]


def test_many_containers_side_by_side_are_no_depth() -> None:
    value = [[{}, []] for _ in range(1000)]
    for reader in READERS:
        assert reader.loads(reader.dumps([value])) == [value]


def test_very_many_containers_are_refused_before_they_are_decoded() -> None:
    check_depth(b"[" + b"{}," * 190_000 + b"1]")
    with pytest.raises(ProtocolError, match="at most 100000 elements in all"):
        check_depth(b"[" + b"{}," * 200_000 + b"1]")


def test_a_scan_of_a_long_text_of_escapes_is_quick() -> None:
    begun = time.monotonic()
    check_depth(b'["' + b'\\"' * 500_000 + b'",' + b"[]," * 70 + b"1]")
    check_depth(b'["' + b"\\\\" * 500_000 + b'",' + b"[]," * 70 + b"1]")
    assert time.monotonic() - begun < 5


def test_hostile_bytes_are_refused_on_the_small_stack_of_a_thread() -> None:
    refused = []

    def read() -> None:
        for reader in READERS:
            for data in (b"[" * 100_000, b'{"a":' * 990 + b"1" + b"}" * 990):
                with pytest.raises(ProtocolError):
                    reader.loads(data)
                refused.append(reader)

    previous = threading.stack_size(64 * 1024)
    try:
        thread = threading.Thread(target=read, name="small-stack")
        thread.start()
    finally:
        threading.stack_size(previous)
    thread.join(30)
    assert len(refused) == 4


# ---- what is cut into pieces, because it nests too deep

DEEP = b"[" * 70 + b"]" * 70


@reader_of_each
@pytest.mark.parametrize(
    "pair", [b"1:", b"x:", b'"a"', b'"a",', b"[]:", b"null:", b":"], ids=lambda pair: repr(pair)
)
def test_a_key_that_is_none_is_no_json_however_deep_its_value_nests(
    reader: Json, pair: bytes
) -> None:
    for data in (b"{" + pair + DEEP + b"}", b'[48,7,{},"a.b",{' + pair + DEEP + b"}]"):
        with pytest.raises(ProtocolError, match="not JSON"):
            reader.loads(data)


MANY_KEYS = b",".join(b'"k%d":1' % number for number in range(json_pieces.MOST_PIECES + 1))


@reader_of_each
@pytest.mark.parametrize(
    "options", [b'{"a":' * 70 + b"1" + b"}" * 70, b" {" + MANY_KEYS + b',"z":' + DEEP + b"}"]
)
def test_what_nests_too_deep_is_empty_where_the_message_is_told_of(
    reader: Json, options: bytes
) -> None:
    with pytest.raises(Uncarriable) as caught:
        reader.loads(b"[48,7," + options + b',"a.b",' + DEEP + b"]")
    assert caught.value.head[:4] == [48, 7, {}, "a.b"]


@reader_of_each
@pytest.mark.parametrize(
    ("payload", "path"), [(b"[%b]", [4, 0]), (b'[],{"k":%b}', [5, "k"])], ids=["args", "kwargs"]
)
def test_what_nests_one_container_too_deep_is_found_at_its_place(
    reader: Json, payload: bytes, path: list[int | str]
) -> None:
    def message(depth: int) -> bytes:
        return b'[48,7,{},"a.b",' + payload % (b"[" * depth + b"]" * depth) + b"]"

    deepest = LEVELS - 2  # within the message and its payload
    reader.loads(message(deepest))
    with pytest.raises(Uncarriable) as caught:
        reader.loads(message(deepest + 1))
    assert caught.value.path == path


def test_the_largest_integers_are_read_the_slow_way_too() -> None:
    assert json_pieces.read(b"[18446744073709551615,-9223372036854775808]") == [2**64 - 1, -(2**63)]
    for digits in (b"18446744073709551616", b"-9223372036854775809", b"1" * 21, b"9" * 5000):
        (flaw,) = json_pieces.read(b"[" + digits + b"]")
        assert "between -2**63 and 2**64-1" in flaw.why


@pytest.mark.parametrize(("opening", "kinds"), [(b"[", [int, Flaw]), (b'{"a":', Flaw)])
def test_of_what_has_too_many_brackets_a_list_keeps_what_was_read(
    opening: bytes, kinds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_pieces, "MOST_TOKENS", 20)
    closing = b"]" if opening == b"[" else b"}"
    read = json_pieces.read(opening + b"1," + b'"b":' * (opening != b"[") + DEEP + closing)
    assert (list(map(type, read)) if type(read) is list else type(read)) == kinds


def test_depth_is_counted_to_the_last_level() -> None:
    check_depth(b"[[]," + b"[" * (LEVELS - 1) + b"]" * (LEVELS - 1) + b"]")
    with pytest.raises(ProtocolError, match="at most 64 containers"):
        check_depth(b"[[]," + b"[" * LEVELS + b"]" * LEVELS + b"]")
