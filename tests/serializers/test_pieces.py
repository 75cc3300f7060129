"""What holds many elements is written in pieces: the same octets, and no call writes much."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import UsageError
from wamplite.serializers import Serializer
from wamplite.serializers.cbor import Cbor
from wamplite.serializers.json import LONGEST, Json
from wamplite.serializers.pieces import MANY, holds_many, write_in_pieces

ROWS: list[Any] = [
    {"id": number, "name": f"n{number}", "\u00e4": [1.5, None]} for number in range(5000)
]
LONG: dict[str, Any] = {f"key{number}": number for number in range(70_000)}
TABLE = [[{"x": number}] * 100 for number in range(100)]
DEEP: Any = ROWS
for _ in range(25):
    DEEP = [1, {"a": DEEP}]
SHAPES: dict[str, list[Any]] = {
    "arguments": ROWS,
    "one argument": [ROWS],
    "one of several": [1, "two", ROWS, b"\xff", {}, [], ROWS],
    "in a dict": [{"rows": ROWS, "": LONG, "n": 5}],
    "keyword arguments": [],
    "amid short ones": [*range(MANY - 3), ROWS, *range(7), LONG, {"a": 1}],
    "short ones that are many": TABLE,
    "of one length": [[1] * MANY, [2] * (MANY + 1), {"a": [3] * (MANY + 2)}],
    "deep": [DEEP],
    "little by little": [[[[number] * 3] * 4] * 5 for number in range(1000)],
    "long in long": [[[number] * 300 for number in range(300)]],
}
LENGTHS = [0, 1, 23, 24, 255, 256, 257, 511, 512, 513, 65_535, 65_536]


def message(args: list[Any]) -> list[Any]:
    return [68, 2**53, 7, {"progress": True}, args, {"rows": ROWS} if not args else {"k": LONG}]


def in_pieces(serializer: Serializer, array: list[Any]) -> bytes:
    assert serializer.form is not None
    return write_in_pieces(array, serializer.form)


class CountedJson(Json):
    """JSON that knows what was written at once."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def dumps(self, array: list[Any]) -> bytes:
        self.written.append(elements(array))
        return super().dumps(array)


def elements(value: Any) -> int:
    """Return how many elements a value has, with those of all that it holds."""
    if type(value) not in (list, dict):
        return 0
    held = value if type(value) is list else list(value.values())
    return len(held) + sum(map(elements, held))


@pytest.mark.sampled
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [Json, Cbor])
def test_the_octets_are_those_of_the_whole(kind: type[Json | Cbor], shape: str) -> None:
    serializer, array = kind(), message(SHAPES[shape])
    assert in_pieces(serializer, array) == serializer.dumps(array)


@pytest.mark.sampled
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("kind", [Json, Cbor])
def test_they_are_for_lists_and_dicts_of_any_length(kind: type[Json | Cbor], length: int) -> None:
    serializer = kind()
    for value in (list(range(length)), dict.fromkeys(map(str, range(length)), "x")):
        array = [16, 1, {}, "com.topic", [value], {"again": value}]
        assert in_pieces(serializer, array) == serializer.dumps(array)


@pytest.mark.parametrize("shape", SHAPES)
def test_none_of_the_calls_of_json_writes_much(shape: str) -> None:
    counted = CountedJson()
    in_pieces(counted, message(SHAPES[shape]))
    assert len(counted.written) > 10
    assert max(counted.written) <= 2 * MANY


@pytest.mark.parametrize("shape", SHAPES)
def test_nor_where_nothing_else_is_long(shape: str) -> None:
    counted = CountedJson()
    assert counted.form is not None
    write_in_pieces([16, 1, {}, "com.topic", SHAPES[shape]], counted.form)
    assert not SHAPES[shape] or len(counted.written) > 4
    assert max(counted.written) <= 2 * MANY


def test_what_holds_few_elements_is_written_by_one_call_of_json() -> None:
    counted = CountedJson()
    args = ["x" * LONGEST, bytes(LONGEST), [1] * (MANY - 11)]
    in_pieces(counted, [16, 1, {}, "com.topic", args, {"a": {"b": 1}}])
    assert len(counted.written) == 1


TEXTS: dict[str, Any] = {
    "text": "kitchen\n" * 100_000,
    "other characters": '\u00e4\u20ac\U0001f600\0\\"' * 20_000,
    "binary": bytes(range(256)) * 2000,
    "one character more": "x" * (LONGEST + 1),
    "one octet more": bytes(LONGEST + 1),
    "two octets more": bytes(2 * LONGEST + 2),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", [Json, Cbor])
def test_long_texts_wherever_they_stand_are_the_octets_of_the_whole(
    kind: type[Json | Cbor], text: str
) -> None:
    value, serializer = TEXTS[text], kind()
    for args in ([value], [1, value, {"b": value}, [], value], [*range(MANY), value]):
        array = [68, 2**53, 7, {}, args, {"k": value, "l": {"m": [value, 1]}}]
        assert in_pieces(serializer, array) == serializer.dumps(array)


class MeasuredJson(Json):
    """JSON that knows how long a text or binary it wrote at once."""

    longest = 0

    def dumps(self, array: Any) -> bytes:
        self.longest = max(self.longest, len(array) if type(array) is str else text_in(array))
        return super().dumps(array)


def text_in(value: Any) -> int:
    """Return the length of the longest text or binary in a value."""
    if type(value) in (str, bytes):
        return len(value)
    held = value.values() if type(value) is dict else value if type(value) is list else []
    return max(map(text_in, held), default=0)


@pytest.mark.parametrize("text", TEXTS)
def test_no_call_of_json_writes_a_long_text(text: str) -> None:
    value, measured = TEXTS[text], MeasuredJson()
    for args, kwargs in (([value], {}), ([{"a": [value]}], {}), ([], {"rows": value})):
        in_pieces(measured, [16, 1, {}, "com.topic", args, kwargs])
    assert measured.longest <= LONGEST


def test_a_long_text_that_cannot_be_carried_is_told() -> None:
    with pytest.raises(UsageError, match="cannot carry the message"):
        in_pieces(Json(), [16, 1, {}, "com.topic", ["\ud800" * (LONGEST + 1)]])


def test_many_elements_are_found_however_deep_they_lie() -> None:
    for held in (MANY, MANY + 1):
        value: Any = [1] * (held - 60)
        for level in range(60):
            value = [value] if level % 2 else {"a": value}
        assert holds_many(value) is (held > MANY)


def test_so_are_few_in_each_of_few() -> None:
    side = int(MANY**0.5)
    square: Any = [[None] * (side - 1)] * side
    assert not holds_many(square)
    assert holds_many([square, 1]) and holds_many({"a": [*square, 1]})


@pytest.mark.parametrize("kind", [Json, Cbor])
def test_what_cannot_be_carried_is_told_as_of_the_whole(kind: type[Json | Cbor]) -> None:
    endless: list[Any] = [1] * (MANY + 1)
    endless[7] = endless
    for value in ([*ROWS, object()], endless):
        with pytest.raises(UsageError, match="cannot carry the message"):
            in_pieces(kind(), [16, 1, {}, "com.topic", [value]])
