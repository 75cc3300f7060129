"""SCRAM: its vectors, its channel binding, argon2, and what neither side puts up with."""

from __future__ import annotations

import hashlib
import ssl
import sys
import time
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import wamplite
from tests.auth.dialogues import DENIED, FAILED, PASSWORD, QUICK, USERS, OneName, Talk, asked
from tests.transports.streams import Certificate
from wamplite import ApplicationError, AuthenticationFailed, JoinRefused, Router, UsageError
from wamplite.auth import Scram, Ticket, User, Users, argon2id, keys, methods, scram
from wamplite.auth.keys import ARGON2, AUTOBAHNS
from wamplite.core.handshake import Accepted
from wamplite.core.messages import Abort, Authenticate, Challenge
from wamplite.transports import tls
from wamplite.transports.channel_bindings import END_POINT, UNIQUE

NONCE = b64encode(bytes(16)).decode()


def test_the_vector_of_rfc_7677() -> None:
    derived = keys.scram_keys("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096)
    nonce = "rOprNGfwEbeRWgbNEkqO"
    extra = {
        "nonce": f"{nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "salt": derived.salt,
        "iterations": 4096,
    }
    message = scram.auth_message("wamp-scram", "user", nonce, extra)
    proof = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client = keys.xor(proof, keys.mac(derived.stored, message))
    assert hashlib.sha256(client).digest() == derived.stored
    verifier = b64encode(keys.mac(derived.server, message)).decode()
    assert verifier == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_name_with_the_characters_of_scram_is_escaped() -> None:
    extra = {"nonce": "n", "salt": "s", "iterations": 1}
    assert scram.auth_message("scram", "a=b,c", "n", extra) == b"n=a=3Db=2Cc,r=n,r=n,s=s,i=1,c=,r=n"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"iterations": 100}, "100 iterations; 4096 to 1000000 will do"),
        ({"iterations": 10_000_000}, "10000000 iterations"),
        ({"iterations": "4096"}, "iterations must be a number, not '4096'"),
        ({"kdf": "argon2id-13"}, "asks for 'argon2id-13'; pbkdf2 and argon2id13 are there"),
        ({"kdf": "md5"}, "asks for 'md5'"),
        ({"kdf": "argon2id13"}, "4096 iterations of None KiB"),
        ({"kdf": "argon2id13", "iterations": 1, "memory": 512}, "1 iterations of 512 KiB"),
        ({"kdf": "argon2id13", "iterations": -9, "memory": -9999}, "-9 iterations"),
        ({"kdf": "argon2id13", "iterations": 1, "memory": 1 << 19}, "1 iterations of 524288 KiB"),
        ({"kdf": "argon2id13", "iterations": 9999, "memory": 1 << 18}, "9999 iterations"),
        ({"salt": "no base64"}, "not base64: 'no base64'"),
        ({"nonce": "another"}, "does not begin with ours"),
        ({"nonce": None}, "needs a nonce and a salt"),
        ({"salt": 7}, "needs a nonce and a salt"),
    ],
)
def test_a_client_of_scram_answers_no_weak_or_foreign_challenge(
    change: dict[str, Any], text: str
) -> None:
    def challenge(said: list[Any]) -> Challenge:
        extra = {"nonce": said[0]["authextra"]["nonce"] + "more", "salt": "c2FsdA==",
                 "iterations": 4096, "kdf": "pbkdf2"}  # fmt: skip
        return Challenge("wamp-scram", extra | change)

    [_, error] = asked(Scram("joe", PASSWORD), "wamp-scram", challenge)
    assert isinstance(error, AuthenticationFailed) and text in str(error)


@pytest.mark.parametrize("name", ["wamp-scram", "scram"])
def test_a_client_of_scram_goes_on_only_where_the_router_has_drawn_a_nonce_too(name: str) -> None:
    def challenge(said: list[Any]) -> Challenge:
        extra = {"nonce": said[0]["authextra"]["nonce"], "salt": "c2FsdA==",
                 "iterations": 4096, "kdf": "pbkdf2"}  # fmt: skip
        return Challenge(name, extra)

    [_, error] = asked(Scram("joe", PASSWORD), name, challenge)
    assert isinstance(error, AuthenticationFailed)
    assert "the router's nonce does not begin with ours" in str(error)


def test_a_router_that_does_not_know_the_password_is_left() -> None:
    class Details:
        details: dict[str, Any] = {"authextra": {"verifier": b64encode(bytes(32)).decode()}}

    def challenge(said: list[Any]) -> Challenge:
        extra = {"nonce": said[0]["authextra"]["nonce"] + "more", "salt": "c2FsdA==",
                 "iterations": 4096, "kdf": "pbkdf2"}  # fmt: skip
        return Challenge("wamp-scram", extra)

    [_, answer, error] = asked(Scram("joe", PASSWORD), "wamp-scram", challenge, Details())
    assert isinstance(answer, Authenticate)
    assert isinstance(error, AuthenticationFailed) and "did not prove" in str(error)


# Channel binding


def client_context(certificate: Certificate, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = tls.client_context(certificate.cert)
    context.maximum_version = version
    return context


@pytest.mark.parametrize(
    ("kind", "version"),
    [(UNIQUE, "TLSv1_2"), (END_POINT, "TLSv1_2"), (END_POINT, "TLSv1_3")],
)
def test_a_proof_is_bound_to_the_connection_within_tls(
    kind: str, version: str, certificate: Certificate
) -> None:
    context = client_context(certificate, ssl.TLSVersion[version])
    with Router(authmethods=methods(USERS), login_delay=0) as router:
        url = router.listen("rss://localhost:0", cert=certificate.cert, key=certificate.key)
        auth = Scram("joe", PASSWORD, channel_binding=kind)
        with wamplite.connect(url, auth=auth, tls=context) as session:
            assert (session.authid, session.authmethod) == ("joe", "wamp-scram")
        with pytest.raises(JoinRefused, match="no such user, or a wrong secret"):
            wamplite.connect(url, auth=Scram("joe", "wrong", channel_binding=kind), tls=context)


def test_a_binding_that_the_connection_has_not_is_named_on_either_side(
    certificate: Certificate,
) -> None:
    auth = Scram("joe", PASSWORD, channel_binding=UNIQUE)
    with Router(authmethods=methods(USERS), login_delay=0) as router:
        plain = router.listen("rs://127.0.0.1:0")
        with pytest.raises(AuthenticationFailed, match="channel_binding 'tls-unique' needs TLS"):
            wamplite.connect(plain, auth=auth)
        url = router.listen("rss://localhost:0", cert=certificate.cert, key=certificate.key)
        context = client_context(certificate, ssl.TLSVersion.TLSv1_3)
        there = "not to be had by TLSv1.3, but tls-server-end-point"
        with pytest.raises(AuthenticationFailed, match=there):
            wamplite.connect(url, auth=auth, tls=context)
    for method, kind, facts, text in (
        ("wamp-scram", UNIQUE, None, "needs TLS"),
        ("wamp-scram", 7, SimpleNamespace(version="TLSv1.2", bindings={}), "but none"),
        ("scram", UNIQUE, SimpleNamespace(bindings={UNIQUE: b"x"}), "needs wamp-scram"),
    ):
        answer = Talk(method, "joe", tls=facts, nonce=NONCE, channel_binding=kind).answer
        assert isinstance(answer, Abort) and answer.reason == FAILED
        assert text in answer.details["message"]


def bound_to(data: bytes, kind: str = UNIQUE) -> Any:
    return SimpleNamespace(version="TLSv1.2", bindings={kind: data})


def relayed(
    ours: Any, theirs: Any, kind: str | None = UNIQUE, change: dict[str, Any] | None = None
) -> Any:
    """What a router answers a client whose messages somebody passes on over another connection."""
    dialogue = Scram("joe", PASSWORD, channel_binding=kind).methods(ours)["wamp-scram"]()
    hello = next(dialogue)["authextra"]
    talk = Talk("wamp-scram", "joe", tls=theirs, **hello)
    assert isinstance(talk.answer, Challenge)
    answer = dialogue.send(talk.answer)
    assert isinstance(answer, Authenticate)
    return talk.say(answer.signature, **{**answer.extra, **(change or {})})


def test_a_proof_over_another_connection_is_none() -> None:
    ours = bound_to(b"ours")
    assert isinstance(relayed(ours, ours), Accepted)
    stranger = relayed(ours, bound_to(b"theirs"))
    assert isinstance(stranger, Abort) and stranger.reason == DENIED


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"channel_binding": None},
        {"channel_binding": END_POINT},
        {"cbind_data": None},
        {"cbind_data": b64encode(b"another").decode()},
        {"cbind_data": 7},
    ],
)
def test_an_answer_must_go_on_with_what_was_said(change: dict[str, Any]) -> None:
    ours = bound_to(b"ours")
    answer = relayed(ours, ours, change=change)
    assert isinstance(answer, Abort) and answer.reason == DENIED


@pytest.mark.parametrize("odd", ["", "\n", " ", "*", "="])
def test_a_proof_is_base64_and_nothing_else(odd: str) -> None:
    dialogue = Scram("joe", PASSWORD).methods(None)["wamp-scram"]()
    talk = Talk("wamp-scram", "joe", **next(dialogue)["authextra"])
    proof = dialogue.send(talk.answer)
    answer = talk.say(proof.signature[:4] + odd + proof.signature[4:], **proof.extra)
    if odd:
        assert isinstance(answer, Abort) and answer.reason == DENIED
    else:
        assert isinstance(answer, Accepted)


# Argon2


@pytest.fixture(scope="module")
def url() -> Any:
    users = [
        User.of_password("joe", "sensor", PASSWORD, kdf=ARGON2, memory=12_000),
        User.of_password("ann", "sensor", PASSWORD, kdf=AUTOBAHNS, memory=12_000),
    ]
    with Router(authmethods=methods(Users(users)), login_delay=0) as router:
        yield router.listen("rs://127.0.0.1:0")


@pytest.mark.parametrize(("authid", "method"), [("joe", "wamp-scram"), ("ann", "scram")])
def test_a_password_may_be_derived_by_argon2(authid: str, method: str, url: str) -> None:
    with wamplite.connect(url, auth=OneName(Scram(authid, PASSWORD), method)) as session:
        assert session.authmethod == method
    with wamplite.connect(url, auth=Ticket(authid, PASSWORD)) as session:
        assert session.authid == authid
    for auth in (OneName(Scram(authid, "wrong"), method), Ticket(authid, "wrong")):
        with pytest.raises(JoinRefused, match="no such user"):
            wamplite.connect(url, auth=auth)


def test_a_key_that_the_other_name_has_lets_nobody_in_by_this_one(url: str) -> None:
    for authid, other, right in (("joe", "scram", "wamp-scram"), ("ann", "wamp-scram", "scram")):
        with pytest.raises(ApplicationError, match="no_matching_auth_method"):
            wamplite.connect(url, auth=OneName(Scram(authid, PASSWORD), other))
        with wamplite.connect(url, auth=Scram(authid, PASSWORD)) as session:
            assert session.authmethod == right


def test_argon2id_derives_as_its_reference_does() -> None:
    # `argon2 saltsalt -id -t 2 -m 16 -p 1 -l 32 -r` of the reference implementation's test.c
    found = argon2id.argon2id(b"password", b"somesalt", 2, 65536, 32)
    assert found.hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"


def test_one_key_at_a_time_is_derived_by_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = [], []

    def derive(*_: object) -> bytes:
        at_once.append(1)
        most.append(len(at_once))
        time.sleep(0.01)  # the others may come
        at_once.pop()
        return b"key"

    monkeypatch.setattr("argon2.low_level.hash_secret_raw", derive)
    ask = partial(argon2id.argon2id, b"password", b"somesalt", 2, 65536, 32)
    with ThreadPoolExecutor(4) as pool:
        assert [each.result(20) for each in [pool.submit(ask) for _ in range(4)]] == [b"key"] * 4
    assert most == [1, 1, 1, 1]


def test_argon2_says_which_package_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2.low_level", None)
    with pytest.raises(UsageError, match="needs the package argon2-cffi: pip install"):
        User.of_password("joe", "sensor", "x", kdf=ARGON2)


@pytest.mark.parametrize(("name", "told"), [("wamp-scram", {"memory": None}), ("scram", {})])
def test_the_memory_of_a_kdf_that_needs_none_is_told_as_each_takes_it(
    name: str, told: dict[str, None]
) -> None:
    hello = next(Scram("joe", PASSWORD).methods(None)[name]())
    challenge = Talk(name, "joe", **hello["authextra"]).answer
    assert isinstance(challenge, Challenge)
    assert {key: value for key, value in challenge.extra.items() if key == "memory"} == told


def test_a_nonce_of_autobahns_scram_is_base64() -> None:
    answer = Talk("scram", "joe", nonce="no base64!").answer
    assert isinstance(answer, Abort) and answer.reason == FAILED
    assert answer.details["message"] == "the nonce must be base64"


def test_a_router_s_proof_may_begin_as_in_the_example_of_the_text() -> None:
    dialogue = Scram("joe", PASSWORD).methods(None)["wamp-scram"]()
    talk = Talk("wamp-scram", "joe", **next(dialogue)["authextra"])
    assert isinstance(talk.answer, Challenge)
    answer = dialogue.send(talk.answer)
    assert isinstance(answer, Authenticate)
    accepted = talk.say(answer.signature, **answer.extra)
    assert isinstance(accepted, Accepted) and accepted.identity.authextra
    verifier = "v=" + accepted.identity.authextra["verifier"]
    with pytest.raises(StopIteration):  # it is content
        dialogue.send(SimpleNamespace(details={"authextra": {"verifier": verifier}}))


@pytest.mark.parametrize("verifier", ["no base64", "", 7, None, "v=", b64encode(b"x").decode()])
def test_a_router_s_proof_that_is_none_is_refused(verifier: Any) -> None:
    dialogue = Scram("joe", PASSWORD).methods(None)["wamp-scram"]()
    nonce = next(dialogue)["authextra"]["nonce"]
    extra = {"nonce": nonce + "more", "salt": "c2FsdA==", "iterations": QUICK, "kdf": "pbkdf2"}
    dialogue.send(Challenge("wamp-scram", extra))
    with pytest.raises(AuthenticationFailed, match="did not prove that it knows the password"):
        dialogue.send(SimpleNamespace(details={"authextra": {"verifier": verifier}}))


def test_a_kdf_that_is_none_is_named() -> None:
    with pytest.raises(UsageError, match="no kdf 'md5'; there are: pbkdf2, argon2id13"):
        User.of_password("joe", "sensor", "x", kdf="md5")


def test_whoever_is_unknown_is_asked_as_one_of_the_users_is() -> None:
    users = Users(
        User.of_password(f"{kdf}-{n}", "a", "x", kdf=kdf, iterations=5000 + n, memory=1024)
        for kdf in (keys.PBKDF2, ARGON2, AUTOBAHNS)
        for n in range(2)
    )
    there = {
        (user.scram.kdf, user.scram.iterations, user.scram.memory or None)
        for user in users
        if user.scram
    }
    found = set()
    for number in range(60):
        for name in ("wamp-scram", "scram"):
            answers = [Talk(name, f"nobody{number}", users, nonce=NONCE).answer for _ in range(2)]
            if isinstance(answers[0], Abort):
                assert answers[0] == answers[1]
                assert answers[0].reason == "wamp.error.no_matching_auth_method"
                continue
            [first, again] = [(one.extra["salt"], one.extra["kdf"], one.extra["iterations"],
                               one.extra.get("memory")) for one in answers]  # fmt: skip
            assert first == again and first[1] in scram.KDFS_OF[name]
            found.add(first[1:])
    assert found == there


def test_a_router_never_asks_for_less_than_the_user_has() -> None:
    """Nothing that a client says changes the parameters."""
    said = {"iterations": 1, "kdf": "md5", "memory": 1, "salt": "c2FsdA=="}
    answer = Talk("wamp-scram", "joe", nonce=NONCE, **said).answer
    assert isinstance(answer, Challenge)
    assert (answer.extra["iterations"], answer.extra["kdf"]) == (QUICK, "pbkdf2")


@pytest.mark.parametrize("nonce", [None, "short", "x" * 257, 7])
def test_a_nonce_is_needed(nonce: Any) -> None:
    answer = Talk("wamp-scram", "joe", nonce=nonce).answer
    assert isinstance(answer, Abort) and answer.reason == FAILED


def test_names_and_passwords_that_look_the_same_are_the_same() -> None:
    users = Users([User.of_password("joe", "a", "I\u00adX", iterations=QUICK)])
    with Router(authmethods=methods(users), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        for auth in (Scram("joe", "\u2168"), Ticket("joe", "\u2168")):
            with wamplite.connect(url, auth=auth) as session:
                assert session.authid == "joe"
        with pytest.raises(AuthenticationFailed, match="of the password character 1 is a control"):
            wamplite.connect(url, auth=Scram("joe", "\u0007"))
        with pytest.raises(
            AuthenticationFailed, match="scram: of the authid character 1 is a control"
        ):
            wamplite.connect(url, auth=Scram("\u0007", "x"))
    with pytest.raises(UsageError, match="the password of a user: character 2 is a control"):
        User.of_password("joe", "a", "x\u0007")
    assert not User.of_password("joe", "a", "x", iterations=1).knows("\u0007")
    talk = Talk("wamp-scram", "\u0007", nonce=NONCE)
    answer = talk.say("AAAA")
    assert isinstance(answer, Abort) and answer.reason == DENIED
