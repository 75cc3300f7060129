"""Each method of authentication, both sides of it, over real connections and by its messages."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from datetime import datetime, timezone
from typing import Any

import pytest

import wamplite
from tests.auth.dialogues import DENIED, PASSWORD, PUBKEY, SEED, USERS, OneName, Talk, asked
from wamplite import AuthenticationFailed, JoinRefused, Router, UsageError
from wamplite.auth import CryptoSign, Scram, Ticket, User, Users, WampCra, cryptosign, keys, methods
from wamplite.auth.offers import METHODS
from wamplite.core.handshake import Accepted
from wamplite.core.messages import Abort, Authenticate, Challenge


def ways(authid: str, password: str) -> dict[str, Any]:
    return {
        "ticket": Ticket(authid, password),
        "wampcra": WampCra(authid, password),
        "wamp-scram": OneName(Scram(authid, password), "wamp-scram"),
        "scram": OneName(Scram(authid, password), "scram"),
    }


@pytest.fixture(scope="module")
def url() -> Any:
    with Router(authmethods=methods(USERS), login_delay=0) as router:
        yield router.listen("rs://127.0.0.1:0")


@pytest.mark.parametrize("method", ways("", ""))
@pytest.mark.parametrize("authid", ["joe", "old"])
def test_who_knows_the_password_is_let_in_by_each_method(
    method: str, authid: str, url: str
) -> None:
    with wamplite.connect(url, auth=ways(authid, PASSWORD)[method]) as session:
        assert (session.authid, session.authrole) == (authid, "sensor")
        assert session.authmethod == method


@pytest.mark.parametrize("method", ways("", ""))
@pytest.mark.parametrize(("authid", "password"), [("joe", "wrong"), ("nobody", PASSWORD),
                                                  ("key", PASSWORD), ("joe", "")])  # fmt: skip
def test_nobody_else_is_and_the_answer_is_the_same(
    method: str, authid: str, password: str, url: str
) -> None:
    with pytest.raises(JoinRefused, match="no such user, or a wrong secret") as refused:
        wamplite.connect(url, auth=ways(authid, password)[method])
    assert refused.value.error == DENIED


def test_a_method_whose_package_is_missing_is_offered_only_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cryptosign, "WithCryptography", missing)
    monkeypatch.setattr(cryptosign, "WithNacl", missing)
    assert {*methods(USERS)} == {*METHODS} - {"cryptosign"}
    with pytest.raises(UsageError, match="pip install cryptography"):
        methods(USERS, ["ticket", "cryptosign"])


def missing() -> Any:
    raise ImportError


def test_a_key_lets_in_with_its_name_or_without(url: str) -> None:
    for authid in ("key", None):
        with wamplite.connect(url, auth=CryptoSign(authid, SEED)) as session:
            assert (session.authid, session.authrole) == ("key", "admin")
    for wrong in (
        CryptoSign("joe", SEED),
        CryptoSign("key", SEED[::-1]),
        CryptoSign(None, "0" * 64),
    ):
        with pytest.raises(JoinRefused, match="no such user"):
            wamplite.connect(url, auth=wrong)


def test_who_does_not_say_who_it_is_has_a_role_of_its_own_or_stays_outside(url: str) -> None:
    with Router(authmethods=methods(USERS, ["ticket"], anonymous="guest"), login_delay=0) as router:
        with pytest.raises(UsageError, match="nobody has to say who they are"):
            router.listen("rs://0.0.0.0:0")
        open_to_all = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(open_to_all, authid="joe", authrole="admin") as one:
            assert (one.authrole, one.authmethod) == ("guest", "anonymous")
            with wamplite.connect(open_to_all) as other:
                assert one.authid != "joe" and other.authid not in (one.authid, None)
        with wamplite.connect(open_to_all, auth=Ticket("joe", PASSWORD)) as known:
            assert known.authrole == "sensor"
    with pytest.raises(JoinRefused, match="no_matching_auth_method"):
        wamplite.connect(url)


def test_several_ways_are_offered_the_best_first(url: str) -> None:
    auth = [Ticket("joe", PASSWORD), Scram("joe", PASSWORD)]
    with wamplite.connect(url, auth=auth) as session:
        assert session.authmethod == "ticket"
    with wamplite.connect(url, auth=auth[::-1]) as session:
        assert session.authmethod == "scram"


def test_a_component_proves_who_it_is_in_each_session(url: str) -> None:
    with wamplite.Component(url, auth=Scram("joe", PASSWORD)) as component:
        from tests.waiting import until

        until(lambda: component.session is not None)
        assert component.session is not None and component.session.authid == "joe"


@pytest.mark.parametrize(
    ("auth", "text"),
    [
        ("joe", "auth must be one of wamplite.auth"),
        ([], "auth must be one of wamplite.auth"),
        ([Ticket("joe", "x"), WampCra("ann", "x")], "one session has one authid"),
    ],
)
def test_what_is_no_way_to_say_who_one_is_is_refused(auth: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        wamplite.connect("rs://127.0.0.1:1", auth=auth)
    with pytest.raises(UsageError, match="one session has one authid"):
        wamplite.connect("rs://127.0.0.1:1", auth=Ticket("joe", "x"), authid="ann")


def test_secrets_are_not_shown() -> None:
    shown = repr([*ways("joe", "s3cret").values(), Scram("joe", "s3cret"), CryptoSign("joe", SEED)])
    assert "s3cret" not in shown and SEED not in shown


# By messages


ASKING = [method for method in METHODS if method != "tls"]


@pytest.mark.parametrize("method", ASKING)
def test_what_a_method_needs_is_asked_for(method: str) -> None:
    for authid in (None, ""):
        answer = Talk(method, authid).answer
        assert isinstance(answer, Abort)
        assert answer.reason.startswith("wamp.error.authentication_")


@pytest.mark.parametrize("method", ASKING)
@pytest.mark.parametrize("signature", ["", "nonsense", "AAAA", "ff" * 96, "é", "=" * 44])
def test_an_answer_that_is_none_is_denied(method: str, signature: str) -> None:
    nonce = b64encode(bytes(16)).decode()
    talk = Talk(method, "joe", nonce=nonce, pubkey=PUBKEY)
    assert isinstance(talk.answer, Challenge)
    denied = talk.say(signature)
    assert isinstance(denied, Abort) and denied.reason == DENIED


@pytest.mark.parametrize("method", ["wampcra", "wamp-scram", "scram"])
def test_an_unknown_user_is_asked_as_a_user_is_with_a_salt_that_stays(method: str) -> None:
    nonce = b64encode(bytes(16)).decode()
    users = Users(user for user in USERS if user.authid == "joe")
    whom = ("joe", "nobody", "nobody")
    known, first, second = (Talk(method, who, users, nonce=nonce).answer for who in whom)
    assert isinstance(known, Challenge) and isinstance(first, Challenge)
    assert isinstance(second, Challenge)
    assert set(known.extra) == set(first.extra)
    assert first.extra["salt"] == second.extra["salt"] != known.extra["salt"]
    assert len(first.extra["salt"]) == len(known.extra["salt"])


def test_a_client_of_wampcra_signs_the_text_as_it_came() -> None:
    """Written anew by another JSON it would be another text."""
    text = '{ "session":1 ,"authid" : "J\u00f6", "nonce":"\\u00e4", "x": 1.0e0}'
    [_, answer] = asked(WampCra("joe", "s3cret"), "wampcra", Challenge("", {"challenge": text}))
    right = hmac.digest(b"s3cret", text.encode(), "sha256")
    assert answer == Authenticate(b64encode(right).decode(), {})


def test_the_text_of_wampcra_tells_no_role_that_there_is_not() -> None:
    told = set()
    for number in range(40):
        answer = Talk("wampcra", f"nobody{number}").answer
        assert isinstance(answer, Challenge)
        told.add((json.loads(answer.extra["challenge"])["authrole"], "salt" in answer.extra))
    assert {role for role, _ in told} == {"sensor", "admin"}
    assert {salted for _, salted in told} == {True, False}


def test_users_may_be_replaced_all_at_once() -> None:
    users = Users([User.of_pubkeys("key", "admin", PUBKEY)])
    with pytest.raises(UsageError, match="'one' and 'two' have the same public key"):
        users.replace(User.of_pubkeys(name, "a", PUBKEY) for name in ("one", "two"))
    assert [user.authid for user in users] == ["key"]
    users.replace([])
    assert not list(users)


def test_the_text_of_wampcra_names_the_session_and_is_new_each_time() -> None:
    texts, nonces = [], set()
    for _ in range(2):
        talk = Talk("wampcra", "old")
        assert isinstance(talk.answer, Challenge) and set(talk.answer.extra) == {"challenge"}
        told = json.loads(talk.answer.extra["challenge"])
        assert set(told) == {"authid", "authrole", "authmethod", "authprovider", "nonce",
                             "timestamp", "session"}  # fmt: skip
        when = datetime.fromisoformat(told["timestamp"].replace("Z", "+00:00"))
        assert told["timestamp"].endswith("Z")
        assert abs((datetime.now(timezone.utc) - when).total_seconds()) < 60
        assert (told["authid"], told["authrole"]) == ("old", "sensor")
        assert (told["authmethod"], told["authprovider"]) == ("wampcra", "static")
        nonces.add(told["nonce"])
        from wamplite.auth.wampcra import signature

        accepted = talk.say(signature(PASSWORD.encode(), talk.answer.extra["challenge"]))
        assert isinstance(accepted, Accepted) and accepted.session == told["session"]
        texts.append(talk.answer.extra["challenge"])
    assert texts[0] != texts[1] and len(nonces) == 2


def test_a_ticket_is_asked_for_without_a_word_more_and_the_welcome_tells_who_it_is() -> None:
    talk = Talk("ticket", "joe")
    assert talk.answer == Challenge("ticket", {})
    accepted = talk.say(PASSWORD)
    assert isinstance(accepted, Accepted)
    assert accepted.identity == ("joe", "sensor", "ticket", "static", None)


@pytest.mark.parametrize("method", ["wamp-scram", "scram"])
def test_a_router_adds_a_nonce_of_its_own_that_is_new_each_time(method: str) -> None:
    nonce = b64encode(bytes(16)).decode()
    answers = [Talk(method, "joe", nonce=nonce).answer for _ in range(2)]
    drawn = set()
    for answer in answers:
        assert isinstance(answer, Challenge)
        both: str = answer.extra["nonce"]
        theirs = both if method == "wamp-scram" else b64decode(both).hex()
        ours = nonce if method == "wamp-scram" else bytes(16).hex()
        assert theirs.startswith(ours) and len(theirs) - len(ours) >= 22  # 16 octets, in base64
        drawn.add(theirs[len(ours) :])
    assert len(drawn) == 2


# What a client does not answer, or does not take


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"challenge": 7},
        {"challenge": "x", "salt": "s", "iterations": 10_000_000, "keylen": 32},
        {"challenge": "x", "salt": "s", "iterations": 1000, "keylen": 8},
        {"challenge": "x", "salt": "s", "iterations": "many", "keylen": 32},
    ],
)
def test_a_client_of_wampcra_answers_no_nonsense(extra: dict[str, Any]) -> None:
    [_, error] = asked(WampCra("joe", PASSWORD), "wampcra", Challenge("wampcra", extra))
    assert isinstance(error, AuthenticationFailed)


# Users


def test_users_are_told_apart() -> None:
    with pytest.raises(UsageError, match="two users 'joe'"):
        Users([User.of_secret("joe", "a", "x"), User.of_secret("joe", "b", "y")])
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        User.of_pubkeys("key", "a", "xyz")
    with pytest.raises(UsageError, match="there is no authmethod 'tickets'"):
        methods(USERS, ["tickets"])
    assert [user.authid for user in USERS] == ["joe", "old", "key"]


def test_hexadecimal_digits_are_read_strictly() -> None:
    assert keys.from_hex("00ff", 2) == b"\x00\xff"
    for wrong in (
        "",
        "00f",
        "00fF",
        "00ff00",
        "00fg",
        "0 ff",
        "00\u0661\u0661",
        "00  ",
        None,
        7,
        b"00ff",
    ):
        assert keys.from_hex(wrong, 2) == b""
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        User.of_pubkeys("key", "a", PUBKEY[:-2] + "  ")
