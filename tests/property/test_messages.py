"""Whatever array comes, `parse` returns a message that means the same, or raises ProtocolError."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wamplite.core.errors import ProtocolError
from wamplite.core.grammar import GRAMMAR
from wamplite.core.parsing import parse, to_array

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ids = st.integers(1, 2**53)
roles = st.fixed_dictionaries({"roles": st.just({"caller": {}, "dealer": {"features": {}}})})
by_kind: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "request": st.sampled_from([16, 32, 34, 48, 64, 66, 68]),
    "uri": st.text(max_size=10),
    "string": st.text(max_size=10),
    "dict": st.just({}) | roles,
}
payloads = st.just([]) | st.tuples(st.lists(anything, max_size=3)).map(list)
payloads |= st.tuples(
    st.lists(anything, max_size=3), st.dictionaries(st.text(max_size=5), anything, max_size=3)
).map(list)


@st.composite
def good_arrays(draw: st.DrawFn) -> list[Any]:
    code = draw(st.sampled_from(sorted(GRAMMAR)))
    shape = GRAMMAR[code]
    array = [code, *(draw(by_kind[kind]) for kind in shape.elements.values())]
    if shape.required:
        array[-1] = draw(roles)
    return [*array, *draw(payloads)] if shape.ends == "payload" else array


@given(good_arrays())
def test_a_good_array_is_read_and_written_without_loss(array: list[Any]) -> None:
    written = to_array(parse(array))
    assert to_array(parse(written)) == written
    while len(array) > 1 + len(GRAMMAR[array[0]].elements) and not array[-1]:
        del array[-1]  # an empty payload may be left out
    assert written == array


@given(good_arrays(), st.integers(0, 7), anything)
def test_an_array_with_any_element_replaced_is_read_or_refused(
    array: list[Any], at: int, value: Any
) -> None:
    array[at : at + 1] = [value]
    try:
        message = parse(array)
    except ProtocolError as refused:
        assert len(str(refused)) < 300
    else:
        assert type(message) is GRAMMAR[array[0]].message


@given(anything)
def test_anything_at_all_is_read_or_refused(value: Any) -> None:
    try:
        parse(value)
    except ProtocolError as refused:
        assert len(str(refused)) < 300
