"""Authentication: items 49 to 55, 57 and 58 of the catalogue."""

from __future__ import annotations

import hmac
import statistics
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import pbkdf2_hmac, sha256
from typing import Any

import pytest

import wamplite
from tests.faults.conftest import Bystander, Holdings
from tests.faults.programs import HANDSHAKE, LIES, PASSWORD, PUBKEY, SEED, embedded
from tests.faults.scale import scaled
from tests.faults.sessions import ROLES, VIOLATION, Session, Stopwatch, open_session
from tests.faults.wire import Closed
from tests.processes import RouterProcess
from tests.waiting import until
from wamplite.auth import Scram
from wamplite.auth.cryptosign import verifying
from wamplite.auth.keys import LEAST_ITERATIONS

Connect = Callable[..., Session]
DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"
NONCE = "QUJDREVGR0hJSktMTU5PUA=="
ASKED = ["ticket", "wampcra", "wamp-scram", "scram", "cryptosign"]
DELAY = scaled(5.0, 60.0)


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    """Give a router that asks who somebody is; who offers nothing is anonymous."""
    with embedded("authenticating", str(DELAY), trouble=["ResourceWarning"]) as process:
        yield process


def begin(session: Session, method: str, authid: str = "joe", **more: Any) -> list[Any]:
    """Say HELLO, and return what comes."""
    extra = {"nonce": NONCE, "channel_binding": None, "pubkey": PUBKEY} | more.pop("extra", {})
    details = {"roles": ROLES, "authmethods": [method], "authid": authid, "authextra": extra}
    session.say(1, "realm1", details | more)
    return session.hear()


def challenged(
    connect: Connect, method: str, authid: str = "joe"
) -> tuple[Session, dict[str, Any]]:
    """Return a session that has been asked, and CHALLENGE.Extra."""
    session = connect(join=False)
    answer = begin(session, method, "key" if method == "cryptosign" else authid)
    assert answer[:2] == [4, method], answer
    return session, answer[2]


def proof(method: str, extra: dict[str, Any]) -> str:
    """Return what answers a challenge."""
    if method == "ticket":
        return PASSWORD
    if method == "cryptosign":
        message = bytes.fromhex(extra["challenge"])
        return (verifying().sign(bytes.fromhex(SEED), message) + message).hex()
    salt = extra["salt"].encode() if method == "wampcra" else b64decode(extra["salt"])
    salted = pbkdf2_hmac("sha256", PASSWORD.encode(), salt, extra["iterations"])
    if method == "wampcra":
        return encoded(mac(b64encode(salted), extra["challenge"]))
    binding = "biws" if method == "wamp-scram" else ""
    first = f"n=joe,r={NONCE},r={extra['nonce']},s={extra['salt']},i={extra['iterations']}"
    client = mac(salted, "Client Key")
    sign = mac(sha256(client).digest(), f"{first},c={binding},r={extra['nonce']}")
    return encoded(bytes(one ^ other for one, other in zip(client, sign, strict=True)))


def authenticate(method: str, extra: dict[str, Any], **more: Any) -> list[Any]:
    """Return the AUTHENTICATE that answers a challenge."""
    said = {"nonce": extra.get("nonce"), "channel_binding": None, "cbind_data": None}
    return [5, proof(method, extra), said | more]


def mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def encoded(octets: bytes) -> str:
    return b64encode(octets).decode()


# ---- 49


def test_49_authenticate_without_a_challenge_is_aborted(connect: Connect) -> None:
    first = connect(join=False)
    first.say(5, "signature", {})
    assert first.aborted() == VIOLATION
    joined = connect()
    joined.say(5, "signature", {})
    assert joined.aborted() == VIOLATION


@pytest.mark.parametrize("method", ASKED)
def test_49_authenticate_twice_is_aborted(connect: Connect, method: str) -> None:
    session, challenge = challenged(connect, method)
    right = authenticate(method, challenge)
    session.say_all(right, right)
    assert session.hear()[0] == 2
    assert session.aborted() == VIOLATION


@pytest.mark.parametrize("message", [[1, "realm1", {"roles": ROLES}], [48, 1, {}, "faults.x"],
                                     [16, 1, {}, "faults.x"], [2, 1, {}]])  # fmt: skip
def test_49_nothing_else_answers_a_challenge(connect: Connect, message: list[Any]) -> None:
    session, _ = challenged(connect, "wampcra")
    session.say(*message)
    assert session.aborted() == VIOLATION


# ---- 50 and 51

WRONG = ["", "x", " ", "ü" * 100, "00" * 96, "A" * 44, "=" * 44, encoded(bytes(32))]


@pytest.mark.parametrize("method", ASKED)
@pytest.mark.parametrize("signature", WRONG, ids=lambda text: repr(text)[:10])
def test_50_a_wrong_signature_is_denied_as_an_unknown_user_is(
    connect: Connect, method: str, signature: str
) -> None:
    answers = []
    for authid in ("joe", "nobody"):
        session = connect(join=False)
        extra = {"pubkey": "ab" * 32} if authid == "nobody" else {}
        authid = "key" if (method, authid) == ("cryptosign", "joe") else authid
        assert begin(session, method, authid, extra=extra)[0] == 4
        session.say(5, signature, {})
        answers.append(session.hear())
        session.close()
    assert answers[0] == answers[1]
    assert answers[0][2] == DENIED


@pytest.mark.parametrize("signature", [None, 1, 1.5, True, [], {}, [""], b"x", "\0"], ids=repr)
def test_50_what_is_no_text_is_a_violation(connect: Connect, signature: Any) -> None:
    session, _ = challenged(connect, "wampcra")
    session.say(5, signature, {})
    assert session.aborted() == VIOLATION


@pytest.mark.parametrize("method", ASKED)
def test_50_a_signature_of_1_mb_ends_the_connection(connect: Connect, method: str) -> None:
    session, _ = challenged(connect, method)
    session.say(5, "x" * 2**20, {})
    try:
        assert session.aborted() in (VIOLATION, DENIED)
    except Closed:
        session.close()


@pytest.mark.parametrize("method", ["ticket", "wampcra", "wamp-scram"])
def test_50_an_unknown_user_takes_as_long_as_a_wrong_secret(connect: Connect, method: str) -> None:
    times: dict[str, list[float]] = {"joe": [], "nobody": []}
    for _ in range(15):
        for authid, seconds in times.items():
            session = connect(join=False)
            begin(session, method, authid)
            watch = Stopwatch()
            session.say(5, "wrong", {})
            assert session.hear()[2] == DENIED
            seconds.append(watch.seconds)
            session.close()
    one, other = (statistics.median(seconds) for seconds in times.values())
    assert 0.2 < one / other < 5, times


@pytest.mark.parametrize("method", ["wampcra", "wamp-scram", "scram", "cryptosign"])
def test_51_a_signature_proves_nothing_for_another_challenge(connect: Connect, method: str) -> None:
    first, challenge = challenged(connect, method)
    seen = authenticate(method, challenge)
    second, asked = challenged(connect, method)
    first.say(*seen)
    assert first.hear()[0] == 2
    second.say(*seen[:2], {**seen[2], "nonce": asked.get("nonce")})
    assert second.aborted() == DENIED


# ---- 52 and 53


@pytest.mark.parametrize("wishes", [["magic"], ["Anonymous"], ["magic", "TICKET"], ["", "x" * 500]])
def test_52_an_unknown_authmethod_alone_is_no_matching_one(
    connect: Connect, wishes: list[str]
) -> None:
    session = connect(join=False)
    session.say(1, "realm1", {"roles": ROLES, "authmethods": wishes, "authid": "joe"})
    assert session.aborted() == "wamp.error.no_matching_auth_method"


def test_53_who_one_wishes_to_be_is_not_granted(connect: Connect) -> None:
    wishes = {"authrole": "admin", "authprovider": "root", "authmethod": "cryptosign"}
    session = connect(join=False)
    session.say(1, "realm1", {"roles": ROLES, "authid": "joe", **wishes})
    welcome = session.hear()
    assert welcome[0] == 2 and welcome[2]["authid"] != "joe"
    assert (welcome[2]["authrole"], welcome[2]["authmethod"]) == ("anonymous", "anonymous")
    second = connect(join=False)
    assert begin(second, "ticket", "joe", **wishes)[0] == 4
    second.say(5, PASSWORD, {"authrole": "admin", "authid": "key"})
    welcome = second.hear()
    assert welcome[0] == 2, welcome
    assert [welcome[2][name] for name in ("authid", "authrole")] == ["joe", "sensor"]
    assert welcome[2]["authprovider"] != "root"


# ---- 54 and 55


@pytest.mark.parametrize("realm", LIES)
def test_54_a_client_does_not_answer_a_router_that_lies(realm: str) -> None:
    with (
        embedded("lying") as liar,
        pytest.raises(wamplite.AuthenticationFailed, match="scram: ") as refused,
    ):
        wamplite.connect(liar.rs, realm=realm, auth=Scram("joe", PASSWORD))
    assert refused.value.error == FAILED


CHANGES: list[dict[str, Any]] = [{"nonce": NONCE}, {"nonce": NONCE + "other"}, {"salt": NONCE}]
CHANGES += [{"iterations": LEAST_ITERATIONS // 2}]


@pytest.mark.parametrize("method", ["wamp-scram", "scram"])
@pytest.mark.parametrize("change", CHANGES, ids=repr)
def test_54_a_proof_over_another_nonce_count_or_salt_is_denied(
    connect: Connect, method: str, change: dict[str, Any]
) -> None:
    session, challenge = challenged(connect, method)
    session.say(*authenticate(method, {**challenge, **change}, nonce=challenge["nonce"]))
    assert session.aborted() == DENIED


@pytest.mark.parametrize("change", [{"nonce": NONCE}, {"channel_binding": "tls-unique"},
                                    {"cbind_data": NONCE}])  # fmt: skip
def test_54_what_was_said_before_must_be_repeated(connect: Connect, change: dict[str, Any]) -> None:
    session, challenge = challenged(connect, "wamp-scram")
    session.say(*authenticate("wamp-scram", challenge, **change))
    assert session.aborted() == DENIED


@pytest.mark.parametrize("method", ["wamp-scram", "scram", "cryptosign"])
@pytest.mark.parametrize("kind", ["tls-unique", "tls-exporter", "magic", "", 7, {}])
def test_54_a_binding_that_the_connection_does_not_have_is_refused(
    connect: Connect, method: str, kind: Any
) -> None:
    session = connect(join=False)
    answer = begin(session, method, "key", extra={"channel_binding": kind})
    assert (answer[0], answer[2]) == (3, FAILED), answer


@pytest.mark.parametrize("nonce", [None, "", "short", 7, ["x" * 20], "x" * 500])
def test_54_a_nonce_that_is_none_is_refused(connect: Connect, nonce: Any) -> None:
    session = connect(join=False)
    answer = begin(session, "wamp-scram", extra={"nonce": nonce})
    assert (answer[0], answer[2]) in ((3, FAILED), (3, VIOLATION)), answer


@pytest.mark.parametrize(
    "pubkey",
    [None, "", 7, PUBKEY[:-2], PUBKEY + "00", "g" * 64, " " + PUBKEY[1:], "0x" + PUBKEY[2:]],
)
def test_55_a_key_of_the_wrong_form_is_refused(connect: Connect, pubkey: Any) -> None:
    session = connect(join=False)
    answer = begin(session, "cryptosign", "key", extra={"pubkey": pubkey})
    assert (answer[0], answer[2]) == (3, FAILED), answer


@pytest.mark.parametrize("pubkey", ["01" + "00" * 31, "00" * 32, "ec" + "ff" * 30 + "7f"])
def test_55_a_key_of_low_order_is_refused(connect: Connect, pubkey: str) -> None:
    session = connect(join=False)
    answer = begin(session, "cryptosign", "key", extra={"pubkey": pubkey})
    assert (answer[0], answer[2]) == (3, FAILED), answer


@pytest.mark.parametrize("spell", [str.upper, str.title])
def test_55_hexadecimal_digits_are_lower_case(
    connect: Connect, spell: Callable[[str], str]
) -> None:
    session = connect(join=False)
    answer = begin(session, "cryptosign", "key", extra={"pubkey": spell(PUBKEY)})
    assert (answer[0], answer[2]) == (3, FAILED), answer
    session, challenge = challenged(connect, "cryptosign")
    session.say(5, spell(proof("cryptosign", challenge)), {})
    assert session.aborted() == DENIED


# ---- 57 and 58


def test_57_an_authmethod_that_raises_is_answered_with_abort(
    connect: Connect, router: RouterProcess
) -> None:
    session = connect(join=False)
    assert begin(session, "raises")[2] == FAILED
    session.ended()
    later = connect(join=False)
    assert begin(later, "raises later")[0] == 4
    later.say(5, "x", {})
    assert later.aborted() == FAILED


def test_57_who_waits_for_a_slow_authmethod_waits_alone(
    connect: Connect, router: RouterProcess, bystander: Bystander, holdings: Holdings
) -> None:
    waiting = [connect(join=False) for _ in range(10)]
    for session in waiting:
        session.say(1, "realm1", {"roles": ROLES, "authmethods": ["sleeps"]})
    watch, rounds = Stopwatch(), 0
    while watch.seconds < HANDSHAKE:
        fresh = Stopwatch()
        session = open_session(router.port, "ws-json")
        assert session.is_served() and fresh.seconds < 2
        session.leave()
        bystander.publish(bystander.witness)
        rounds += 1
    assert rounds > 3
    for session in waiting:
        with pytest.raises(Closed):
            session.hear()
        assert watch.seconds < DELAY + HANDSHAKE
        session.close()
    until(lambda: not holdings.leftovers(), "its threads have slept", DELAY + 30)


def test_58_session_ids_cannot_be_guessed(connect: Connect) -> None:
    ids = []
    for _ in range(scaled(40, 400)):
        session = connect()
        ids.append(int(session.welcome[1]))
        session.leave()
    assert len(set(ids)) == len(ids)
    assert all(1 <= number <= 2**53 for number in ids)
    steps = [abs(b - a) for a, b in zip(ids, ids[1:], strict=False)]
    assert min(steps) > 2**24 and len(set(steps)) == len(steps)
    ones = [sum(number >> bit & 1 for number in ids) / len(ids) for bit in range(53)]
    assert all(0.05 < share < 0.95 for share in ones), ones
