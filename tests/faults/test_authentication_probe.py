"""The probe's principals and roles, in a router made in Python: who gets in, and may do what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults import probe
from wamplite import Router
from wamplite.auth import Authorization, Permission, Role, Roles, User, Users, methods
from wamplite.auth.keys import CraKey, cra_key, scram_keys


def principal(told: dict[str, Any]) -> User:
    """Make a user as the probe describes it."""
    who, method = (told["authid"], told["authrole"]), told["authmethod"]
    if method == "ticket":
        return User.of_password(*who, told["ticket"])
    if method == "cryptosign":
        return User.of_pubkeys(*who, told["pubkey"])
    if method == "scram":
        return User(*who, scram_keys(told["password"], told["salt"], told["iterations"]))
    if "salt" not in told:
        return User.of_secret(*who, told["secret"])
    key = cra_key(told["secret"], told["salt"], told["iterations"], told["keylen"])
    return User(*who, cra=CraKey(key, told["salt"], told["iterations"]))


@pytest.fixture(scope="module")
def port(shared: Path) -> Iterator[str]:
    told = json.loads(probe.users(shared))
    roles = Roles(
        Role(name, tuple(Permission(one["uri"], one["match"], one["allow"]) for one in granted))
        for name, granted in told["roles"].items()
    )
    users = Users(map(principal, told["principals"]))
    with Router(
        ["realm1"],
        features=["all", partial(Authorization, roles)],
        authmethods=methods(users),
        strict=True,
        longpoll=True,
        login_delay=0,  # the probe logs in wrongly, and is not to wait for it
    ) as router:
        yield router.listen("tcp://127.0.0.1:0").rpartition(":")[2]


@pytest.mark.sampled
@pytest.mark.timeout(150)
@probe.EITHER_WAY
def test_no_check_of_authentication_and_authorization_fails(
    shared: Path, port: str, primary: str, serializer: str
) -> None:
    more = ["--auth-realm", "realm1", "--only", "au_*,az_*"]
    tally = probe.ask(shared, port, primary, serializer, *more)
    assert (tally.failed, tally.skipped) == (0, 0), tally.wrong
    assert tally.passed >= 14, tally.lines
