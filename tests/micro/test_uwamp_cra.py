"""uwamp_cra.py on both Pythons, against what CPython has for it and against a real router."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
import uwamp_cra

import wamplite
from tests.micro.conftest import ran_on_micropython
from tests.micro.test_boards import await_procedure
from tests.processes import running
from wamplite.auth import User, Users, WampCra, methods

SECRETS = ["", "secret", "é😀", "x" * 64, "x" * 65, "y" * 200]
CHALLENGE = '{"authid":"joe","nonce":"é"}'
BOARD = """
import uwamp, uwamp_cra, uwamp_link
wamp = uwamp.RawSocket("realm1", authid="joe", authmethods=["wampcra"])
wamp.sign = uwamp_cra.Signer({signer})
wamp.register("com.example.add", lambda a, b: a + b)
uwamp_link.Tcp(wamp, "127.0.0.1", {port}).run()
"""


def signature(key: bytes) -> str:
    return base64.b64encode(hmac.digest(key, CHALLENGE.encode(), "sha256")).decode()


def derived(secret: str, salt: str, iterations: int, keylen: int) -> bytes:
    made = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), iterations, keylen)
    return base64.b64encode(made)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_challenge_is_signed_by_hmac(secret: str) -> None:
    signer = uwamp_cra.Signer(secret)
    assert signer("wampcra", {"challenge": CHALLENGE}) == signature(secret.encode())


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(("iterations", "keylen"), [(1, 32), (7, 16), (100, 33), (3, 64), (2, 70)])
def test_a_key_is_derived_by_pbkdf2(secret: str, iterations: int, keylen: int) -> None:
    salted = {"salt": "sölt", "iterations": iterations, "keylen": keylen}
    key = derived(secret, "sölt", iterations, keylen)
    assert uwamp_cra.derive(secret, "sölt", iterations, keylen) == key
    signer = uwamp_cra.Signer(secret)
    assert signer("wampcra", {"challenge": CHALLENGE, **salted}) == signature(key)


def test_what_a_router_leaves_out_is_the_specifications() -> None:
    signed = uwamp_cra.Signer("secret")("wampcra", {"challenge": CHALLENGE, "salt": "s"})
    assert signed == signature(derived("secret", "s", 1000, 32))


def test_a_key_is_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []
    derive = uwamp_cra.derive
    monkeypatch.setattr(uwamp_cra, "derive", lambda *by: made.append(by) or derive(*by))
    signer = uwamp_cra.Signer("secret")
    for salt in ("s", "s", "t"):
        signer("wampcra", {"challenge": CHALLENGE, "salt": salt, "iterations": 5})
    assert [by[1] for by in made] == ["s", "t"]


def test_a_key_that_was_given_is_taken_whatever_the_salt() -> None:
    key = uwamp_cra.derive("secret", "s", 5)
    signer = uwamp_cra.Signer(key=key)
    asked = {"challenge": CHALLENGE, "salt": "s", "iterations": 10**9}
    assert signer("wampcra", asked) == signature(key)


def test_more_iterations_than_a_board_can_bear_are_refused() -> None:
    with pytest.raises(ValueError, match="too many iterations"):
        uwamp_cra.Signer("x")("wampcra", {"challenge": "", "salt": "s", "iterations": 10_001})


def test_micropython_finds_the_same(both: dict[str, Path]) -> None:
    program = f"""from uwamp_cra import Signer, derive
for secret in {SECRETS}:
    print(derive(secret, "sölt", 50, 40).decode())
    print(Signer(secret)("wampcra", {{"challenge": {CHALLENGE!r}}}))"""
    done = ran_on_micropython(both["mpy"], "-c", program)
    wanted = [
        text
        for secret in SECRETS
        for text in (derived(secret, "sölt", 50, 40).decode(), signature(secret.encode()))
    ]
    assert done.stdout.split() == wanted, done.stderr


@pytest.mark.parametrize("kind", ["of the secret", "salted", "of a key", "of another secret"])
def test_a_board_joins_a_router_that_knows_its_secret(python: list[str], kind: str) -> None:
    user = User.of_secret("joe", "board", "s3cret")
    if kind in ("salted", "of a key"):
        user = User.of_password("joe", "board", "s3cret", iterations=1000)
    signer = {"of a key": f"key={user.cra.key!r}", "of another secret": "'s3cre'"}.get(
        kind, "'s3cret'"
    )
    users = Users([user, User.of_secret("ann", "board", "hers")])
    with wamplite.Router(authmethods=methods(users)) as router:
        port = router.listen("tcp://127.0.0.1:0").rpartition(":")[2]
        program = BOARD.format(signer=signer, port=port)
        with (
            running(*python, "-c", program) as board,
            wamplite.connect(f"rs://127.0.0.1:{port}", auth=WampCra("ann", "hers")) as session,
        ):
            if kind == "of another secret":
                assert "authentication" in board.line()
            else:
                await_procedure(session, "com.example.add", 1, 2)
                assert session.call("com.example.add", 2, 3) == 5


def test_what_a_user_of_the_command_line_has_is_not_too_much() -> None:
    assert uwamp_cra.Signer.most >= User.of_password("joe", "", "s3cret").cra.iterations
