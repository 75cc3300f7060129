"""pairing: a device is let in by its ticket once it has shown a key that can prove something."""

from __future__ import annotations

from typing import Any

import pytest

from tests.auth.dialogues import DENIED, PUBKEY
from wamplite.auth import User, pairing
from wamplite.core.handshake import Accepted, Acceptor
from wamplite.core.messages import Abort, Authenticate, Challenge, Hello

ENROLLED: list[tuple[Any, ...]] = []


def enroll(authid: str, ticket: str, pubkey: str) -> User | None:
    ENROLLED.append((authid, ticket, pubkey))
    return User.of_pubkeys(authid, "sensor", pubkey) if ticket == "4711" else None


def begun(**details: Any) -> tuple[Acceptor, Any]:
    """Say HELLO; return the router's side with its answer."""
    ENROLLED.clear()
    acceptor = Acceptor({"realm1": object()}, {"pairing": pairing.for_router(enroll)})
    given = {"roles": {"caller": {}}, "authmethods": ["pairing"], "authid": "kitchen", **details}
    return acceptor, acceptor.on_message(Hello("realm1", given))


@pytest.mark.parametrize(("ticket", "kind"), [("4711", Accepted), ("4712", Abort)])
def test_a_device_is_enrolled_with_its_key_by_its_ticket(ticket: str, kind: type) -> None:
    acceptor, challenge = begun(authextra={"pubkey": PUBKEY})
    assert isinstance(challenge, Challenge) and challenge.authmethod == "pairing"
    answer = acceptor.on_message(Authenticate(ticket, {}))
    assert [("kitchen", ticket, PUBKEY)] == ENROLLED
    assert isinstance(answer, kind)
    if isinstance(answer, Abort):
        assert answer.reason == DENIED


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"authextra": {}},
        {"authextra": {"pubkey": 5}},
        {"authextra": {"pubkey": PUBKEY[2:]}},
        {"authextra": {"pubkey": "zz" * 32}},
        {"authextra": {"pubkey": "00" * 32}},
    ],
)
def test_without_a_key_that_proves_something_nobody_is_asked_for_a_ticket(
    details: dict[str, Any],
) -> None:
    _, answer = begun(**details)
    assert isinstance(answer, Abort)
    assert answer.reason == "wamp.error.authentication_required"
    assert "pubkey is an Ed25519 key: 64 hexadecimal digits" in answer.details["message"]
    assert not ENROLLED
