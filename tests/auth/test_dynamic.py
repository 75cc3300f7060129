"""Authenticators: functions and procedures that say who somebody is, and all that means no."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wamplite
from tests.auth.dialogues import DENIED, FAILED, PASSWORD, PUBKEY, QUICK, SEED, OneName
from tests.waiting import until
from wamplite import ApplicationError, JoinRefused, Router, UsageError
from wamplite.auth import (
    Authenticator,
    CryptoSign,
    Scram,
    Ticket,
    User,
    Users,
    WampCra,
    dynamic,
    methods,
)
from wamplite.auth.dynamic import MOST_AT_ONCE
from wamplite.auth.keys import cra_key, mac, stretched

Ask = Callable[[str, Any, dict[str, Any]], Any]
ASKED: list[Any] = []
SALT = bytes(range(16))


def derived() -> dict[str, Any]:
    """What Crossbar's authenticators answer for scram."""
    salted = stretched(PASSWORD.encode(), SALT, QUICK)
    stored = hashlib.sha256(mac(salted, b"Client Key")).hexdigest()
    return {
        "kdf": "pbkdf2", "salt": SALT.hex(), "iterations": QUICK, "memory": 0,
        "stored-key": stored, "server-key": mac(salted, b"Server Key").hex(),
    }  # fmt: skip


ANSWERS: dict[tuple[str, str], Any] = {
    ("ticket", "joe"): "sensor",
    ("ticket", "ann"): {"role": "sensor", "authid": "Ann", "extra": {"since": 1999}},
    ("ticket", "lax"): {"role": "sensor", "secret": PASSWORD},
    ("wampcra", "joe"): {"role": "sensor", "secret": PASSWORD},
    ("wampcra", "ann"): {
        "role": "sensor", "secret": cra_key(PASSWORD, "salt", 1000).decode(), "salt": "salt",
        "iterations": 1000, "keylen": 32,
    },
    ("wamp-scram", "joe"): {"role": "sensor", "secret": PASSWORD},
    ("wamp-scram", "ann"): {"role": "sensor", "authid": "Ann", "extra": {"a": 1}, **derived()},
    ("scram", "joe"): {"role": "sensor", **derived()},
    ("cryptosign", "joe"): {"role": "sensor", "pubkey": PUBKEY},
    ("cryptosign", "ann"): {"role": "sensor", "pubkey": ["00" * 32, PUBKEY]},
    ("cryptosign", "other"): {"role": "sensor", "pubkey": "00" * 32},
}  # fmt: skip


def authenticate(realm: str, authid: Any, details: dict[str, Any]) -> Any:
    ASKED.append((realm, authid, details))
    if details["authmethod"] == "cryptosign" and authid is None:
        return {"role": "sensor", "pubkey": PUBKEY}
    if authid == "nobody":
        raise ApplicationError("com.example.nobody", "no such user")
    if authid == "raises":
        raise KeyError(authid)
    if "ticket" in details and details["ticket"] != PASSWORD and authid != "lax":
        return None
    return ANSWERS.get((details["authmethod"], authid))


def way(method: str, authid: str | None, password: str) -> Any:
    if method == "ticket":
        return Ticket(authid or "", password)
    if method == "wampcra":
        return WampCra(authid or "", password)
    if method == "cryptosign":
        return CryptoSign(authid, SEED if password == PASSWORD else SEED[::-1])
    return OneName(Scram(authid or "", password), method)


def procedure(realm: str, authid: Any, about: dict[str, Any]) -> Any:
    """The same, for `register`: `details` would be those of the call."""
    return authenticate(realm, authid, about)


@pytest.fixture(scope="module", params=["function", "procedure"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    uri = "com.example.authenticate"
    asks = Authenticator(uri if request.param == "procedure" else authenticate)
    static = [
        User.of_password("static", "admin", PASSWORD, iterations=QUICK),
        User.of_pubkeys("bare", "admin", "11" * 32),
    ]
    with Router(authmethods=methods(Users(static, asks)), login_delay=0) as router:
        session = router.connect("realm1", concurrent=False)
        session.register(uri, procedure)
        yield router.listen("rs://127.0.0.1:0")


@pytest.fixture(autouse=True, scope="module")
def warm(url: str) -> None:
    """Start the threads of handlers, which stay."""
    with pytest.raises(JoinRefused):
        wamplite.connect(url, auth=Ticket("nobody", "x"))


@pytest.mark.parametrize(("method", "authid"), [key for key in ANSWERS if key[1] != "other"])
def test_whoever_proves_to_be_whom_it_knows_is_let_in(method: str, authid: str, url: str) -> None:
    ASKED.clear()
    with wamplite.connect(url, auth=way(method, authid, PASSWORD)) as session:
        told = ANSWERS[method, authid]
        name = told.get("authid", authid) if isinstance(told, dict) else authid
        assert (session.authid, session.authrole, session.authmethod) == (name, "sensor", method)
        assert session.details["authprovider"] == "dynamic"
        if isinstance(told, dict) and "extra" in told:
            assert told["extra"].items() <= session.details["authextra"].items()
        [(realm, asked, details)] = ASKED
        assert (realm, asked, details["authmethod"]) == ("realm1", authid, method)
        assert details["session"] == session.id
        assert details["transport"] == {"listener": url, "peer": "127.0.0.1", "tls": False}
        assert ("ticket" in details) == (method == "ticket")
    with pytest.raises(JoinRefused) as refused:
        wamplite.connect(url, auth=way(method, authid, "wrong"))
    assert refused.value.error == DENIED


@pytest.mark.parametrize("method", ["ticket", "wampcra", "wamp-scram", "scram", "cryptosign"])
def test_whom_it_does_not_know_gets_the_same_answer(method: str, url: str) -> None:
    for authid in ("nobody", "unheard of"):
        with pytest.raises(JoinRefused, match="no such user, or a wrong secret") as refused:
            wamplite.connect(url, auth=way(method, authid, PASSWORD))
        assert refused.value.error == DENIED


def test_a_key_is_enough_and_must_be_one_that_was_told(url: str) -> None:
    with wamplite.connect(url, auth=way("cryptosign", None, PASSWORD)) as session:
        assert session.authid == PUBKEY
    with pytest.raises(JoinRefused) as refused:
        wamplite.connect(url, auth=way("cryptosign", "other", PASSWORD))
    assert refused.value.error == DENIED


def test_it_is_not_asked_about_users_that_there_are(url: str) -> None:
    ASKED.clear()
    with wamplite.connect(url, auth=Ticket("static", PASSWORD)) as session:
        assert session.details["authprovider"] == "static"
    for auth in (Ticket("static", "wrong"), Ticket("bare", "x"), CryptoSign("bare", SEED)):
        with pytest.raises(JoinRefused):
            wamplite.connect(url, auth=auth)
    assert not ASKED


# All that means no


def wrong(answer: Any) -> Ask:
    return lambda realm, authid, details: answer


def refused_by(
    asks: Authenticator, method: str, caplog: pytest.LogCaptureFixture
) -> tuple[str, str]:
    """What somebody is told, and what the log says."""
    with Router(authmethods=methods(Users((), asks)), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        with caplog.at_level(logging.WARNING, "wamplite.auth"):
            with pytest.raises(wamplite.WampliteError) as refused:
                wamplite.connect(url, auth=way(method, "joe", PASSWORD))
            assert "its log says why" in str(refused.value)
        assert router.sessions == 0
    return getattr(refused.value, "error", ""), caplog.text


@pytest.mark.parametrize(
    ("method", "answer", "text"),
    [
        ("ticket", 7, "expected a role or a dict, not int"),
        ("ticket", [], "not list"),
        ("ticket", "", "a role and an authid are needed"),
        ("ticket", {}, "role must be str, not NoneType"),
        ("ticket", {"role": 7}, "role must be str, not int"),
        ("ticket", {"role": "a", "authid": 7}, "authid must be str"),
        ("ticket", {"role": "a", "extra": []}, "extra must be dict"),
        ("ticket", {"role": "a", "realm": "other"}, "for another realm"),
        ("ticket", {"role": "a", "secret": 7}, "secret must be str"),
        ("wampcra", "a", "secret must be str"),
        ("wampcra", {"role": "a", "secret": "x", "salt": "y"}, "belong together"),
        ("wampcra", {"role": "a", "secret": "x", "keylen": 16}, "belong together"),
        ("wamp-scram", "a", "salt must be str"),
        ("wamp-scram", {"role": "a", "secret": "\x07"}, "of the secret character 1"),
        ("wamp-scram", {"role": "a", "salt": "xyz"}, "salt must be hexadecimal"),
        ("wamp-scram", {"role": "a", "salt": "00"}, "stored-key and server-key"),
        ("scram", {"role": "a", **derived(), "server-key": ""}, "stored-key and server-key"),
        ("scram", {"role": "a", **derived(), "stored-key": 7}, "stored-key and server-key"),
        ("scram", {"role": "a", **derived(), "kdf": "md5"}, "kdf must be one of"),
        ("scram", {"role": "a", **derived(), "iterations": None}, "iterations must be int"),
        ("cryptosign", "a", "pubkey must be 64 hexadecimal digits"),
        ("cryptosign", {"role": "a", "pubkey": [7]}, "pubkey must be"),
    ],
)
def test_an_answer_that_is_none_lets_nobody_in_and_is_logged(
    method: str, answer: Any, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    error, log = refused_by(Authenticator(wrong(answer)), method, caplog)
    assert error == FAILED
    assert f"realm realm1: the authenticator for {method}: " in log and text in log


def test_an_exception_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    error, log = refused_by(Authenticator(lambda *_: 1 / 0), "ticket", caplog)
    assert error == FAILED and "ZeroDivisionError" in log


def test_a_function_that_does_not_return_is_given_up_and_nobody_else_waits(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(dynamic, "QUIET", 0.0)  # each is told
    go_on = threading.Event()

    def stuck(realm: str, authid: str, details: dict[str, Any]) -> str:
        if authid == "joe":
            go_on.wait(20)
        return "sensor"

    try:
        asks = Authenticator(stuck, timeout=0.2)
        error, log = refused_by(asks, "ticket", caplog)
        assert error == FAILED and "did not return in 0.2 s" in log
        with Router(authmethods=methods(Users((), asks)), login_delay=0) as router:
            url = router.listen("rs://127.0.0.1:0")
            with wamplite.connect(url, auth=Ticket("ann", "x")) as session:
                assert session.authrole == "sensor"
            for _ in range(MOST_AT_ONCE):
                with pytest.raises(JoinRefused):
                    wamplite.connect(url, auth=Ticket("joe", "x"))
            with pytest.raises(JoinRefused):
                wamplite.connect(url, auth=Ticket("ann", "x"))
            assert f"{MOST_AT_ONCE} calls of" in caplog.text
    finally:
        go_on.set()
    until(lambda: not [one for one in threading.enumerate() if "authenticator" in one.name])


def test_a_procedure_that_is_not_there_or_does_not_answer_lets_nobody_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error, log = refused_by(Authenticator("com.example.nothing"), "ticket", caplog)
    assert error == FAILED and "com.example.nothing: wamp.error.no_such_procedure" in log
    error, log = refused_by(Authenticator("com.example.x", realm="other"), "wampcra", caplog)
    assert error == FAILED and "wamp.error.no_such_realm" in log
    go_on = threading.Event()
    asks = Authenticator("com.example.slow", timeout=0.2)
    with (
        Router(authmethods=methods(Users((), asks)), login_delay=0) as router,
        router.connect("realm1", concurrent=False) as session,
    ):
        session.register("com.example.slow", lambda *_: go_on.wait(20))
        with caplog.at_level(logging.WARNING), pytest.raises(JoinRefused) as refused:
            wamplite.connect(router.listen("rs://127.0.0.1:0"), auth=Ticket("joe", "x"))
        go_on.set()
    assert refused.value.error == FAILED and "com.example.slow: wamp.error.timeout" in caplog.text


def test_warnings_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    asks = Authenticator(wrong(7))
    with Router(authmethods=methods(Users((), asks)), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        with caplog.at_level(logging.WARNING, "wamplite.auth"):
            for _ in range(5):
                with pytest.raises(JoinRefused):
                    wamplite.connect(url, auth=Ticket("joe", "x"))
    assert len(caplog.records) == 1


def test_another_realm_may_answer() -> None:
    asks = Authenticator("com.example.authenticate", realm="admin")
    users = Users([], asks)
    with (
        Router(realms=["realm1", "admin"], authmethods=methods(users), login_delay=0) as router,
        router.connect("admin", concurrent=False) as session,
    ):
        session.register("com.example.authenticate", procedure)
        url = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(url, auth=Ticket("joe", PASSWORD)) as joined:
            assert (joined.realm, joined.authid) == ("realm1", "joe")


@pytest.mark.parametrize(
    ("ask", "options", "text"),
    [
        ("not a uri", {}, "a function or a procedure"),
        ("com.example.a", {"timeout": 0}, "a timeout above 0"),
        ("com.example.a", {"cache": -1}, "a cache of 0 or more"),
    ],
)
def test_what_cannot_be_meant_is_refused(ask: str, options: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Authenticator(ask, **options)


# The cache


def test_a_yes_stays_good_for_its_ticket_alone_and_a_no_is_asked_again() -> None:
    asks = Authenticator(authenticate, cache=100)
    with Router(authmethods=methods(Users((), asks)), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        ASKED.clear()
        for _ in range(3):
            with wamplite.connect(url, auth=Ticket("joe", PASSWORD)):
                pass
        assert len(ASKED) == 1
        for _ in range(2):
            with pytest.raises(JoinRefused):
                wamplite.connect(url, auth=Ticket("joe", "wrong"))
        assert len(ASKED) == 3
        asks.forget()
        with wamplite.connect(url, auth=Ticket("joe", PASSWORD)):
            pass
        assert len(ASKED) == 4


def test_the_cache_is_bounded_and_forgets_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamic, "MOST_CACHED", 3)
    asked: list[str] = []

    def everybody(realm: str, authid: str, details: Any) -> str:
        asked.append(authid)
        return "sensor"

    asks = Authenticator(everybody, cache=100)
    with Router(authmethods=methods(Users((), asks)), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        for authid in ("a", "b", "c", "d", "b", "d", "a"):
            wamplite.connect(url, auth=Ticket(authid, PASSWORD)).leave()
    assert asked == ["a", "b", "c", "d", "a"]
    soon = Authenticator(authenticate, cache=0.001)
    with Router(authmethods=methods(Users((), soon)), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        ASKED.clear()
        for _ in range(2):
            with wamplite.connect(url, auth=Ticket("joe", PASSWORD)):
                pass
        assert len(ASKED) == 2
