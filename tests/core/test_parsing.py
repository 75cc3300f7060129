"""Shapes: every wrong array is refused in words that name the offending element or key."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import ProtocolError
from wamplite.core.grammar import GRAMMAR
from wamplite.core.ids import MAX_ID
from wamplite.core.messages import NAMES
from wamplite.core.parsing import parse, to_array
from wamplite.core.words import show

GOOD: dict[str, Any] = {"id": 7, "request": 48, "uri": "a.b", "string": "s"}
OTHERS: dict[type, list[Any]] = {
    int: [None, True, 1.0, "1", [], {}, b"1"],
    str: [None, True, 1, 1.0, [], {}, b"a.b"],
    dict: [None, True, 1, "x", [], b""],
}


def good(code: int) -> list[Any]:
    """Return a good array of a message, without its payload."""
    roles = {"roles": {"caller": {}, "broker": {}}} if code in (1, 2) else {}
    return [code, *(GOOD.get(kind, roles) for kind in GRAMMAR[code].elements.values())]


def wrong_elements() -> list[Any]:
    cases = []
    for code, shape in GRAMMAR.items():
        for at, (element, kind) in enumerate(shape.elements.items(), 1):
            others = OTHERS[type(good(code)[at])] + ([0, -1, MAX_ID + 1] if kind == "id" else [])
            cases += [(code, at, element, value) for value in others]
    return cases


@pytest.mark.parametrize("code", GRAMMAR, ids=NAMES.get)
def test_the_good_array_is_good(code: int) -> None:
    parse(good(code))


@pytest.mark.parametrize(("code", "at", "element", "value"), wrong_elements())
def test_an_element_of_the_wrong_kind_is_named(
    code: int, at: int, element: str, value: Any
) -> None:
    array = good(code)
    array[at] = value
    with pytest.raises(ProtocolError) as caught:
        parse(array)
    assert str(caught.value).startswith(f"{NAMES[code]}: {element} must be ")
    assert str(caught.value).endswith(f", not {show(value)}")


@pytest.mark.parametrize("code", GRAMMAR, ids=NAMES.get)
def test_a_message_too_short_or_too_long_is_refused(code: int) -> None:
    array = good(code)
    most = {"payload": 2, "revocation": 1, "": 0}[GRAMMAR[code].ends]
    wanted = f"{len(array)} to {len(array) + most}" if most else str(len(array))
    for wrong in (array[:-1], [*array, *([[]] * (most + 1))]):
        with pytest.raises(ProtocolError) as caught:
            parse(wrong)
        expected = f"{NAMES[code]} must have {wanted} elements, not {len(wrong)}"
        assert str(caught.value) == expected


PAYLOADS = [code for code, shape in GRAMMAR.items() if shape.ends == "payload"]


@pytest.mark.parametrize("code", PAYLOADS, ids=NAMES.get)
def test_null_stands_for_a_payload_that_is_absent(code: int) -> None:
    absent = parse(good(code))
    for nulls in ([None], [None, None]):
        assert parse([*good(code), *nulls]) == absent
    assert parse([*good(code), None, {"a": 1}])[-2:] == (None, {"a": 1})
    assert parse([*good(code), [1], None])[-2:] == ([1], None)
    assert to_array(parse([*good(code), None, {"a": 1}])) == [*good(code), [], {"a": 1}]


@pytest.mark.parametrize("payload", [{}, False, 0, "text", b"\1", 1])
def test_arguments_must_be_a_list(payload: Any) -> None:
    for code in PAYLOADS:
        with pytest.raises(ProtocolError, match=f"{NAMES[code]}: Arguments must be a list, not"):
            parse([*good(code), payload])


@pytest.mark.parametrize("payload", [[], False, "text", b"\1", 1])
def test_keyword_arguments_must_be_a_dict(payload: Any) -> None:
    with pytest.raises(ProtocolError, match="CALL: ArgumentsKw must be a dict, not"):
        parse([48, 7, {}, "a.b", [], payload])


def test_a_binary_payload_stands_alone() -> None:
    with pytest.raises(ProtocolError, match="PUBLISH: Arguments must be a list, not a bytes"):
        parse([16, 7, {"ppt_scheme": "mqtt"}, "a.b", b"\1", {}])


@pytest.mark.parametrize("type_", [1, 8, 17, 36, 50, 70, 0, -1, 999])
def test_an_error_must_answer_a_request(type_: int) -> None:
    with pytest.raises(ProtocolError, match=r"REQUEST.Type must be one of \[16, 32, 34, 48, 64,"):
        parse([8, type_, 7, {}, "a.b"])


@pytest.mark.parametrize("code", [35, 67])
def test_a_revocation_has_request_0_and_details(code: int) -> None:
    for array, text in (
        ([code, 0], "must be an id from 1"),
        ([code, 7, {}], "must be 0 where Details follow, not 7"),
        ([code, False, {}], "must be 0 where Details follow, not False"),
        ([code, 0, []], "Details must be a dict, not a list of 0"),
        ([code, 0, {"reason": 1}], "reason must be a string, not 1"),
    ):
        with pytest.raises(ProtocolError, match=text):
            parse(array)


@pytest.mark.parametrize("code", [1, 2])
def test_roles_are_required(code: int) -> None:
    with pytest.raises(ProtocolError, match="roles is missing; it must be a dict of role dicts"):
        parse([*good(code)[:-1], {}])
    with pytest.raises(ProtocolError, match="roles is missing; it must be a dict of role dicts"):
        parse([*good(code)[:-1], {"roles": None}])


WANTED = "WELCOME: roles must be a dict of role dicts, at least one of broker, dealer, not"


@pytest.mark.parametrize(
    ("roles", "text"),
    [
        ([], "a list"),
        ({"caller": {}}, "none of these"),
        ({"broker": None}, "none of these"),
        ({"broker": {}, "dealer": []}, "dealer as a list"),
        ({"broker": {"features": ["x"]}}, "the features of broker as a list"),
    ],
)
def test_what_is_wrong_with_roles_is_named(roles: Any, text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse([2, 7, {"roles": roles}])
    assert str(caught.value) == f"{WANTED} {text}"


TYPED = [(code, key) for code, shape in GRAMMAR.items() for key in shape.keys if key != "roles"]


@pytest.mark.parametrize(("code", "key"), TYPED, ids=lambda value: str(value))
def test_null_for_a_known_key_is_read_as_its_absence(code: int, key: str) -> None:
    array = good(code) if code not in (35, 67) else [code, 0, {}]
    at = next(at for at, element in enumerate(array) if type(element) is dict)
    array[at] = array[at] | {key: None, "unknown": None}
    message = parse(array)
    details = next(element for element in message if type(element) is dict)
    assert key not in details
    assert details["unknown"] is None


def test_a_key_nobody_knows_is_ignored() -> None:
    parse([48, 7, {"_private": object(), "nonsense": 1}, "a.b"])
    parse([8, 48, 7, {"nonsense": 1}, "a.b"])


@pytest.mark.parametrize(
    ("array", "text"),
    [
        ([48, 7, {"timeout": -1}, "a.b"], "CALL: timeout must be an integer of at least 0, not -1"),
        ([8, 48, 7, {"ppt_scheme": 1}, "a.b"], "ERROR: ppt_scheme must be a string, not 1"),
    ],
)
def test_a_known_key_of_the_wrong_type_is_named(array: list[Any], text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(array)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2], "a list of 2"),
        ({}, "a dict of 0"),
        (b"abc", "a bytes of 3"),
        (10**400, "a huge integer"),
        (7, "7"),
        (True, "True"),
        (None, "None"),
        ("x" * 5000, "'" + "x" * 56 + "..."),
    ],
)
def test_a_value_is_shown_in_few_words(value: Any, words: str) -> None:
    assert show(value) == words
