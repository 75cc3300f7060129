"""No octets make a message slow to check: a session would hold up all others with them."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.core.unfit import Uncarriable
from wamplite.serializers import json

SIZE = 2**20
# What a message may cost, in times of one simple pass over its octets (1 ms a MB).
TIMES = {"msgpack": 12, "cbor": 12, "json": 30}  # JSON: an escape is dear to decode
PATTERNS = {
    "zeros": b"\0",
    "heads of short text": b"\xa1",
    "heads of short text and zeros": b"\xa1\0",
    "heads of long text and zeros": b"\xd9\0",
    "semicolons": b";",
    "heads of low integers": b";\x7f",
    "heads of CBOR text": b"\x61\x79\x7a\x7b",
    "heads of CBOR text and zeros": b"\x61" + bytes(3),
    "heads of lists": b"\x91",
    "high octets": b"\xff",
}


def least(run: Callable[[], Any]) -> float:
    fastest = 1.0  # of this thread: others may be busy meanwhile
    for _ in range(7):
        begun = time.thread_time()
        with suppress(ProtocolError):
            run()
        fastest = min(fastest, time.thread_time() - begun)
    return fastest


@pytest.mark.long
@pytest.mark.parametrize("name", ["msgpack", "cbor"])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_long_binary_costs_some_passes_over_its_octets(name: str, pattern: bytes) -> None:
    one = serializers.get(name)
    content = (pattern * (SIZE // len(pattern)))[:SIZE]
    written = one.dumps([48, 70_000, {}, "com.example.echo", [content]])
    one_pass = least(lambda: written.translate(None, b"q"))
    assert least(lambda: one.loads(written)) < TIMES[name] * one_pass


@pytest.mark.long
@pytest.mark.parametrize("name", ["json", "msgpack", "cbor"])
@pytest.mark.parametrize("text", ["x", "[", ";", "9", "a\0", "é", "\\"])
def test_a_long_text_costs_some_passes_over_its_octets(name: str, text: str) -> None:
    one = serializers.get(name)
    content = text * (SIZE // len(text.encode()))
    written = one.dumps([48, 70_000, {}, "com.example.echo", [content]])
    one_pass = least(lambda: written.translate(None, b"q"))
    assert least(lambda: one.loads(written)) < TIMES[name] * one_pass


@pytest.mark.parametrize("name", ["msgpack", "cbor"])
def test_a_long_text_among_few_values_costs_less_than_a_pass_for_each_check(name: str) -> None:
    one = serializers.get(name)
    written = one.dumps([48, 70_000, {}, "com.example.echo", ["x" * SIZE]])
    one_pass = least(lambda: written.translate(None, b"q"))
    assert least(lambda: one.loads(written)) < 1.5 * one_pass


@pytest.mark.parametrize("name", ["msgpack", "cbor"])
def test_many_dicts_are_not_decoded_in_one_piece(name: str) -> None:
    """Python code runs for each of them, and where it does the interpreter may change threads."""
    one = serializers.get(name)
    written = one.dumps([48, 1, {}, "com.example.log", [[{"at": n} for n in range(1000)]]])
    calls = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name == "_let_go":
            calls.append(frame.f_lineno)

    sys.setprofile(note)
    try:
        one.loads(written)
    finally:
        sys.setprofile(None)
    assert len(calls) >= 1000


JSON_HEAD, CBOR_HEAD, MSGPACK_HEAD = (
    b'[16,1,{},"t",',
    b"\x85\x10\x01\xa0\x61t",
    b"\x95\x10\x01\x80\xa1t",
)
MANY = 4 * SIZE
MANY_VALUES: dict[str, tuple[str, bytes]] = {
    "numbers of JSON": ("json", JSON_HEAD + b"[" + b"1e1," * (MANY // 4) + b"1]]"),
    "texts of JSON": ("json", JSON_HEAD + b"[" + b'"[",' * (MANY // 4) + b"1]]"),
    "quotes of JSON": ("json", JSON_HEAD + b"[" * 70 + b'"["' * (MANY // 3)),
    "lists of CBOR": (
        "cbor",
        CBOR_HEAD + b"\x98\x40" + (b"\x99\xff\xff" + b"\x01" * 65535) * (MANY // 65536),
    ),
    "an endless list of CBOR": ("cbor", CBOR_HEAD + b"\x9f" + b"\x01" * MANY + b"\xff"),
    "text of CBOR in pieces": ("cbor", CBOR_HEAD + b"\x81\x7f" + b"\x61a" * (MANY // 2) + b"\xff"),
    "lists of MsgPack": (
        "msgpack",
        MSGPACK_HEAD + b"\xdc\x00\x40" + (b"\xdc\xff\xff" + b"\x01" * 65535) * (MANY // 65536),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(("name", "data"), MANY_VALUES.values(), ids=MANY_VALUES)
def test_what_holds_too_many_values_is_refused_before_it_is_built(name: str, data: bytes) -> None:
    ones = [json.Json(), json.make()] if name == "json" else [serializers.get(name)]
    for one in ones:
        one.loads(one.dumps([1]))  # what is made once
        tracemalloc.start()
        try:
            with pytest.raises((ProtocolError, Uncarriable), match="elements|nest"):
                one.loads(data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 5 * len(data), f"{peak / len(data):.1f} times its size"
