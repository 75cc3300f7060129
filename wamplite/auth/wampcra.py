"""wampcra: a challenge is signed with the secret, or with a key made of it (RFC "Challenge Response
Authentication").

The key of a salted secret is the base64 text of what PBKDF2 makes of it, as with Autobahn and
Crossbar; the text does not say it.
"""

from __future__ import annotations

import hmac
import json
import os
import time
from base64 import b64encode
from typing import Any

from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from ..core.meta import iso
from .keys import KEY, MOST_ITERATIONS, cra_key, mac
from .users import Users, claim_of, denied, failed


class WampCra:
    """The client's side."""

    def __init__(self, authid: str, secret: str) -> None:
        self.authid = authid
        self._secret = secret

    def __repr__(self) -> str:
        return f"WampCra({self.authid!r}, ...)"

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how it is begun; see client.terms.Auth."""
        return {"wampcra": self._prove}

    def _prove(self) -> ClientDialogue:
        challenge = yield {}
        extra = challenge.extra
        if not isinstance(extra.get("challenge"), str):
            raise failed("wampcra", "a CHALLENGE without a text to sign")
        yield Authenticate(signature(self._key(extra), extra["challenge"]), {})

    def _key(self, extra: dict[str, object]) -> bytes:
        salt = extra.get("salt")
        if not salt:
            return self._secret.encode()
        iterations, length = extra.get("iterations", 1000), extra.get("keylen", KEY)
        if not (type(iterations) is type(length) is int and isinstance(salt, str)):
            raise failed("wampcra", "a salted CHALLENGE needs salt, iterations and keylen")
        if not 0 < iterations <= MOST_ITERATIONS or not 16 <= length <= 1024:
            text = f"a CHALLENGE with {iterations} iterations and a key of {length} octets"
            raise failed("wampcra", text)
        return cra_key(self._secret, salt, iterations, length)


def signature(key: bytes, challenge: str) -> str:
    """Return what answers a challenge."""
    return b64encode(mac(key, challenge.encode())).decode()


def for_router(users: Users, name: str) -> AuthMethod:
    """Return the router's side."""

    def ask(hello: Hello, joining: Joining) -> Dialogue:
        user = users.asked(claim_of(hello, joining, name), "cra")
        cra = user.cra
        assert cra is not None
        text = json.dumps(
            {
                "authid": user.authid,
                "authrole": user.role,
                "authmethod": name,
                "authprovider": user.provider,
                "nonce": os.urandom(16).hex(),
                "timestamp": iso(time.time()),
                "session": joining.session,
            }
        )
        salted = {"salt": cra.salt, "keylen": KEY, "iterations": cra.iterations} if cra.salt else {}
        answer = yield Challenge(name, {"challenge": text, **salted})
        expected = signature(cra.key, text).encode()
        if not hmac.compare_digest(expected, answer.signature.encode()) or not user.is_known:
            raise denied()
        return user.identity(name)

    return ask
