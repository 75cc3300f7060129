"""The gate for payloads that come through no serializer, and their copies."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum
from typing import Any

import pytest

from wamplite.core.errors import ProtocolError
from wamplite.serializers import check_payload, copy_payload
from wamplite.serializers.payload import KNOWN


class Shade(IntEnum):
    RED = 1


class Text(str):
    __slots__ = ()


REFUSED: list[Any] = [
    float("nan"), float("inf"), -float("inf"), 2**64, -(2**63) - 1, 10**400, "\ud800", "a\udfff",
    "\0",
    "\0YQ==", {"\ud800": 1}, {1: 2}, {None: 1}, {b"a": 1}, {("a",): 1}, {1, 2}, 1j, object(),
    bytearray(1),
    memoryview(b"a"), Shade.RED, Text("a"), OrderedDict(a=1), range(3), iter([1]), ...,
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: repr(value).split(" at 0x")[0][:20])
def test_what_some_serializer_cannot_carry_is_refused(value: Any) -> None:
    for wrapped in (value, [value], {"k": value}, [[{"k": [1, value]}]]):
        for args, kwargs in (([wrapped], None), ((1, wrapped), {}), (None, {"k": wrapped})):
            with pytest.raises(ProtocolError):
                check_payload(args, kwargs)
        with pytest.raises(ProtocolError):
            copy_payload([wrapped])


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ([1.5, float("nan")], None, "a float must be finite, neither NaN nor Infinity"),
        ([{1: 2, b"a": 3}], None, "a key of a dict must be a string, not bytes, int"),
        ([{1}, 1j], None, "a value must be None, bool, int, float, str, bytes, list or dict, "
                          "not complex, set"),
        (None, {"a": 2**64}, "an integer must lie between -2**63 and 2**64-1"),
        (["\ud800"], None, "text must not hold a lone surrogate"),
        (["a", "\0b"], None, "text must not begin with NUL: in JSON that means bytes"),
    ],
)  # fmt: skip
def test_the_text_says_what_is_wrong(args: Any, kwargs: Any, text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        check_payload(args, kwargs)
    assert str(caught.value) == text


def test_a_payload_may_be_missing_empty_or_one_binary() -> None:
    for args in (None, [], (), b"passed through", "passed through", [None]):
        check_payload(args, None)
        check_payload(args, {})


def test_many_arguments_are_judged_as_few_are() -> None:
    many: list[Any] = [None, True, 1, 1.5, "text", "ä", b"bytes"] * 20
    named = {f"k{at}": value for at, value in enumerate(many)}
    check_payload(many, named)
    for wrong in (2**64, float("nan"), "\ud800", "\0", object()):
        for args, kwargs in (([*many, wrong], named), (many, named | {"k": wrong})):
            with pytest.raises(ProtocolError):
                check_payload(args, kwargs)


def test_keyword_arguments_are_a_dict() -> None:
    for kwargs in (OrderedDict(), OrderedDict(a=1), {1: 2}, {"\ud800": 1}):
        with pytest.raises(ProtocolError):
            check_payload([1], kwargs)  # type: ignore[arg-type]
    check_payload([1], {"\0key": 1, "ä": 2})


def test_a_tuple_passes_as_a_list() -> None:
    value = (1, [(2, {"k": (3, ())})])
    check_payload(value, {"k": value})
    assert copy_payload(value) == [1, [[2, {"k": [3, []]}]]]


def test_a_cyclic_value_is_refused() -> None:
    lists: list[Any] = [1]
    lists.append(lists)
    dicts: dict[str, Any] = {}
    dicts["k"] = [dicts, dicts]
    for value in (lists, dicts):
        with pytest.raises(ProtocolError, match="at most"):
            check_payload([value], None)


def test_a_value_that_is_shared_very_often_is_refused_quickly() -> None:
    value: list[Any] = [1] * 10
    for _ in range(60):
        value = [value] * 10  # 10**61 elements, if each were looked at
    with pytest.raises(ProtocolError, match="at most 100000 elements"):
        copy_payload([value])


def test_a_copy_shares_nothing_mutable() -> None:
    inner = {"k": [1, [2]], "plain": [1, 2]}
    original = [inner, inner, b"x", None]
    copy = copy_payload(original)
    assert copy == original
    copy[0]["k"][1].append(3)
    copy[0]["plain"].append(3)
    copy[1]["new"] = 1
    assert original == [inner, inner, b"x", None]
    assert inner == {"k": [1, [2]], "plain": [1, 2]}


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", b"bytes", {}, {"a": 1}])
def test_a_copy_of_a_single_value_is_equal_to_it(value: Any) -> None:
    assert copy_payload(value) == value
    assert type(copy_payload(value)) is type(value)


def test_values_of_every_kind_may_stand_side_by_side() -> None:
    values = [None, True, 1, 1.5, "text", b"bytes", [1], {"a": 1}, (1,)]
    assert set(map(type, values)) == KNOWN
    check_payload(values, {"nested": values})
