"""The gate is fast in many ways; here it is compared with a walk that is plainly right.

WAMPLITE_GATE_INPUTS=200000 tries so many random messages; the suite tries some. Each is made from
its number: one that fails can be made again.
"""

from __future__ import annotations

import json
import math
import os
import random
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import cbor2
import msgpack
import pytest

from tests.amounts import some
from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.serializers import cbor as cbor_format
from wamplite.serializers import msgpack as msgpack_format
from wamplite.serializers import reader
from wamplite.serializers.flaws import judged
from wamplite.serializers.json import FastJson, Json

INPUTS = int(os.environ.get("WAMPLITE_GATE_INPUTS") or some(4000))
LETTERS = 'abc_{}[]"\\\0;xyzé中😀¡'
SCALARS: list[Callable[[random.Random], Any]] = [
    lambda _: None,
    lambda dice: dice.random() < 0.5,
    lambda dice: dice.randint(-40, 300),
    lambda dice: dice.choice([1, -1]) * dice.getrandbits(dice.randint(0, 63)),
    lambda dice: dice.choice([2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0x3B3B3B3B, 2**56]),
    lambda dice: dice.uniform(-100, 100),
    lambda dice: dice.choice([21.5, 0.0, -0.0, 1e22, 5e-324, 2.0**63, 2.0**64, -1.5e300]),
    lambda dice: "".join(dice.choices(LETTERS, k=dice.randint(1, 40))).lstrip("\0"),
    lambda dice: dice.choice(["", "a\0", "\\u0000", "9" * 19, "1e999", "a" * dice.randint(0, 400)]),
    lambda dice: dice.randbytes(dice.randint(0, 40)),
    lambda dice: dice.choice([bytes(300), b"\xa1\0" * 40, b";\x80" * 40, b"\x60\0" * 9]),
]  # fmt: skip
ODD: list[Any] = [math.nan, math.inf, -math.inf, "\0", "\0a", "\0" + "b" * 300]


def scalar(dice: random.Random, odds: float) -> Any:
    if dice.random() < odds:
        return dice.choice(ODD)
    return dice.choice(SCALARS)(dice)


def value(dice: random.Random, odds: float, depth: int = 0) -> Any:
    """Return a value of any kind; `odds`: how likely a scalar is one that cannot be carried."""
    kind = dice.random() + depth / 12
    if kind < 0.06:
        return [value(dice, odds, depth + 1) for _ in range(dice.choice([0, 1, 2, 5, 20]))]
    if kind < 0.2:
        names = (dice.choice(["\0", ";", "key", "ключ"]) + str(at) for at in range(9))
        return {name: value(dice, odds, depth + 1) for name in names if dice.random() < 0.5}
    if kind < 0.22:
        return [scalar(dice, odds)] * dice.choice([3, 60, 300, 2000])
    if kind < 0.24:
        deep: Any = scalar(dice, odds)
        for _ in range(dice.choice([10, 62, 63, 64, 65, 66, 200])):
            deep = [deep] if dice.random() < 0.5 else {"k": deep}
        return deep
    return scalar(dice, odds)


def message(number: int) -> list[Any]:
    """Return the message of that number."""
    dice = random.Random(number)
    odds = dice.choice([0, 0, 0.002, 0.02])
    args = [value(dice, odds) for _ in range(dice.choice([0, 1, 1, 2, 3, 12]))]
    kwargs = {"unit": value(dice, odds)} if dice.random() < 0.3 else {}
    first = dice.choice([7, 200, 456, 70_000, 2**53, "ω", "πρ"])
    options = {"x": scalar(dice, 20 * odds)} if dice.random() < 0.2 else {}
    return [48, first, options, "com.example.any", args, kwargs]


def fits(item: Any, depth: int = 0) -> bool:
    """Say by the plain walk whether a value can be carried by every serializer."""
    if depth > 66:
        return False
    if type(item) is float:
        return math.isfinite(item)
    if type(item) is str:
        return not item.startswith("\0")
    if type(item) is list:
        return depth < 66 and all(fits(each, depth + 1) for each in item)
    if type(item) is dict:
        return depth < 66 and all(fits(each, depth + 1) for each in item.values())
    return True


def as_json(array: Any) -> bytes:
    """Write what JSON can, and what it cannot as a peer without a gate would."""

    def plain(item: Any) -> Any:
        if type(item) is list:
            return list(map(plain, item))
        if type(item) is dict:
            return {key: plain(each) for key, each in item.items()}
        return "\0" + b64encode(item).decode() if type(item) is bytes else item

    return json.dumps(plain(array), ensure_ascii=len(array[4]) == 1).encode()


READERS = {
    "Json": (Json(), as_json),
    "FastJson": (FastJson(), as_json),
    "MsgPack": (serializers.get("msgpack"), msgpack.packb),
    "Cbor": (serializers.get("cbor"), cbor2.dumps),
}


@pytest.mark.timeout(60 + INPUTS // 20)
@pytest.mark.parametrize("name", READERS)
def test_the_fast_gate_judges_as_a_plain_walk_does(name: str) -> None:
    one, write = READERS[name]
    for number in range(INPUTS):
        array = message(number)
        try:
            read = one.loads(write(array))
        except ProtocolError as refused:
            assert not fits(array), (number, refused)
        else:
            # where a text of JSON began with NUL, it was base64 and means bytes
            assert fits(array) or (name.endswith("Json") and fits(read)), number
            assert repr(read) == repr(array) or not fits(array), number


CAREFUL: dict[str, Callable[[bytes], Any]] = {
    "MsgPack": lambda data: judged(reader.read(data, msgpack_format.take)),
    "Cbor": lambda data: judged(reader.read(data, cbor_format.take)),
}


# Heads of tags, of references, of what is long or endless, and of values that are not plain.
HEADS = [bytes.fromhex(octets) for octets in (
    "c0", "c1", "c2", "c3", "c4", "c5", "c6", "d7", "d818", "d81c", "d81d", "d823", "d90100",
    "d9d9f7", "f7", "f817", "f8ff", "e0", "ff", "9f", "bf", "5f", "7f", "98", "9900",
    "9a00000001", "9bffffffffffffffff", "b8", "bb7fffffffffffffff", "5a7fffffff", "7b00", "3bff",
    "1b", "f97e00", "fb7ff8", "c7", "c8", "d4", "d5", "d8ff", "d6ff", "dc", "dd", "dd0000ffff",
    "de", "df", "dfffffffff", "c6ffffffff", "db00", "ca7fc0", "cf", "d3",
)]  # fmt: skip


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return a message with some octets overwritten, cut out or put in."""
    octets = bytearray(data)
    for _ in range(dice.randint(0, 3)):
        at = dice.randint(0, len(octets))
        new = dice.choice(HEADS) if dice.random() < 0.5 else dice.randbytes(dice.randint(0, 2))
        octets[at : at + dice.randint(0, 2)] = new
    return bytes(octets)


@pytest.mark.timeout(60 + INPUTS // 20)
@pytest.mark.parametrize("name", CAREFUL)
def test_what_the_fast_way_takes_the_careful_reader_reads_alike(name: str) -> None:
    one, write = READERS[name]
    for number in range(INPUTS):
        data = damaged(write(message(number)), random.Random(number))
        try:
            read = one.loads(data)
        except ProtocolError:
            with pytest.raises(ProtocolError):
                CAREFUL[name](data)
            continue
        assert repr(CAREFUL[name](data)) == repr(read), number
