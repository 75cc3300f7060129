"""Messages: the table, `parse` and `to_array`; each array as it would stand on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core import messages
from wamplite.core.errors import ProtocolError
from wamplite.core.grammar import GRAMMAR
from wamplite.core.ids import MAX_ID
from wamplite.core.messages import CODES, NAMES
from wamplite.core.parsing import parse, to_array

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


def test_all_messages_of_the_specification_are_known() -> None:
    assert len(GRAMMAR) == 25
    assert {array[0] for array in WIRE} == set(GRAMMAR)
    assert {kind: code for code, (kind, *_) in GRAMMAR.items()} == CODES
    assert NAMES[337] == "EVENT_RECEIVED"
    assert NAMES[48] == "CALL"


def test_every_element_has_its_field() -> None:
    for shape in GRAMMAR.values():
        more = {"payload": ("args", "kwargs"), "revocation": ("details",), "": ()}[shape.ends]
        assert shape.message._fields[len(shape.elements) :] == more


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
    with pytest.raises(ProtocolError, match="is not the code of a message"):
        parse([code, 1, {}])
