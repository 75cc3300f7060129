"""Other people's clients say who they are to our router, and ours to other people's routers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import wamplite
from tests.interop.foreign import Foreign, free_ports
from tests.interop.peers import ROUTERS, Words, node, place, python
from wamplite.auth import CryptoSign, Scram, Ticket, User, Users, WampCra, methods
from wamplite.auth.keys import AUTOBAHNS

SECONDS = 40
SEED = "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510"
PUBKEY = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d"
SECRETS = {"joe": "s3cret", "old": "0ld", "key": SEED, "ann": "s3cret"}
DENIED = "authentication_denied|no such user, or a wrong secret"  # nexus tells no URI


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    users = [
        User.of_password("joe", "sensor", SECRETS["joe"]),
        User.of_secret("old", "sensor", SECRETS["old"]),
        User.of_pubkeys("key", "sensor", PUBKEY),
        User.of_password("ann", "sensor", SECRETS["ann"], kdf=AUTOBAHNS),
    ]
    with wamplite.Router(authmethods=methods(Users(users)), login_delay=0) as router:
        yield router.listen("ws://127.0.0.1:0/ws")


class Login(NamedTuple):
    """Somebody's client: the program, and as whom it knows to log in by each method."""

    command: Callable[[Path], Words]
    ways: tuple[tuple[str, str], ...]


def compiled(home: Path) -> Words:
    return [str(home / "bin/client"), "login"]


COMMON = (("ticket", "joe"), ("ticket", "old"), ("wampcra", "joe"), ("wampcra", "old"),
          ("cryptosign", "key"))  # fmt: skip
LOGINS = {
    # Without argon2 its scram is broken: it hands PBKDF2 a text for the salt.
    "autobahn": Login(python("login_autobahn.py"), (*COMMON, ("scram", "ann"))),
    "autobahn-js": Login(node("login_autobahn.js"), COMMON),
    "xconn": Login(python("login_xconn.py"), COMMON),
    "xconn-go": Login(compiled, COMMON),
    "nexus": Login(compiled, COMMON),
}
TRIALS = [(name, *way) for name, login in LOGINS.items() for way in login.ways]


def tried(name: str, method: str, authid: str, secret: str, url: str) -> Any:
    words = [*LOGINS[name].command(place(name)), method, authid, secret, "realm1", url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("name", "method", "authid"), TRIALS)
def test_another_client_is_let_in_where_it_proves_who_it_is(
    name: str, method: str, authid: str, url: str
) -> None:
    told = tried(name, method, authid, SECRETS[authid], url)
    assert told == {"authid": authid, "authrole": "sensor", "authmethod": method}
    wrong = SEED[::-1] if method == "cryptosign" else "wrong"
    refused = tried(name, method, authid, wrong, url)
    assert re.search(DENIED, refused["refused"]), refused


WAYS: dict[str, Callable[[str], Any]] = {
    "ticket": lambda secret: Ticket("joe", secret),
    "wampcra": lambda secret: WampCra("old", secret),
    "wampcra, salted": lambda secret: WampCra("joe", secret),
    "cryptosign": lambda secret: CryptoSign("key", SEED if secret == "s3cret" else SEED[::-1]),
    "scram": lambda secret: Scram("joe", secret),
    "scram, argon2": lambda secret: Scram("ann", secret),
}
EVERYWHERE = ("ticket", "wampcra", "wampcra, salted", "cryptosign")


@pytest.fixture(scope="module")
def guarding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    """Run a router made of nexus that has users: its own program knows none."""
    ports = free_ports()
    command = [str(place("nexus") / "bin/client"), "guard", str(ports["ws"])]
    router = Foreign(command, ports, tmp_path_factory.mktemp("nexus") / "log")
    try:
        yield router
    finally:
        router.stop()


def check_login(url: str, way: str) -> None:
    with wamplite.connect(url, auth=WAYS[way]("s3cret")) as session:
        assert session.authmethod == way.partition(",")[0]
    with pytest.raises(wamplite.WampliteError):
        wamplite.connect(url, auth=WAYS[way]("wrong"))


@pytest.mark.timeout(200)  # Crossbar may start slowly
@pytest.mark.parametrize(
    ("name", "way"),
    [("nxt", way) for way in EVERYWHERE] + [("crossbar", way) for way in WAYS],
)
def test_another_router_lets_us_in(
    name: str, way: str, foreign_routers: dict[str, Foreign]
) -> None:
    place(ROUTERS[name].peer)
    check_login(foreign_routers[name].url("ws"), way)


@pytest.mark.parametrize("way", EVERYWHERE)
def test_nexus_lets_us_in(way: str, guarding: Foreign) -> None:
    check_login(guarding.url("ws").removesuffix("/ws") + "/", way)
