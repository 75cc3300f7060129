"""cryptosign: its vectors, keys of every origin, channel binding, and what a router refuses."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import wamplite
from tests.auth.dialogues import DENIED, FAILED, PUBKEY, SEED, USERS, Talk, asked
from tests.transports.streams import Certificate
from wamplite import AuthenticationFailed, JoinRefused, Router, UsageError
from wamplite.auth import CryptoSign, User, cryptosign, methods
from wamplite.auth.cryptosign import OwnKey, WithCryptography, WithNacl
from wamplite.auth.ed25519 import ORDER, SMALL, InPython, P
from wamplite.core.handshake import Accepted
from wamplite.core.messages import Abort, Authenticate, Challenge
from wamplite.transports import tls
from wamplite.transports.channel_bindings import UNIQUE

# Of the specification, "Test Vectors": private key, challenge, signature without a channel id and
# with CHANNEL
CHANNEL = "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff"
VECTORS = [
    (
        "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0c"
        "ae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03",
        "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3"
        "e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f",
    ),
    (
        "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372"
        "190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660f",
        "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a42"
        "7c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01",
    ),
    (
        "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1e"
        "c184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30b",
        "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4"
        "d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608",
    ),
]


def bound_to(data: bytes, kind: str = UNIQUE) -> Any:
    return SimpleNamespace(version="TLSv1.2", bindings={kind: data})


@pytest.mark.parametrize(("seed", "challenge", "unbound", "bound"), VECTORS)
@pytest.mark.parametrize("library", [WithCryptography, WithNacl, InPython])
def test_the_vectors_of_the_specification(
    seed: str, challenge: str, unbound: str, bound: str, library: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cryptosign, "signing", library)
    message = (int(challenge, 16) ^ int(CHANNEL, 16)).to_bytes(32, "big").hex()
    for kind, expected in ((None, unbound + challenge), ("tls-exporter", bound + message)):
        asks = Challenge("cryptosign", {"challenge": challenge, "channel_binding": kind})
        facts = bound_to(bytes.fromhex(CHANNEL), "tls-exporter")
        auth = CryptoSign(None, seed, channel_binding=kind)
        dialogue = auth.methods(facts)["cryptosign"]()
        assert next(dialogue) == {"authextra": {"pubkey": auth.pubkey, "channel_binding": kind}}
        assert dialogue.send(asks) == Authenticate(expected, {})
        if library is not InPython:
            made = library().verify(
                bytes.fromhex(auth.pubkey), bytes.fromhex(expected[:128]),
                bytes.fromhex(expected[128:]),
            )  # fmt: skip
            assert made


def test_an_old_signature_of_cryptosign_proves_nothing() -> None:
    signing = WithCryptography()
    seed = bytes.fromhex(SEED)
    first = Talk("cryptosign", "key", pubkey=PUBKEY)
    assert isinstance(first.answer, Challenge)
    message = bytes.fromhex(first.answer.extra["challenge"])
    old = (signing.sign(seed, message) + message).hex()
    assert isinstance(first.say(old), Accepted)
    again = Talk("cryptosign", "key", pubkey=PUBKEY)
    denied = again.say(old)
    assert isinstance(denied, Abort) and denied.reason == DENIED


def test_a_client_of_cryptosign_signs_a_challenge_alone() -> None:
    for challenge in ({}, {"challenge": "zz" * 32}, {"challenge": "00"}):
        [_, error] = asked(CryptoSign("key", SEED), "cryptosign", Challenge("c", challenge))
        assert isinstance(error, AuthenticationFailed)
        assert "'cryptosign: the challenge must be 64 hexadecimal digits'" in str(error)
    another = {"challenge": "00" * 32, "channel_binding": UNIQUE}
    [_, error] = asked(CryptoSign("key", SEED), "cryptosign", Challenge("c", another))
    assert "channel_binding is 'tls-unique', asked for was None" in str(error)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        CryptoSign("key", "abc")
    assert CryptoSign("key", SEED).pubkey == PUBKEY


# What a router refuses


def test_a_key_or_a_signature_in_another_spelling_is_none() -> None:
    for pubkey in (PUBKEY.upper(), PUBKEY[:-2], PUBKEY + "00", PUBKEY[:-1] + " ", "", None, 7):
        answer = Talk("cryptosign", "key", pubkey=pubkey).answer
        assert isinstance(answer, Abort) and answer.reason == FAILED
    for change in (str.upper, lambda text: text[:128], lambda text: text + "00"):
        talk = Talk("cryptosign", "key", pubkey=PUBKEY)
        assert isinstance(talk.answer, Challenge)
        message = bytes.fromhex(talk.answer.extra["challenge"])
        signature = (OwnKey(bytes.fromhex(SEED)).sign(message) + message).hex()
        answer = talk.say(change(signature))
        assert isinstance(answer, Abort) and answer.reason == DENIED


def times(factor: int, point: Any) -> Any:
    from wamplite.auth import ed25519

    return ed25519.times(factor, point)


@pytest.mark.parametrize("y", sorted(SMALL))
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_a_key_of_low_order_is_refused_by_router_and_file(y: int, sign: int) -> None:
    pubkey = (y | sign).to_bytes(32, "little").hex()
    answer = Talk("cryptosign", None, pubkey=pubkey).answer
    assert isinstance(answer, Abort) and answer.reason == FAILED
    with pytest.raises(UsageError, match="anybody can sign for it"):
        User.of_pubkeys("key", "a", pubkey)


def test_the_keys_of_low_order_are_all_that_there_are() -> None:
    """A point times the order of the base point is one of the eight: all of them come up."""
    from wamplite.auth import ed25519

    found = set()
    for y in range(2, 120):
        square = (y * y - 1) * pow(ed25519.D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        for root in (x, x * pow(2, (P - 1) // 4, P) % P):
            if root * root % P == square:
                small = times(ORDER, (root, y, 1, root * y % P))
                found.add(small[1] * pow(small[2], -1, P) % P)
                assert times(8, small)[0] == 0
    written = {y for known in found for y in (known, known + P) if y < 1 << 255}
    assert written == SMALL and len(found) == 5


# Channel binding


def test_a_signature_is_bound_to_the_connection_within_tls(certificate: Certificate) -> None:
    context = tls.client_context(certificate.cert)
    auth = CryptoSign("key", SEED, channel_binding=UNIQUE)
    with Router(authmethods=methods(USERS), login_delay=0) as router:
        url = router.listen("rss://localhost:0", cert=certificate.cert, key=certificate.key)
        with pytest.raises(AuthenticationFailed, match="not to be had by TLSv1.3"):
            wamplite.connect(url, auth=auth, tls=context)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with wamplite.connect(url, auth=auth, tls=context) as session:
            assert session.authid == "key"
        wrong = CryptoSign("key", SEED[::-1], channel_binding=UNIQUE)
        with pytest.raises(JoinRefused, match="no such user"):
            wamplite.connect(url, auth=wrong, tls=context)


def test_a_signature_over_another_connection_is_none() -> None:
    for theirs, outcome in ((b"ours", Accepted), (b"theirs", Abort)):
        dialogue = CryptoSign("key", SEED, channel_binding=UNIQUE).methods(bound_to(b"ours"))
        proof = dialogue["cryptosign"]()
        talk = Talk("cryptosign", "key", tls=bound_to(theirs), **next(proof)["authextra"])
        assert isinstance(talk.answer, Challenge)
        answer = proof.send(talk.answer)
        assert isinstance(answer, Authenticate)
        assert isinstance(talk.say(answer.signature), outcome)


@pytest.mark.parametrize("kind", [UNIQUE, "tls-server-end-point", "x", 7])
def test_a_binding_that_there_is_not_is_named(kind: Any) -> None:
    answer = Talk("cryptosign", "key", pubkey=PUBKEY, channel_binding=kind).answer
    assert isinstance(answer, Abort) and answer.reason == FAILED
    assert "channel_binding" in answer.details["message"]
    with pytest.raises(AuthenticationFailed, match="channel_binding"):
        CryptoSign("key", SEED, channel_binding=kind).methods(None)


# Keys


def test_a_client_signs_in_python_alone_where_there_is_no_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("cryptography.hazmat.primitives.asymmetric", "nacl"):
        monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(cryptosign.signing(), InPython)
    with pytest.raises(UsageError, match="needs the package cryptography, or PyNaCl"):
        methods(USERS, ["cryptosign"])
    assert CryptoSign("key", SEED).pubkey == PUBKEY


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(SEED)
    path.chmod(0o600)
    auth = CryptoSign.of_file("key", path)
    assert auth.pubkey == PUBKEY and SEED not in repr(vars(auth))
    with Router(authmethods=methods(USERS), login_delay=0) as router:
        url = router.listen("rs://127.0.0.1:0")
        with wamplite.connect(url, auth=auth) as session:
            assert session.authid == "key"


@pytest.mark.parametrize("library", [WithCryptography, WithNacl])
def test_a_library_verifies_what_python_signs(library: Any) -> None:
    seed, message = os.urandom(32), os.urandom(32)
    pubkey, signature = InPython().pubkey(seed), InPython().sign(seed, message)
    verifier = library()
    assert verifier.pubkey(seed) == pubkey and verifier.sign(seed, message) == signature
    assert verifier.verify(pubkey, signature, message)
    assert not verifier.verify(pubkey, signature, os.urandom(32))
    assert not verifier.verify(pubkey, b"", message)
    assert not verifier.verify(bytes(31), signature, message)
