"""Protocol state: cases 36 to 40 of the catalogue, over both transports and in both serializers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.sessions import ROLES, VIOLATION, Session

Connect = Callable[..., Session]
HELLO = [1, "realm1", {"roles": ROLES}]
ROUTER_ONLY = {
    "WELCOME": [2, 1, {"roles": {"broker": {}}}],
    "CHALLENGE": [4, "ticket", {}],
    "PUBLISHED": [17, 1, 1],
    "SUBSCRIBED": [33, 1, 1],
    "UNSUBSCRIBED": [35, 1],
    "EVENT": [36, 1, 1, {}],
    "RESULT": [50, 1, {}],
    "REGISTERED": [65, 1, 1],
    "UNREGISTERED": [67, 1],
    "INVOCATION": [68, 1, 1, {}],
    "INTERRUPT": [69, 1, {}],
}
OTHERS = {
    "AUTHENTICATE": [5, "signature", {}],
    "GOODBYE": [6, {}, "wamp.close.close_realm"],
    "ERROR": [8, 68, 1, {}, "faults.error"],
    "PUBLISH": [16, 1, {}, "faults.x"],
    "SUBSCRIBE": [32, 1, {}, "faults.x"],
    "UNSUBSCRIBE": [34, 1, 1],
    "CALL": [48, 1, {}, "faults.x"],
    "CANCEL": [49, 1, {}],
    "REGISTER": [64, 1, {}, "faults.x"],
    "UNREGISTER": [66, 1, 1],
    "YIELD": [70, 1, {}],
    "EVENT_RECEIVED": [337, 1],
}

# ---- 36 and 37


@pytest.fixture(scope="module")
def options() -> list[str]:
    return ["--feature", "basic"]


@pytest.mark.parametrize("name", [*ROUTER_ONLY, *OTHERS])
def test_36_any_message_before_hello_is_aborted(connect: Connect, dialect: str, name: str) -> None:
    attacker = connect(dialect, join=False)
    attacker.say_all((ROUTER_ONLY | OTHERS)[name], HELLO)
    assert attacker.aborted() == VIOLATION


def test_36_an_abort_before_hello_is_closed_without_an_answer(
    connect: Connect, dialect: str
) -> None:
    attacker = connect(dialect, join=False)
    attacker.say(3, {}, "faults.changed.my.mind")
    attacker.ended()


@pytest.mark.parametrize("name", ["HELLO", "AUTHENTICATE", "EVENT_RECEIVED", *ROUTER_ONLY])
def test_37_what_a_client_must_not_say_is_a_violation(
    connect: Connect, dialect: str, name: str
) -> None:
    attacker = connect(dialect)
    attacker.say(*({"HELLO": HELLO} | ROUTER_ONLY | OTHERS)[name])
    assert attacker.aborted() == VIOLATION


def test_37_an_offender_is_disposed_of_and_not_heard_further(
    connect: Connect, dialect: str
) -> None:
    attacker, other = connect(dialect), connect(dialect)
    attacker.register("faults.mine")
    other.subscribe("faults.x")
    attacker.say_all(HELLO, [16, 2, {}, "faults.x"])
    assert attacker.aborted() == VIOLATION
    other.register("faults.mine")
    other.leave()


# ---- 38 and 39

NOT_MESSAGES: list[Any] = [
    None, True, False, 0, 1, -1, 16, 1.5, "", "PUBLISH", '[16,1,{},"faults.x"]', {}, {"16": 1},
    [], [[]], [{}], [None], [True], [False], ["16"], [16.0], [16.5], [0], [-1], [7], [9], [10],
    [47], [71], [255], [256], [1023], [1024], [2**53], [2**64 - 1], [[16, 1, {}, "faults.x"]],
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_MESSAGES, ids=repr)
def test_38_what_is_no_message_is_refused(connect: Connect, dialect: str, value: Any) -> None:
    attacker = connect(dialect)
    attacker.put_value(value)
    assert attacker.aborted() == VIOLATION


@pytest.mark.parametrize("value", NOT_MESSAGES[:16], ids=repr)
def test_38_what_is_no_message_is_refused_before_hello(connect: Connect, value: Any) -> None:
    attacker = connect("ws-json", join=False)
    attacker.put_value(value)
    assert attacker.aborted() == VIOLATION


def test_38_there_are_36_forms() -> None:
    assert len(NOT_MESSAGES) == 36


MALFORMED_HELLOS: list[tuple[list[Any], str]] = [
    ([1], VIOLATION),
    ([1, "realm1"], VIOLATION),
    ([1, 1, {"roles": ROLES}], VIOLATION),
    ([1, None, {"roles": ROLES}], VIOLATION),
    ([1, "realm1", []], VIOLATION),
    ([1, "realm1", {}], VIOLATION),
    ([1, "realm1", {"roles": {}}], VIOLATION),
    ([1, "realm1", {"roles": []}], VIOLATION),
    ([1, "realm1", {"roles": {"broker": {}}}], VIOLATION),
    ([1, "realm1", {"roles": {"caller": []}}], VIOLATION),
    ([1, "realm1", {"roles": {"caller": {"features": []}}}], VIOLATION),
    ([1, "realm1", {"roles": ROLES, "authmethods": "anonymous"}], VIOLATION),
    ([1, "realm1", {"roles": ROLES}, []], VIOLATION),
    ([1, "no such realm", {"roles": ROLES}], "wamp.error.invalid_uri"),
    ([1, "", {"roles": ROLES}], "wamp.error.invalid_uri"),
    ([1, "realm9", {"roles": ROLES}], "wamp.error.no_such_realm"),
    ([1, "realm1", {"roles": ROLES, "authid": 7}], VIOLATION),
    ([1, "realm1", {"roles": ROLES, "authmethods": ["ticket"]}],
     "wamp.error.no_matching_auth_method"),
]  # fmt: skip


@pytest.mark.parametrize(("hello", "reason"), MALFORMED_HELLOS, ids=repr)
def test_39_a_malformed_hello_is_aborted(
    connect: Connect, dialect: str, hello: list[Any], reason: str
) -> None:
    attacker = connect(dialect, join=False)
    attacker.say(*hello)
    assert attacker.aborted() == reason


# ---- 40

VIOLATIONS: list[list[Any]] = [
    [32, 0, {}, "faults.x"], [32, -1, {}, "faults.x"], [32, 2**53 + 1, {}, "faults.x"],
    [32, 1.0, {}, "faults.x"], [32, "1", {}, "faults.x"], [32, True, {}, "faults.x"],
    [32, None, {}, "faults.x"], [32, 1, [], "faults.x"], [32, 1, None, "faults.x"], [32, 1, {}, 5],
    [32, 1, {}, None], [32, 1, {}, ["faults.x"]], [32, 1], [32, 1, {}, "faults.x", []], [34, 1, 0],
    [34, 1, "1"], [66, 1, 2**53 + 1], [48, 1, {}, "faults.x", {}], [48, 1, {}, "faults.x", [], []],
    [48, 1, {}, "faults.x", [], {}, 1], [48, 1, {}, "faults.x", "text"],
    [48, 1, {"timeout": -1}, "faults.x"], [48, 1, {"disclose_me": 1}, "faults.x"],
    [16, 1, {"acknowledge": 1}, "faults.x"], [16, 1, {"exclude": [0]}, "faults.x"],
    [16, 1, {"eligible": {}}, "faults.x"], [16, 1, {"exclude_me": "no"}, "faults.x"],
    [64, 1, {"match": 1}, "faults.x"], [32, 1, {"match": 5}, "faults.x"],
    [32, 1, {"match": "regex"}, "faults.x"],
    [70, 1, []], [70, 1, {}, [], {}, []], [8, 68, 1, {}], [8, 99, 1, {}, "faults.e"],
    [6, {}], [3, []],
]  # fmt: skip
REFUSALS: list[tuple[list[Any], str]] = [
    ([32, 1, {}, ""], "invalid_uri"),
    ([32, 1, {}, "faults..x"], "invalid_uri"),
    ([32, 1, {}, "faults.x\n"], "invalid_uri"),
    ([32, 1, {}, "x" * 100_000], "invalid_uri"),
    ([64, 1, {}, "faults.#"], "invalid_uri"),
    ([64, 1, {}, "wamp.session.count"], "invalid_uri"),
    ([48, 1, {}, "faults x"], "invalid_uri"),
    ([48, 1, {}, "faults.\u2003x"], "invalid_uri"),
    ([16, 1, {"acknowledge": True}, ".faults"], "invalid_uri"),
    ([16, 1, {"acknowledge": True}, "wamp.session.on_join"], "invalid_uri"),
    ([48, 1, {}, "faults.nobody.serves"], "no_such_procedure"),
    ([48, 1, {}, "faults.nobody.serves", None, None], "no_such_procedure"),
    ([34, 1, 2**53], "no_such_subscription"),
    ([66, 1, 2**53], "no_such_registration"),
    ([32, 1, {"match": "prefix"}, "faults"], "feature_not_supported"),
    ([32, 1, {"match": "_regex"}, "faults"], "invalid_argument"),
    ([64, 1, {"match": "regex"}, "faults"], "invalid_argument"),
    ([64, 1, {"invoke": "random"}, "faults.x"], "feature_not_supported"),
]


@pytest.mark.parametrize("message", VIOLATIONS, ids=repr)
def test_40_a_malformed_request_is_aborted(
    connect: Connect, dialect: str, message: list[Any]
) -> None:
    attacker = connect(dialect)
    attacker.say(*message)
    assert attacker.aborted() == VIOLATION


@pytest.mark.parametrize(("message", "error"), REFUSALS, ids=lambda value: repr(value)[:40])
def test_40_a_request_that_cannot_be_fulfilled_is_an_error(
    connect: Connect, dialect: str, message: list[Any], error: str
) -> None:
    session = connect(dialect)
    code, request, *rest = message
    answer = session.ask(code, *rest)
    assert answer[:5] == [8, code, request, {}, f"wamp.error.{error}"]
    assert len(str(answer)) < 500
    assert session.is_served()


def test_40_a_bad_publish_is_not_answered_unless_it_asks(connect: Connect, dialect: str) -> None:
    session = connect(dialect)
    session.say(16, 1, {}, "faults..x")
    assert session.is_served()
