from __future__ import annotations

from typing import Any

import pytest

from wamplite.core.errors import AuthenticationFailed, JoinRefused, ProtocolError, UsageError
from wamplite.core.joining import Joiner
from wamplite.core.messages import Authenticate, Challenge
from wamplite.core.parsing import parse, to_array

ROLES: dict[str, Any] = {"caller": {}, "callee": {}}
WELCOME = [2, 7, {"roles": {"broker": {}, "dealer": {}}}]


def ticket(challenge: Challenge) -> Authenticate:
    return Authenticate("s3cret", {"asked": challenge.authmethod})


def test_hello_names_realm_roles_and_nothing_that_was_not_given() -> None:
    details = {"roles": ROLES, "_answers_ping": True}
    assert to_array(Joiner("realm1", ROLES).hello) == [1, "realm1", details]


def test_hello_carries_who_we_say_we_are() -> None:
    joiner = Joiner(
        "realm1",
        ROLES,
        authmethods={"ticket": ticket, "wampcra": ticket},
        authid="joe",
        authrole="sensor",
        authextra={"a": 1},
        agent="wamplite-1",
    )
    assert joiner.hello.details == {
        "roles": ROLES,
        "authmethods": ["ticket", "wampcra"],
        "authid": "joe",
        "authrole": "sensor",
        "authextra": {"a": 1},
        "agent": "wamplite-1",
        "_answers_ping": True,
    }


def test_a_realm_that_is_no_uri_is_not_asked_for() -> None:
    with pytest.raises(UsageError, match="'bad realm'"):
        Joiner("bad realm", ROLES)


def test_welcome_is_the_answer() -> None:
    welcome = Joiner("realm1", ROLES).on_message(parse(WELCOME))
    assert to_array(welcome) == WELCOME


def test_a_challenge_is_answered_by_the_method_it_names() -> None:
    joiner = Joiner("realm1", ROLES, authmethods={"ticket": ticket})
    answer = joiner.on_message(parse([4, "ticket", {}]))
    assert to_array(answer) == [5, "s3cret", {"asked": "ticket"}]


@pytest.mark.parametrize(
    ("methods", "offered"), [({}, "anonymous"), ({"ticket": ticket}, "ticket")]
)
def test_a_challenge_of_an_unknown_method_ends_the_handshake(methods: Any, offered: str) -> None:
    joiner = Joiner("realm1", ROLES, authmethods=methods)
    abort = to_array(joiner.on_message(parse([4, "wampcra", {}])))
    assert abort[0] == 3
    assert abort[2] == "wamp.error.authentication_failed"
    assert isinstance(joiner.error, AuthenticationFailed)
    assert f"asks for 'wampcra'; offered was: {offered}" in str(joiner.error)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("wamp.error.no_such_realm", JoinRefused),
        ("wamp.error.authentication_denied", AuthenticationFailed),
    ],
)
def test_abort_says_why_we_may_not_join(reason: str, kind: type[JoinRefused]) -> None:
    with pytest.raises(JoinRefused) as refused:
        Joiner("realm1", ROLES).on_message(parse([3, {"message": "go away"}, reason]))
    assert type(refused.value) is kind
    assert refused.value.error == reason
    assert refused.value.args == ("go away",)


def test_the_arguments_of_an_abort_come_before_its_message() -> None:
    with pytest.raises(JoinRefused) as refused:
        Joiner("realm1", ROLES).on_message(
            parse([3, {"message": "m"}, "wamp.error.no_such_realm", ["a"], {"k": 1}])
        )
    assert refused.value.args == ("a",)
    assert refused.value.kwargs == {"k": 1}


@pytest.mark.parametrize("array", [[6, {}, "wamp.close.close_realm"], [33, 1, 2], [50, 1, {}]])
def test_anything_else_is_a_violation(array: Any) -> None:
    joiner = Joiner("realm1", ROLES)
    abort = to_array(joiner.on_message(parse(array)))
    assert abort[0] == 3
    assert abort[2] == "wamp.error.protocol_violation"
    assert isinstance(joiner.error, ProtocolError)
    assert "not " in abort[1]["message"]
