from __future__ import annotations

from typing import Any

import pytest

from wamplite.core import uris
from wamplite.core.feature import Refused
from wamplite.core.handshake import Accepted, Acceptor, AuthMethod, Dialogue
from wamplite.core.members import Identity, Member, Violation
from wamplite.core.messages import Challenge, Hello
from wamplite.core.parsing import parse, to_array

ROLES: dict[str, Any] = {"caller": {}, "callee": {"features": {"call_canceling": True}}}
KEPT = {**ROLES, "caller": {"features": {}}}
ANN = Identity("ann", "user", "riddle", "test")


def riddle(hello: Hello) -> Dialogue:
    """Ask twice; the answers are the signatures "one" and "two"."""
    for number in ("one", "two"):
        answer = yield Challenge("riddle", {"number": number})
        if answer.signature != number:
            raise Refused(uris.AUTHENTICATION_DENIED, "that is not the answer")
    return ANN


def acceptor(**authmethods: AuthMethod) -> Acceptor:
    return Acceptor({"realm1": object()}, authmethods or None)


def say(handshake: Acceptor, array: list[Any]) -> Any:
    """Let a message arrive; returns the wire array of the answer, or Accepted, or None."""
    outcome = handshake.on_message(parse(array))
    return outcome if outcome is None or type(outcome) is Accepted else to_array(outcome)


def hello(**details: Any) -> list[Any]:
    return [1, "realm1", {"roles": ROLES, **details}]


def test_hello_is_accepted_as_anonymous() -> None:
    outcome = say(acceptor(), hello())
    assert outcome.realm == "realm1"
    assert outcome.roles == KEPT
    assert outcome.identity[1:] == ("anonymous", "anonymous", "static", None)


def test_hello_may_say_null_and_announce_by_anything() -> None:
    nulls = dict.fromkeys(("authid", "authrole", "authextra", "authmethods", "agent"))
    features = {"features": {"call_canceling": 1, "call_timeout": None}}
    roles = {"roles": {"caller": features, "callee": None, "publisher": {"features": None}}}
    outcome = say(acceptor(), [1, "realm1", nulls | roles])
    assert outcome.identity[1:] == ("anonymous", "anonymous", "static", None)
    member = Member(7, outcome.identity, outcome.roles, *[lambda *_: True] * 2, lambda: None)
    for role in ("caller", "callee", "publisher", "subscriber"):
        assert not any(member.announced(role, key) for key in features["features"])


def test_of_the_roles_nothing_is_kept_that_nobody_asks_for() -> None:
    features = {f"x_{number}": True for number in range(1000)}
    caller = {"features": {"call_timeout": False, "call_canceling": True}, "x_junk": [1]}
    roles = {"caller": caller, "publisher": {"features": features}, "x_role": {"x_junk": [2]}}
    outcome = say(acceptor(), [1, "realm1", {"roles": roles}])
    assert set(outcome.roles) == {"caller", "publisher"}
    assert outcome.roles["caller"] == {"features": {"call_canceling": True}}
    assert len(outcome.roles["publisher"]["features"]) == 64


def test_a_wished_authid_and_role_are_not_facts() -> None:
    outcome = say(acceptor(), hello(authid="root", authrole="admin"))
    assert outcome.identity.authid != "root"
    assert outcome.identity.authrole == "anonymous"


def test_every_anonymous_session_gets_an_authid_of_its_own() -> None:
    names = {say(acceptor(), hello()).identity.authid for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("wishes", [[], ["anonymous"], ["ticket", "anonymous"]])
def test_the_first_method_that_is_offered_is_taken(wishes: list[str]) -> None:
    outcome = say(acceptor(), hello(authmethods=wishes))
    assert outcome.identity.authmethod == "anonymous"


def test_methods_that_are_not_offered_are_refused() -> None:
    assert say(acceptor(), hello(authmethods=["ticket"])) == [
        3,
        {"message": "offered here: anonymous; wished for: ['ticket']"},
        "wamp.error.no_matching_auth_method",
    ]


def test_an_unknown_realm_is_refused() -> None:
    assert say(acceptor(), [1, "realm2", {"roles": ROLES}]) == [
        3,
        {"message": "there is no realm 'realm2' here, only those of --realm or realms="},
        "wamp.error.no_such_realm",
    ]


def test_a_realm_that_is_no_uri_is_refused() -> None:
    answer = say(acceptor(), [1, "bad realm#", {"roles": ROLES}])
    assert answer[2] == "wamp.error.invalid_uri"


def test_an_abort_does_not_repeat_a_realm_at_length() -> None:
    answer = say(acceptor(), [1, "x" * 10_000, {"roles": ROLES}])
    assert len(answer[1]["message"]) == 200


@pytest.mark.parametrize(
    "array",
    [
        [32, 1, {}, "com.app"],
        [48, 1, {}, "com.app"],
        [6, {}, "wamp.close.close_realm"],
        [70, 1, {}],
        [8, 68, 1, {}, "com.app"],
        [5, "signature", {}],
        [2, 1, {"roles": {"broker": {}}}],
    ],
)
def test_anything_before_hello_is_a_protocol_violation(array: list[Any]) -> None:
    assert say(acceptor(), array)[2] == "wamp.error.protocol_violation"


def test_what_is_no_message_is_a_protocol_violation() -> None:
    answer = acceptor().on_message(Violation("not JSON: " + "x" * 1000))
    assert answer is not None and not isinstance(answer, Accepted)
    code, details, reason = to_array(answer)
    assert (code, reason) == (3, "wamp.error.protocol_violation")
    assert details["message"].startswith("not JSON: xxx")
    assert len(details["message"]) == 200


def test_an_abort_is_not_answered() -> None:
    assert say(acceptor(), [3, {}, "com.app.changed_my_mind"]) is None


def test_a_method_may_challenge_as_often_as_it_likes() -> None:
    handshake = acceptor(riddle=riddle)
    assert say(handshake, hello(authmethods=["riddle"])) == [4, "riddle", {"number": "one"}]
    assert say(handshake, [5, "one", {}]) == [4, "riddle", {"number": "two"}]
    assert say(handshake, [5, "two", {}]) == Accepted("realm1", ANN, KEPT)


def test_a_wrong_answer_is_refused_with_the_reason_of_the_method() -> None:
    handshake = acceptor(riddle=riddle)
    say(handshake, hello(authmethods=["riddle"]))
    assert say(handshake, [5, "two", {}]) == [
        3,
        {"message": "that is not the answer"},
        "wamp.error.authentication_denied",
    ]


def test_anonymous_is_not_let_in_where_it_is_not_offered() -> None:
    answer = say(acceptor(riddle=riddle), hello())
    assert answer[2] == "wamp.error.no_matching_auth_method"


@pytest.mark.parametrize("array", [hello(), [48, 1, {}, "com.app"]])
def test_a_challenge_can_only_be_authenticated(array: list[Any]) -> None:
    handshake = acceptor(riddle=riddle)
    say(handshake, hello(authmethods=["riddle"]))
    answer = say(handshake, array)
    assert answer[2] == "wamp.error.protocol_violation"
    assert answer[1]["message"].startswith("CHALLENGE is answered with AUTHENTICATE")


def test_a_challenge_can_be_aborted() -> None:
    handshake = acceptor(riddle=riddle)
    say(handshake, hello(authmethods=["riddle"]))
    assert say(handshake, [3, {}, "wamp.error.authentication_failed"]) is None


def test_a_method_may_refuse_without_a_word() -> None:
    def silent(hello: Hello) -> Dialogue:
        raise Refused(uris.AUTHENTICATION_FAILED)
        yield

    assert say(acceptor(silent=silent), hello(authmethods=["silent"])) == [
        3,
        {"message": "wamp.error.authentication_failed"},
        "wamp.error.authentication_failed",
    ]
