"""Other people's clients say who they are to our router, and ours to other people's routers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite
from tests.interop.foreign import Foreign
from tests.interop.peers import PROGRAMS, ROUTERS, place
from wamplite.auth import CryptoSign, Ticket, User, Users, WampCra, methods

SECONDS = 40
SEED = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510"
PUBKEY = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d"
SECRETS = {"joe": "s3cret", "old": "0ld", "key": SEED}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    users = [
        User.of_password("joe", "sensor", SECRETS["joe"]),
        User.of_secret("old", "sensor", SECRETS["old"]),
        User.of_pubkeys("key", "sensor", PUBKEY),
    ]
    with wamplite.Router(authmethods=methods(Users(users))) as router:
        yield router.listen("ws://127.0.0.1:0/ws")


def autobahn(method: str, authid: str, secret: str, url: str) -> Any:
    script = str(PROGRAMS / "python" / "login_autobahn.py")
    words = [str(place("autobahn") / "venv/bin/python"), "-B", script, method, authid, secret]
    done = subprocess.run(
        [*words, "realm1", url], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("method", "authid"),
    [("ticket", "joe"), ("wampcra", "joe"), ("wampcra", "old"), ("cryptosign", "key"),
     ("ticket", "old")],
)  # fmt: skip
def test_autobahn_is_let_in_where_it_proves_who_it_is(method: str, authid: str, url: str) -> None:
    """Its scram is broken without argon2: it hands PBKDF2 a text for the salt."""
    told = autobahn(method, authid, SECRETS[authid], url)
    assert told == {"authid": authid, "authrole": "sensor", "authmethod": method}
    wrong = SEED[::-1] if method == "cryptosign" else "wrong"
    refused = autobahn(method, authid, wrong, url)
    assert refused == {"refused": "wamp.error.authentication_denied"}


WAYS = {
    "ticket": lambda secret: Ticket("joe", secret),
    "wampcra": lambda secret: WampCra("old", secret),
    "wampcra, salted": lambda secret: WampCra("joe", secret),
    "cryptosign": lambda secret: CryptoSign("key", SEED if secret == "s3cret" else SEED[::-1]),
}


@pytest.mark.timeout(150)  # Crossbar may start slowly
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["crossbar", "nxt"])
def test_another_router_lets_us_in(
    name: str, way: str, foreign_routers: dict[str, Foreign]
) -> None:
    place(ROUTERS[name].peer)
    url = foreign_routers[name].url("ws")
    with wamplite.connect(url, auth=WAYS[way]("s3cret")) as session:
        assert session.authmethod == way.partition(",")[0]
    with pytest.raises(wamplite.WampliteError):
        wamplite.connect(url, auth=WAYS[way]("wrong"))
