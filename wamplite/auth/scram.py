"""SCRAM-SHA-256: both sides prove that they know the password (RFC "Salted Challenge Response").

    wamp-scram   as the text has it, and RFC 5802: c=biws, nonces joined as texts, `verifier`
    scram        as Autobahn and Crossbar have it: c= empty, nonces joined as octets,
                 `scram_server_signature`

Without channel binding. A client offers both under one nonce.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from base64 import b64decode, b64encode
from typing import Any

from ..core import uris
from ..core.errors import AuthenticationFailed
from ..core.feature import Refused
from ..core.handshake import AuthMethod, ClientDialogue, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from .keys import LEAST_ITERATIONS, MOST_ITERATIONS, drawn, mac, prepared, stretched
from .users import Users, denied, failed

TEXT, DEPLOYED = "wamp-scram", "scram"
BINDING = {TEXT: "biws", DEPLOYED: ""}  # base64 of the header "n,,": no channel binding
PROOF = {TEXT: "verifier", DEPLOYED: "scram_server_signature"}  # where WELCOME has the router's own


class Scram:
    """The client's side."""

    names = (TEXT, DEPLOYED)

    def __init__(self, authid: str, password: str) -> None:
        self.authid = authid
        self._password = password
        self._drawn = threading.local()  # the nonce of the session that joins in this thread

    def __repr__(self) -> str:
        return f"Scram({self.authid!r}, ...)"

    def begin(self, name: str) -> ClientDialogue:
        """Begin a dialogue; see core.handshake. The first of the two draws the nonce of both."""
        if name == self.names[0]:
            self._drawn.nonce = drawn()
        nonce = self._drawn.nonce
        challenge = yield {"authextra": {"nonce": nonce, "channel_binding": None}}
        extra = _checked(challenge.extra, nonce, name)
        salted = stretched(prepared(self._password), b64decode(extra["salt"]), extra["iterations"])
        message = auth_message(name, self.authid, nonce, extra)
        client = mac(salted, b"Client Key")
        sent = xor(client, mac(hashlib.sha256(client).digest(), message))
        more = {"nonce": extra["nonce"], "channel_binding": None, "cbind_data": None}
        welcome = yield Authenticate(b64encode(sent).decode(), more)
        _check_router(welcome, name, mac(mac(salted, b"Server Key"), message))


def auth_message(name: str, authid: str, nonce: str, extra: dict[str, Any]) -> bytes:
    """Return what both sides sign: all that was said, and the binding to the channel."""
    user = authid.replace("=", "=3D").replace(",", "=2C")
    both, salt, iterations = extra["nonce"], extra["salt"], extra["iterations"]
    first = f"n={user},r={nonce},r={both},s={salt},i={iterations}"
    return f"{first},c={BINDING[name]},r={both}".encode()


def xor(one: bytes, other: bytes) -> bytes:
    """Return the bits in which two keys differ."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _checked(extra: dict[str, Any], nonce: str, name: str) -> dict[str, Any]:
    """Return a CHALLENGE's extra; AuthenticationFailed where it must not be answered."""
    kdf, iterations, both = extra.get("kdf"), extra.get("iterations"), extra.get("nonce")
    if kdf != "pbkdf2":
        raise failed("scram", f"the router asks for {kdf!r}; pbkdf2 is there")
    if type(iterations) is not int or not LEAST_ITERATIONS <= iterations <= MOST_ITERATIONS:
        raise failed("scram", f"{iterations} iterations; {LEAST_ITERATIONS} are the least")
    if not isinstance(both, str) or not isinstance(extra.get("salt"), str):
        raise failed("scram", "CHALLENGE needs a nonce and a salt")
    ours = both.startswith(nonce) if name == TEXT else _octets(both).startswith(_octets(nonce))
    if not ours or both == nonce:
        raise failed("scram", "the router's nonce does not begin with ours")
    return extra


def _check_router(welcome: Any, name: str, expected: bytes) -> None:
    """Refuse a router that does not know the password either."""
    extra = welcome.details.get("authextra") or {}
    told = extra.get(PROOF[name]) or extra.get(PROOF[TEXT]) or ""
    try:
        found = _octets(str(told).removeprefix("v="))
    except AuthenticationFailed:
        found = b""
    if not hmac.compare_digest(found, expected):
        raise failed("scram", "the router did not prove that it knows the password")


def _octets(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise failed("scram", f"not base64: {text[:80]!r}") from None


def for_router(users: Users, name: str) -> AuthMethod:
    """Return the router's side."""

    def ask(hello: Hello, joining: Joining) -> Dialogue:
        user = users.asked(hello, "scram")
        keys = user.scram
        assert keys is not None
        nonce = (hello.details.get("authextra") or {}).get("nonce")
        if not isinstance(nonce, str) or not 8 <= len(nonce) <= 256:
            raise Refused(uris.AUTHENTICATION_FAILED, "HELLO.Details.authextra.nonce is needed")
        extra = {
            "nonce": _both(nonce, name),
            "salt": keys.salt,
            "iterations": keys.iterations,
            "kdf": "pbkdf2",
            "memory": None,
        }
        if name == DEPLOYED:
            del extra["memory"]  # Autobahn takes it for a number
        answer = yield Challenge(name, extra)
        message = auth_message(name, user.authid, nonce, extra)
        if not _proves(answer.signature, keys.stored, message) or not user.is_known:
            raise denied()
        proof = b64encode(mac(keys.server, message)).decode()
        return user.identity(name)._replace(authextra={PROOF[name]: proof})

    return ask


def _both(nonce: str, name: str) -> str:
    if name == TEXT:
        return nonce + drawn()
    try:
        return b64encode(b64decode(nonce, validate=True) + b64decode(drawn())).decode()
    except ValueError:
        raise Refused(uris.AUTHENTICATION_FAILED, "the nonce must be base64") from None


def _proves(signature: str, stored: bytes, message: bytes) -> bool:
    try:
        sent = b64decode(signature, validate=True)
    except ValueError:
        return False
    if len(sent) != len(stored):
        return False
    client = xor(sent, mac(stored, message))
    return hmac.compare_digest(hashlib.sha256(client).digest(), stored)
