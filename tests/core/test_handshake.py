from __future__ import annotations

import hmac
import itertools
from typing import Any

import pytest

from wamplite.core import uris
from wamplite.core.errors import AuthenticationFailed, JoinRefused, ProtocolError, UsageError
from wamplite.core.feature import Refused
from wamplite.core.handshake import (
    Accepted,
    Acceptor,
    AuthMethod,
    ClientDialogue,
    Dialogue,
    Joiner,
    Joining,
)
from wamplite.core.members import Identity, Member, Violation
from wamplite.core.messages import Authenticate, Challenge, Hello
from wamplite.core.parsing import parse, to_array
from wamplite.core.unfit import Unfit

ROLES: dict[str, Any] = {"caller": {}, "callee": {"features": {"call_canceling": True}}}
KEPT = {**ROLES, "caller": {"features": {}}}
ANN = Identity("ann", "user", "riddle", "test")


def riddle(hello: Hello, joining: Any) -> Dialogue:
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


def test_what_is_offered_may_depend_on_the_realm() -> None:
    offers: dict[str, dict[str, AuthMethod]] = {"realm1": {"riddle": riddle}, "realm2": {}}
    handshake = Acceptor(offers, lambda realm: offers[realm])
    assert say(handshake, hello(authmethods=["riddle"]))[1] == "riddle"
    answer = say(Acceptor(offers, offers.__getitem__), [1, "realm2", {"roles": ROLES}])
    assert answer[1]["message"] == "offered here: nothing; wished for: ['anonymous']"


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


def test_an_authmethod_may_call_somebody_by_a_kind_of_text() -> None:
    class Name(str):
        __slots__ = ()

    def method(hello: Hello, joining: Joining) -> Dialogue:
        yield from ()
        return Identity(Name("ann"), "user", "made", "test")

    assert say(acceptor(made=method), hello(authmethods=["made"])).identity.authid == "ann"


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
        {
            "message": "there is no realm 'realm2' here: join another, or give the router"
            " --realm 'realm2', in Python realms=['realm2']"
        },
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
    outcome = say(handshake, [5, "two", {}])
    assert outcome[1:4] == ("realm1", ANN, KEPT)


def test_a_wrong_answer_is_refused_with_the_reason_of_the_method() -> None:
    handshake = acceptor(riddle=riddle)
    say(handshake, hello(authmethods=["riddle"]))
    assert say(handshake, [5, "two", {}]) == [
        3,
        {"message": "that is not the answer"},
        "wamp.error.authentication_denied",
    ]


def test_a_method_with_nothing_to_ask_leaves_the_next_its_turn() -> None:
    def nothing(hello: Hello, joining: Joining) -> None:
        return None

    handshake = acceptor(nothing=nothing, riddle=riddle)
    wishes = ["nothing", "unknown", "riddle"]
    assert say(handshake, hello(authmethods=wishes))[:2] == [4, "riddle"]
    text = "offered here: nothing, riddle; wished for: ['nothing']"
    assert say(acceptor(nothing=nothing, riddle=riddle), hello(authmethods=["nothing"])) == [
        3, {"message": text}, "wamp.error.no_matching_auth_method",
    ]  # fmt: skip


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
    def silent(hello: Hello, joining: Any) -> Dialogue:
        raise Refused(uris.AUTHENTICATION_FAILED)
        yield

    assert say(acceptor(silent=silent), hello(authmethods=["silent"])) == [
        3,
        {"message": "wamp.error.authentication_failed"},
        "wamp.error.authentication_failed",
    ]


def test_a_method_that_has_nothing_to_ask_says_at_once_who_it_is() -> None:
    def knows(hello: Hello, joining: Joining) -> Identity:
        if hello.details.get("authid"):
            raise Refused(uris.AUTHENTICATION_DENIED, "nobody else")
        return ANN

    outcome = say(acceptor(knows=knows), hello(authmethods=["knows"]))
    assert outcome.identity == ANN and outcome.realm == "realm1"
    refused = say(acceptor(knows=knows), hello(authmethods=["knows"], authid="bob"))
    assert refused == [3, {"message": "nobody else"}, "wamp.error.authentication_denied"]


# ---- what a method is told, and how it may fail


def test_a_method_knows_the_session_and_where_it_comes_from() -> None:
    told: list[Any] = []

    def method(hello: Hello, joining: Joining) -> Dialogue:
        told.append(joining)
        yield from ()
        return ANN

    place: dict[str, Any] = {"listener": "tls://pi:8443", "address": "::1", "tls": "facts"}
    place["ask"] = asks = lambda *question: None
    realms = {"realm1": object()}
    outcomes = [
        say(Acceptor(realms, {"riddle": method}, **place), hello(authmethods=["riddle"]))
        for _ in range(2)
    ]
    known = ("realm1", "tls://pi:8443", "::1", "facts", asks, None)
    assert [joining[1:] for joining in told] == 2 * [known]
    assert [outcome.session for outcome in outcomes] == [joining.session for joining in told]
    assert outcomes[0].session != outcomes[1].session


@pytest.mark.parametrize(
    ("handshake", "wishes", "may"),
    [
        (acceptor(), None, False),
        (acceptor(), ["anonymous", "riddle"], False),  # which is not offered
        (acceptor(riddle=riddle), ["riddle"], True),
        (acceptor(riddle=riddle), None, False),
        (acceptor(anonymous=riddle), None, True),
        (Acceptor({"realm1": object()}, {"riddle": riddle}, trusted=ANN), ["riddle"], False),
    ],
)
def test_what_may_take_long_is_known_before_it_is_done(
    handshake: Acceptor, wishes: list[str] | None, may: bool
) -> None:
    assert handshake.may_take_long(parse(hello(authmethods=wishes))) is may
    assert not handshake.may_take_long(parse([5, "x", {}]))  # nobody was asked


def test_what_a_realm_offers_is_found_out_once_for_each_hello() -> None:
    asked: list[str] = []

    def offer(realm: str) -> dict[str, AuthMethod]:
        asked.append(realm)
        return {"riddle": riddle}

    handshake = Acceptor({"realm1": object()}, offer)
    assert handshake.may_take_long(parse(hello(authmethods=["riddle"])))
    assert say(handshake, hello(authmethods=["riddle"]))[1] == "riddle"
    assert asked == ["realm1"]


def test_what_answers_a_challenge_may_take_long() -> None:
    handshake = acceptor(riddle=riddle)
    say(handshake, hello(authmethods=["riddle"]))
    assert handshake.may_take_long(parse([5, "one", {}]))


def test_who_is_trusted_is_not_asked() -> None:
    handshake = Acceptor({"realm1": object()}, {"riddle": riddle}, trusted=ANN)
    outcome = say(handshake, hello(authid="root", authmethods=["nothing"]))
    assert outcome.identity == ANN


def test_what_a_peer_calls_itself_is_kept_in_a_line() -> None:
    assert say(acceptor(), hello(agent="x" * 300)).agent == "x" * 197 + "..."
    assert say(acceptor(), hello()).agent == ""


# ---- a method of two sides, made up here: an HMAC over the id of the session and two nonces


def sign(secret: bytes, *words: Any) -> str:
    return hmac.new(secret, "|".join(map(str, words)).encode(), "sha256").hexdigest()


def signed(secret: bytes) -> AuthMethod:
    def method(hello: Hello, joining: Joining) -> Dialogue:
        theirs = hello.details["authextra"]["nonce"]
        extra = {"session": joining.session, "nonce": "ours"}
        answer = yield Challenge("signed", extra)
        if answer.signature != sign(secret, joining.session, theirs, "ours"):
            raise Refused(uris.AUTHENTICATION_DENIED, "that is not the signature")
        verifier = sign(secret, "router", theirs)
        return Identity(hello.details["authid"], "user", "signed", "test", {"verifier": verifier})

    return method


NONCES = itertools.count()


def signing(secret: bytes) -> Any:
    def method() -> ClientDialogue:
        nonce = next(NONCES)
        challenge = yield {"authid": "ann", "authextra": {"nonce": nonce}}
        extra = challenge.extra
        signature = sign(secret, extra["session"], nonce, extra["nonce"])
        welcome = yield Authenticate(signature, {})
        if welcome.details["authextra"]["verifier"] != sign(secret, "router", nonce):
            raise AuthenticationFailed(uris.AUTHENTICATION_FAILED, "the router is not the one")

    return method


def talk(ours: bytes, theirs: bytes, proof: bytes | None = None) -> tuple[Joiner, Any, Any]:
    """Let both sides speak; return the client's, what the router made of it, and the end."""
    joiner = Joiner("realm1", ROLES, authmethods={"signed": signing(ours)})
    handshake = acceptor(signed=signed(theirs))
    challenge = handshake.on_message(joiner.hello)
    answer = joiner.on_message(challenge)  # type: ignore[arg-type]
    outcome = handshake.on_message(answer)
    if type(outcome) is not Accepted:
        return joiner, outcome, None
    extra = outcome.identity.authextra
    if proof is not None:
        extra = {"verifier": sign(proof, "router", 0)}
    details = {"roles": {"broker": {}}, "authextra": extra}
    return joiner, outcome, joiner.on_message(parse([2, outcome.session, details]))


def test_both_sides_may_prove_who_they_are() -> None:
    _, outcome, welcome = talk(b"secret", b"secret")
    assert outcome.identity.authid == "ann"
    assert welcome.session == outcome.session


def test_each_session_begins_the_dialogue_anew() -> None:
    method = signing(b"secret")
    nonces = [
        Joiner("realm1", ROLES, authmethods={"signed": method}).hello.details["authextra"]["nonce"]
        for _ in range(2)
    ]
    assert nonces[0] != nonces[1]


def test_a_wrong_secret_is_denied() -> None:
    _, abort, _ = talk(b"secret", b"other")
    assert abort.reason == "wamp.error.authentication_denied"


def test_a_client_may_refuse_the_router_at_welcome() -> None:
    joiner, _, abort = talk(b"secret", b"secret", proof=b"other")
    assert abort.reason == "wamp.error.authentication_failed"
    assert "the router is not the one" in str(joiner.error)


# ---- the client's side

WELCOME = [2, 7, {"roles": {"broker": {}, "dealer": {}}}]


def ticket() -> ClientDialogue:
    challenge = yield {}
    yield Authenticate("s3cret", {"asked": challenge.authmethod})


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


def asked(method: Any, *challenges: Any) -> tuple[Joiner, list[Any]]:
    joiner = Joiner("realm1", ROLES, authmethods={"made": method})
    given = challenges or ([4, "made", {}],)
    return joiner, [to_array(joiner.on_message(parse(array))) for array in given]


def breaks() -> ClientDialogue:
    challenge = yield {}
    yield challenge.extra["nothing"]


def gives_up() -> ClientDialogue:
    yield {}
    raise AuthenticationFailed(uris.AUTHENTICATION_FAILED, "their nonce does not begin with ours")


def answers_junk() -> ClientDialogue:
    yield {}
    yield {"signature": 1}


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (breaks, "the method 'made' failed: KeyError('nothing')"),
        (gives_up, "their nonce does not begin with ours"),
        (answers_junk, "the method 'made' answered dict"),
    ],
)
def test_a_method_that_breaks_tells_the_router_and_raises_no_error_of_its_own(
    method: Any, text: str
) -> None:
    joiner, (abort,) = asked(method)
    assert abort[0] == 3 and abort[2] == "wamp.error.authentication_failed"
    assert isinstance(joiner.error, AuthenticationFailed) and text in str(joiner.error)


def test_a_method_may_be_challenged_several_times_and_no_more_than_it_answers() -> None:
    challenge = [4, "made", {}]

    def twice() -> ClientDialogue:
        yield {}
        yield Authenticate("one", {})
        yield Authenticate("two", {})

    joiner, (one, two, abort) = asked(twice, challenge, challenge, challenge)
    assert (one[1], two[1], abort[0]) == ("one", "two", 3)
    assert "has no answer to a further CHALLENGE" in str(joiner.error)


def test_a_method_that_breaks_at_welcome_is_told_too() -> None:
    def late() -> ClientDialogue:
        yield {}
        welcome = yield Authenticate("one", {})
        assert welcome.details["nothing"]

    joiner, (_, abort) = asked(late, [4, "made", {}], WELCOME)
    assert abort[2] == "wamp.error.authentication_failed"
    assert "KeyError" in str(joiner.error)


def test_what_several_methods_add_to_hello_is_all_there_and_who_is_not_asked_is_closed() -> None:
    closed: list[str] = []

    def adding(name: str) -> Any:
        def method() -> ClientDialogue:
            try:
                yield {"authextra": {name: 1}}
            finally:
                closed.append(name)

        return method

    methods = {name: adding(name) for name in ("a", "b")}
    joiner = Joiner("realm1", ROLES, authmethods=methods, authextra={"c": 1})
    assert joiner.hello.details["authextra"] == {"c": 1, "a": 1, "b": 1}
    joiner.on_message(parse(WELCOME))
    assert closed == ["a", "b"]


def test_methods_that_need_another_word_each_for_the_same_cannot_be_offered_together() -> None:
    def adding(word: str) -> Any:
        def method() -> ClientDialogue:
            yield {"authextra": {"nonce": "same", "channel_binding": word}}

        return method

    same = Joiner("realm1", ROLES, authmethods={"a": adding("one"), "b": adding("one")})
    assert same.hello.details["authextra"] == {"nonce": "same", "channel_binding": "one"}
    with pytest.raises(UsageError, match="another authextra.channel_binding each"):
        Joiner("realm1", ROLES, authmethods={"a": adding("one"), "b": adding("other")})


def test_a_method_must_begin_with_what_it_adds() -> None:
    def junk() -> Any:
        yield 7

    with pytest.raises(UsageError, match="must begin with a dict, not 7"):
        Joiner("realm1", ROLES, authmethods={"junk": junk})


# ---- what cannot be carried, and methods that break their promise


def test_a_message_that_cannot_be_carried_counts_as_what_it_is() -> None:
    outcome = acceptor().on_message(Unfit(parse(hello()), "authextra is too deep"))
    assert type(outcome) is Accepted
    welcome = Joiner("realm1", ROLES).on_message(Unfit(parse(WELCOME), "authextra is too deep"))
    assert to_array(welcome) == WELCOME


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "an authmethod must return Identity, not NoneType"),
        (Identity("ann", None, "made", "test"), "authrole of an Identity must be str"),  # type: ignore[arg-type]
    ],
)
def test_who_a_method_lets_in_is_an_identity_of_words(value: Any, text: str) -> None:
    def made(hello: Hello, joining: Joining) -> Dialogue:
        yield from ()
        return value

    with pytest.raises(TypeError, match=text):
        say(acceptor(made=made), hello(authmethods=["made"]))


def test_a_method_asks_by_challenges_only() -> None:
    def made(hello: Hello, joining: Joining) -> Any:
        yield {"number": "one"}

    with pytest.raises(TypeError, match="must yield CHALLENGE, not dict"):
        say(acceptor(made=made), hello(authmethods=["made"]))
