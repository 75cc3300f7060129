"""SCRAM-SHA-256: both sides prove that they know the password (RFC "Salted Challenge Response").

    wamp-scram   as the text has it, and RFC 5802: c= with the GS2 header, nonces joined as texts,
                 `verifier`, kdf argon2id13
    scram        as Autobahn and Crossbar have it: c= empty, nonces joined as octets,
                 `scram_server_signature`, kdf argon2id-13

A client offers both under one nonce, scram first: Crossbar refuses whoever offers a method before
it that it does not know. Only wamp-scram knows channel binding. Parameters are what the router
keeps with the user's keys, and no peer can lower them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from functools import partial
from typing import Any

from ..core import uris
from ..core.errors import AuthenticationFailed
from ..core.feature import Refused
from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from .binding import binding_data
from .keys import (
    ARGON2,
    AUTOBAHNS,
    LEAST_ITERATIONS,
    LEAST_WORK,
    MOST_ITERATIONS,
    MOST_MEMORY,
    MOST_WORK,
    PBKDF2,
    ScramKeys,
    drawn,
    mac,
    salted_password,
    xor,
)
from .saslprep import saslprep
from .users import Claim, User, Users, claim_of, denied, failed

TEXT, DEPLOYED = "wamp-scram", "scram"
KDFS_OF = {TEXT: (PBKDF2, ARGON2), DEPLOYED: (PBKDF2, AUTOBAHNS)}
PROOF = {TEXT: "verifier", DEPLOYED: "scram_server_signature"}  # where WELCOME has the router's own
UNBOUND = b"n,,"  # the GS2 header without channel binding


class Scram:
    """The client's side. channel_binding: a type of the connection's, see transports.tls."""

    def __init__(self, authid: str, password: str, *, channel_binding: str | None = None) -> None:
        self.authid = authid
        self._password = password
        self._binding = channel_binding

    def __repr__(self) -> str:
        return f"Scram({self.authid!r}, ...)"

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how both are begun, under one nonce; see client.terms.Auth."""
        nonce = drawn()
        if self._binding is None:
            return {name: partial(self._prove, name, nonce, b"") for name in (DEPLOYED, TEXT)}
        try:
            data = binding_data(tls, self._binding)
        except ValueError as error:
            raise failed("scram", str(error)) from None
        return {TEXT: partial(self._prove, TEXT, nonce, data)}

    def _prove(self, name: str, nonce: str, data: bytes) -> ClientDialogue:
        kind = self._binding
        challenge = yield {"authextra": {"nonce": nonce, "channel_binding": kind}}
        extra = _checked(challenge.extra, nonce, name)
        salted = self._salted(extra)
        message = auth_message(name, self.authid, nonce, extra, gs2(kind, data))
        client = mac(salted, b"Client Key")
        sent = xor(client, mac(hashlib.sha256(client).digest(), message))
        bound = b64encode(data).decode() if kind else None
        more = {"nonce": extra["nonce"], "channel_binding": kind, "cbind_data": bound}
        welcome = yield Authenticate(b64encode(sent).decode(), more)
        _check_router(welcome, name, mac(mac(salted, b"Server Key"), message))

    def _salted(self, extra: dict[str, Any]) -> bytes:
        try:
            prepared = saslprep(self._password)
        except ValueError as error:
            raise failed("scram", f"of the password {error}") from None
        kdf, salt, iterations = (extra[key] for key in ("kdf", "salt", "iterations"))
        return salted_password(prepared, kdf, salt, iterations, extra.get("memory") or 0)


def gs2(kind: str | None, data: bytes) -> bytes:
    """Return what binds to the channel: the GS2 header, and the data (RFC 5802, section 7)."""
    return f"p={kind},,".encode() + data if kind else UNBOUND


def auth_message(
    name: str, authid: str, nonce: str, extra: dict[str, Any], bound: bytes = UNBOUND
) -> bytes:
    """Return what both sides sign: all that was said, and the binding to the channel."""
    try:
        user = saslprep(authid)
    except ValueError as error:
        raise failed("scram", f"of the authid {error}") from None
    user = user.replace("=", "=3D").replace(",", "=2C")
    both, salt, iterations = extra["nonce"], extra["salt"], extra["iterations"]
    binding = b64encode(bound).decode() if name == TEXT else ""
    first = f"n={user},r={nonce},r={both},s={salt},i={iterations}"
    return f"{first},c={binding},r={both}".encode()


def _checked(extra: dict[str, Any], nonce: str, name: str) -> dict[str, Any]:
    """Return a CHALLENGE's extra; AuthenticationFailed where it must not be answered."""
    both, salt = extra.get("nonce"), extra.get("salt")
    if not isinstance(both, str) or not isinstance(salt, str):
        raise failed("scram", "CHALLENGE needs a nonce and a salt")
    _octets(salt)
    _check_work(extra, name)
    ours = both.startswith(nonce) if name == TEXT else _octets(both).startswith(_octets(nonce))
    if not ours or both == nonce:
        raise failed("scram", "the router's nonce does not begin with ours")
    return extra


def _check_work(extra: dict[str, Any], name: str) -> None:
    """Refuse what would make a password easy to guess, or keep us for long."""
    kdf, iterations, memory = (extra.get(key) for key in ("kdf", "iterations", "memory"))
    if kdf not in KDFS_OF[name]:
        there = " and ".join(KDFS_OF[name])
        raise failed("scram", f"the router asks for {kdf!r}; {there} are there")
    if type(iterations) is not int:
        raise failed("scram", f"iterations must be a number, not {iterations!r}")
    if kdf == PBKDF2:
        if not LEAST_ITERATIONS <= iterations <= MOST_ITERATIONS:
            bounds = f"{LEAST_ITERATIONS} to {MOST_ITERATIONS} will do"
            raise failed("scram", f"{iterations} iterations; {bounds}")
    elif type(memory) is not int or not (
        8 <= memory <= MOST_MEMORY and LEAST_WORK <= iterations * memory <= MOST_WORK
    ):
        bounds = f"{LEAST_WORK} to {MOST_WORK} together will do"
        raise failed("scram", f"{iterations} iterations of {memory!r} KiB; {bounds}")


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
    """Return the router's side.

    Where the keys are derived as the other name has it, that has its turn: for whoever is unknown,
    too, who is like one of the users.
    """

    def ask(hello: Hello, joining: Joining) -> Dialogue | None:
        claim = claim_of(hello, joining, name)
        user = users.asked(claim, "scram")
        assert user.scram is not None
        return _prove(claim, user, user.scram) if user.scram.kdf in KDFS_OF[name] else None

    def _prove(claim: Claim, user: User, keys: ScramKeys) -> Dialogue:
        given = claim.hello.details.get("authextra") or {}
        nonce, kind, data = _said(given, name, claim.joining.tls)
        extra = {
            "nonce": _both(nonce, name),
            "salt": keys.salt,
            "iterations": keys.iterations,
            "kdf": keys.kdf,
            "memory": keys.memory or None,
        }
        if name == DEPLOYED and not keys.memory:
            del extra["memory"]  # Autobahn takes it for a number
        answer = yield Challenge(name, extra)
        try:
            message = auth_message(name, claim.authid, nonce, extra, gs2(kind, data))
        except AuthenticationFailed:
            raise denied() from None
        proven = _proves(answer.signature, keys.stored, message)
        repeated = name == DEPLOYED or _repeats(answer.extra, extra["nonce"], kind, data)
        if not (proven and repeated and user.is_known):
            raise denied()
        proof = {PROOF[name]: b64encode(mac(keys.server, message)).decode()}
        return user.identity(name)._replace(authextra={**(user.extra or {}), **proof})

    return ask


def _said(given: dict[str, Any], name: str, tls: Any) -> tuple[str, str | None, bytes]:
    """Return the nonce of HELLO, and the type and the data of its channel binding."""
    nonce, kind = given.get("nonce"), given.get("channel_binding")
    if not isinstance(nonce, str) or not 8 <= len(nonce) <= 256:
        raise Refused(uris.AUTHENTICATION_FAILED, "HELLO.Details.authextra.nonce is needed")
    if kind is None:
        return nonce, None, b""
    if name == DEPLOYED:
        raise Refused(uris.AUTHENTICATION_FAILED, f"channel_binding needs {TEXT}")
    try:
        return nonce, str(kind), binding_data(tls, kind)
    except ValueError as error:
        raise Refused(uris.AUTHENTICATION_FAILED, str(error)) from None


def _repeats(said: dict[str, Any], nonce: object, kind: str | None, data: bytes) -> bool:
    """Tell whether AUTHENTICATE goes on with what was said, over this very channel."""
    bound = b64encode(data).decode() if kind else None
    wanted = {"nonce": nonce, "channel_binding": kind, "cbind_data": bound}
    return all(said.get(key) == value for key, value in wanted.items())


def _both(nonce: str, name: str) -> str:
    if name == TEXT:
        return nonce + drawn()
    try:
        return b64encode(b64decode(nonce, validate=True) + os.urandom(16)).decode()
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
