"""Whatever HELLO and AUTHENTICATE hold: who proves nothing is sent away, and nothing breaks."""

from __future__ import annotations

from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.auth.dialogues import PUBKEY, USERS
from wamplite.auth import Cookies, methods
from wamplite.core.handshake import Acceptor
from wamplite.core.messages import Abort, Authenticate, Challenge, Hello

WAYS = methods(USERS, cookies=Cookies())
NONCE = b64encode(bytes(16)).decode()
WORDS = ["", NONCE, PUBKEY, "tls-unique", "tls-exporter", "00" * 96, b64encode(bytes(32)).decode()]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=80) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
KEYS = ["nonce", "channel_binding", "cbind_data", "pubkey", "challenge", "more"]
EXTRA = st.dictionaries(st.sampled_from(KEYS), VALUES)
FACTS = [
    None,
    SimpleNamespace(version="TLSv1.2", certificate=None, subject={}, bindings={}),
    SimpleNamespace(
        version="TLSv1.2",
        certificate=b"x",
        subject={"subject": ((("commonName", "nobody"),),)},
        bindings={"tls-unique": b"x" * 12, "tls-exporter": b"y" * 32},
    ),
]


@pytest.mark.long
@pytest.mark.parametrize("method", WAYS)
@settings(max_examples=40, deadline=None)
@given(
    authid=st.sampled_from([None, "", "joe", "old", "key", "nobody"]) | st.text(max_size=20),
    hello=st.none() | EXTRA,
    signature=st.sampled_from(WORDS) | st.text(max_size=200),
    extra=EXTRA,
    tls=st.sampled_from(FACTS),
)
def test_who_proves_nothing_is_asked_or_sent_away(
    method: str, authid: str | None, hello: Any, signature: str, extra: Any, tls: Any
) -> None:
    acceptor = Acceptor({"realm1": object()}, WAYS, tls=tls)
    details = {"roles": {"caller": {}}, "authmethods": [method], "authid": authid}
    answer = acceptor.on_message(Hello("realm1", details | {"authextra": hello}))
    if isinstance(answer, Challenge):
        answer = acceptor.on_message(Authenticate(signature, extra))
    assert isinstance(answer, Abort)
    assert answer.reason.startswith(("wamp.error.authentication_", "wamp.error.no_matching_"))
