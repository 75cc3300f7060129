"""A wrong secret and an unknown name are the same work: counted, and timed by a tool."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from typing import Any

import pytest

from tests.auth.dialogues import PASSWORD, PUBKEY, QUICK, Talk
from tests.processes import ROOT
from wamplite.auth import User, Users
from wamplite.auth.ed25519 import InPython
from wamplite.core import ids
from wamplite.core.messages import Abort, Challenge

STRANGER = InPython().pubkey(bytes(32)).hex()
PASSWORDS = User.of_password("joe", "a", PASSWORD, iterations=QUICK)
JOE = User("joe", "a", PASSWORDS.scram, PASSWORDS.cra, frozenset([PUBKEY]))
HEAVY = {"pbkdf2_hmac", "hmac_digest", "digest", "verify", "compare_digest", "openssl_sha256"}

DRAWING = ("getrandbits", "urandom", "from_bytes")


def work(method: str, authid: str) -> tuple[Counter[str], Abort]:
    """Every function that the router calls from HELLO to ABORT, how often, and the ABORT."""
    users, calls = Users([JOE]), Counter[str]()

    def called(frame: Any, event: str, argument: Any) -> None:
        if event == "c_call":
            calls[argument.__name__] += 1
        elif event == "call":
            calls[frame.f_code.co_name] += 1

    nonce = b64encode(bytes(16)).decode()
    pubkey = PUBKEY if authid == "joe" else STRANGER
    ids.begin_anew()
    ids.new_session()  # asks the system for many: now, not while calls are counted
    gc.disable()  # whose callbacks would be
    sys.setprofile(called)
    try:
        talk = Talk(method, authid, users, nonce=nonce, pubkey=pubkey)
        assert isinstance(talk.answer, Challenge)
        signature = b64encode(bytes(32)).decode()
        if method == "cryptosign":
            signature = "00" * 64 + talk.answer.extra["challenge"]
        answer = talk.say(signature, nonce=talk.answer.extra.get("nonce"))
    finally:
        sys.setprofile(None)
        gc.enable()
    assert isinstance(answer, Abort)
    return calls, answer


@pytest.mark.parametrize("method", ["ticket", "wampcra", "wamp-scram", "scram", "cryptosign"])
def test_an_unknown_name_is_the_same_work_and_gets_the_same_answer(method: str) -> None:
    work(method, "joe")  # imports what it needs
    (wrong, denied), (unknown, refused) = work(method, "joe"), work(method, "ann")
    assert denied == refused
    heavy = {name: wrong[name] for name in HEAVY if wrong[name]}
    assert heavy == {name: unknown[name] for name in HEAVY if unknown[name]} != {}
    for name in DRAWING:  # a session id is drawn until it is small enough
        del wrong[name], unknown[name]
    assert 0.97 < unknown.total() / wrong.total() < 1.03, unknown - wrong


def test_the_tool_runs_to_its_end() -> None:
    words = [sys.executable, str(ROOT / "tools" / "login_times.py"), "--rounds", "2"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=50, check=False)
    rows = [line.split()[0] for line in done.stdout.splitlines()]
    assert rows == ["method", "ticket", "wampcra", "wamp-scram", "scram", "cryptosign"], done.stderr


def test_whoever_is_unknown_looks_like_one_of_the_users_by_all_methods_together() -> None:
    users = Users(
        [
            User.of_password("joe", "sensor", PASSWORD, iterations=QUICK),
            User.of_password("ann", "admin", PASSWORD, iterations=QUICK + 1),
            User.of_secret("old", "legacy", PASSWORD),
        ]
    )
    there, found = ({shown(users, name) for name in names} for names in (REAL, MADE_UP))
    assert found == there
    assert len(there) == len(REAL)


REAL = ("joe", "ann", "old")
MADE_UP = [f"nobody{number}" for number in range(60)]


def shown(users: Users, authid: str) -> tuple[Any, ...]:
    """Return what a name's challenges tell of how its password is kept, and of its role."""
    nonce = b64encode(bytes(16)).decode()
    cra = Talk("wampcra", authid, users).answer
    scram = Talk("scram", authid, users, nonce=nonce).answer
    assert isinstance(cra, Challenge) and isinstance(scram, Challenge)
    role = json.loads(cra.extra["challenge"])["authrole"]
    salts = {cra.extra.get("salt"), scram.extra["salt"]}
    return role, cra.extra.get("iterations"), scram.extra["iterations"], len(salts)
