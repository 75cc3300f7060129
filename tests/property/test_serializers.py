"""What passes the gate is carried by every serializer, and what all of them carry passes it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.serializers.sameness import same
from wamplite import serializers
from wamplite.core.errors import ProtocolError, UsageError
from wamplite.core.parsing import parse, to_array
from wamplite.serializers import Serializer, check_payload, copy_payload
from wamplite.serializers.json import FastJson, Json

ALL: list[Serializer] = [Json(), FastJson(), serializers.get("msgpack"), serializers.get("cbor")]

good_ints = st.integers(-(2**63), 2**64 - 1)
good_floats = st.floats(allow_nan=False, allow_infinity=False)
good_text = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text[:1] != "\0")
good_scalars = st.none() | st.booleans() | good_ints | good_floats | good_text | st.binary()
good_keys = st.text(st.characters(exclude_categories=["Cs"]))
edges = st.sampled_from(
    [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2.0**63, 2.0**64, -0.0, 1e22]
    + ["\0", "\0YQ==", "\ud800", "\udfff\ud800", "\u0000a", "a\0", float("nan"), float("-inf")]
)
any_text = st.text(st.characters(), max_size=8)
any_scalars = good_scalars | st.integers() | st.floats() | any_text | edges
any_keys = st.one_of(good_keys, good_keys, good_keys, any_text, st.integers(), st.binary())


def values(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[Any]) -> Any:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=8) | st.dictionaries(keys, inner, max_size=8),
        max_leaves=60,
    )


good_values = values(good_scalars, good_keys)
any_values = values(any_scalars, any_keys)


def carries(serializer: Serializer, value: Any) -> bool:
    message = [16, 7, {}, "com.example.any", [value], {"value": value}]
    try:
        return same(serializer.loads(serializer.dumps(message)), message)
    except (ProtocolError, UsageError):
        return False


def passes(value: Any) -> bool:
    try:
        check_payload([value], {"value": value})
    except ProtocolError:
        return False
    return True


@given(good_values)
def test_every_good_value_passes_and_is_carried_by_all(value: Any) -> None:
    assert passes(value)
    assert [carries(serializer, value) for serializer in ALL] == [True] * 4
    assert same(copy_payload(value), value)


@given(any_values)
def test_a_value_passes_exactly_when_all_carry_it(value: Any) -> None:
    assert passes(value) == all(carries(serializer, value) for serializer in ALL)


@given(any_values, st.permutations(ALL))
def test_what_one_lets_in_the_others_can_pass_on(value: Any, way: list[Serializer]) -> None:
    message = [16, 7, {}, "com.example.any", [value], {"value": value}]
    try:
        arrived = way[0].loads(way[0].dumps(message))
    except (ProtocolError, UsageError):
        return
    for serializer in way[1:]:
        assert same(serializer.loads(serializer.dumps(arrived)), arrived)
        arrived = serializer.loads(serializer.dumps(arrived))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Serializer, bytes]:
    """Return a message with some octets overwritten, cut out or put in."""
    serializer = draw(st.sampled_from(ALL))
    data = bytearray(serializer.dumps([16, 7, {}, "com.example.any", [draw(good_values)]]))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.integers(0, 3))
        data[at : at + gone] = draw(st.binary(max_size=3))
    return serializer, bytes(data)


@given(damaged() | st.tuples(st.sampled_from(ALL), st.binary(max_size=60)))
def test_damaged_octets_are_refused_or_become_what_all_can_pass_on(
    arrival: tuple[Serializer, bytes],
) -> None:
    serializer, data = arrival
    try:
        array = serializer.loads(data)
    except ProtocolError:
        return
    for other in ALL:
        assert same(other.loads(other.dumps(array)), array)
    try:
        message = parse(array)
    except ProtocolError:
        return
    assert parse(to_array(message))[:3] == message[:3]


json_pieces = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"',
        "\\",
        "\\u0000",
        "\\ud83d",
        "\\ude00",
        "YQ==",
        "null",
        "true",
    ]
    + [
        "-",
        "0",
        "1",
        ".",
        "e",
        "E+5",
        "1e400",
        "9" * 19,
        "9" * 25,
        " ",
        "\n",
        "a",
        "ä",
        "\t",
        "NaN",
    ]
)
json_values = st.recursive(
    st.sampled_from(
        ["null", "1", "-0", "1.0", "1e5", "18446744073709551616", "-9223372036854775809", "1E400"]
        + ['"a"', '"\\u0000YQ=="', '"\\u0000Y"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\\\ud800"']
    ),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(inner, max_size=4).map(
            lambda items: "{" + ",".join(f'"{at}":{item}' for at, item in enumerate(items)) + "}"
        )
    ),
)


@given(st.lists(json_pieces, max_size=12).map("".join) | json_values | st.text(max_size=20))
def test_both_readers_of_json_judge_alike(text: str) -> None:
    outcomes = []
    for reader in (Json(), FastJson()):
        try:
            outcomes.append([reader.loads(text.encode("utf-8", "surrogatepass"))])
        except ProtocolError:
            outcomes.append([])
    assert same(*outcomes)
