"""Parsing: arrays become messages and arrays again; a wrong one is refused in words that name it.

The offending element or key is named; each array is as it would stand on the wire.
"""

from __future__ import annotations

import builtins
from importlib.util import find_spec, module_from_spec
from typing import Any

import pytest

from tests.each import for_each
from wamplite.core import messages
from wamplite.core.errors import ProtocolError
from wamplite.core.grammar import GRAMMAR
from wamplite.core.ids import MAX_ID
from wamplite.core.messages import NAMES
from wamplite.core.parsing import parse, to_array
from wamplite.core.words import show

ROLES = {"roles": {"caller": {}, "broker": {}}}
WIRE: list[list[Any]] = [
    [1, "realm1", ROLES],
    [2, 9129137332, ROLES],
    [3, {"message": "no"}, "wamp.error.no_such_realm"],
    [3, {}, "wamp.error.no_such_realm", [1], {"a": 1}],
    [4, "wampcra", {"challenge": "x"}],
    [5, "signature", {}],
    [6, {}, "wamp.close.goodbye_and_out"],
    [8, 48, 7, {}, "com.example.no"],
    [8, 68, 7, {}, "com.example.no", ["why"]],
    [8, 68, 7, {}, "com.example.no", ["why"], {"code": 1}],
    [16, 7, {"acknowledge": True}, "com.example.topic"],
    [16, 7, {}, "com.example.topic", ["a"], {"b": None}],
    [17, 7, MAX_ID],
    [32, 7, {"match": "prefix"}, "com.example"],
    [33, 7, 1],
    [34, 7, 1],
    [35, 7],
    [35, 0, {"subscription": 7, "reason": "wamp.close.killed"}],
    [36, 1, 2, {}],
    [36, 1, 2, {"topic": "com.example.topic"}, [1.5]],
    [48, 7, {}, "com.example.add2", [2, 3]],
    [48, 7, {"timeout": 0}, "com.example.add2", [], {"a": 1}],
    [49, 7, {"mode": "kill"}],
    [50, 7, {}],
    [50, 7, {"progress": True}, [5]],
    [64, 7, {"invoke": "single"}, "com.example.add2"],
    [65, 7, 1],
    [66, 7, 1],
    [67, 7],
    [67, 0, {"registration": 7}],
    [68, 7, 1, {"caller": 5}, [2, 3]],
    [69, 7, {}],
    [70, 7, {}, [5], {"x": b"\0\1"}],
    [337, 5],
]
ENCRYPTED = {"enc_algo": "cryptobox"}
PASSED = {"ppt_scheme": "mqtt"}


@pytest.mark.parametrize("array", WIRE, ids=lambda array: f"{NAMES[array[0]]}-{len(array)}")
def test_a_good_array_becomes_its_message_and_the_same_array_again(array: list[Any]) -> None:
    message = parse(array)
    assert type(message) is GRAMMAR[array[0]].message
    assert to_array(message) == array


@pytest.mark.parametrize("fault", [MemoryError, RecursionError])
def test_a_message_is_read_where_its_function_cannot_be_compiled(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise fault

    spec = find_spec("wamplite.core.parsing")
    assert spec is not None and spec.loader is not None
    fresh = module_from_spec(spec)
    spec.loader.exec_module(fresh)
    with monkeypatch.context() as patched:
        patched.setattr(builtins, "exec", fail)
        assert fresh.parse([48, 7, {}, "a.b", [1]]) == parse([48, 7, {}, "a.b", [1]])
    assert fresh.parse([48, 7, {}, "a.b", [1]]) == parse([48, 7, {}, "a.b", [1]])


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ([48, 7, {}, "a.b", []], [48, 7, {}, "a.b"]),
        ([48, 7, {}, "a.b", [], {}], [48, 7, {}, "a.b"]),
        ([48, 7, {}, "a.b", [1], {}], [48, 7, {}, "a.b", [1]]),
    ],
)
def test_an_empty_payload_is_taken_and_left_out(sent: list[Any], written: list[Any]) -> None:
    assert to_array(parse(sent)) == written


def test_keyword_arguments_alone_stand_behind_an_empty_list() -> None:
    assert to_array(messages.Result(7, {}, None, {"a": 1})) == [50, 7, {}, [], {"a": 1}]


@pytest.mark.parametrize("details", [ENCRYPTED, PASSED])
@pytest.mark.parametrize("payload", [b"\1\2", "text"])
def test_a_payload_that_passes_through_may_be_one_binary(details: Any, payload: Any) -> None:
    for array in (
        [16, 7, details, "a.b", payload],
        [36, 1, 2, details, payload],
        [48, 7, details, "a.b", payload],
        [50, 7, details, payload],
        [68, 7, 1, details, payload],
        [70, 7, details, payload],
        [8, 48, 7, details, "a.b", payload],
    ):
        assert to_array(parse(array)) == array


@pytest.mark.parametrize(
    "value", [None, {}, [], "text", 48, 1.0, True, b"0", [[48]], ["CALL", 1], [None], [48.0, 1]]
)
def test_what_is_no_list_that_begins_with_a_code_is_refused(value: Any) -> None:
    with pytest.raises(ProtocolError, match="must be a list that starts with its code"):
        parse(value)


@pytest.mark.parametrize("code", [0, 7, 9, -1, 255, 256, 10**400])
def test_a_code_nobody_knows_is_refused(code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse([code, 1, {}])
    assert str(caught.value) == f"{show(code)} is not the code of a message"


@pytest.mark.parametrize(
    ("array", "words"),
    [
        ([1, 1, {}], "HELLO: Realm must be a string, not 1"),
        ([17, "1", 1], "PUBLISHED: PUBLISH.Request must be an integer, not '1'"),
        ([17, 0, 1], "PUBLISHED: PUBLISH.Request must be an id from 1 to 2**53, not 0"),
        ([6, [], "a.b"], "GOODBYE: Details must be a dict, not a list of 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(array: list[Any], words: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(array)
    assert str(caught.value) == words


# ---- what is wrong

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


def test_every_element_of_the_wrong_kind_is_named() -> None:
    def check(code: int, at: int, element: str, value: Any) -> None:
        array = good(code)
        array[at] = value
        with pytest.raises(ProtocolError) as caught:
            parse(array)
        assert str(caught.value).startswith(f"{NAMES[code]}: {element} must be ")
        assert str(caught.value).endswith(f", not {show(value)}")

    for_each(wrong_elements(), check)


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


def test_null_for_every_known_key_is_read_as_its_absence() -> None:
    def check(code: int, key: str) -> None:
        array = good(code) if code not in (35, 67) else [code, 0, {}]
        at = next(at for at, element in enumerate(array) if type(element) is dict)
        array[at] = array[at] | {key: None, "unknown": None}
        message = parse(array)
        details = next(element for element in message if type(element) is dict)
        assert key not in details
        assert details["unknown"] is None

    for_each(TYPED, check)


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
