"""Who may join: users, what is kept of their passwords, and a router's methods for them.

Whoever is unknown is asked as a user is, with a salt that stays the same, for the same work:
neither the answer nor the time tells who there is.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module

from ..core import uris
from ..core.errors import AuthenticationFailed, UsageError
from ..core.feature import Refused
from ..core.handshake import AuthMethod, anonymous_as
from ..core.members import Identity
from ..core.messages import Hello
from .keys import ITERATIONS, CraKey, ScramKeys, cra_key, drawn, from_hex, mac, scram_keys

METHODS = {  # as announced -> module
    "wamp-scram": "scram",
    "scram": "scram",
    "wampcra": "wampcra",
    "cryptosign": "cryptosign",
    "ticket": "ticket",
}
DENIED = "the router does not let you in: no such user, or a wrong secret"


@dataclass(frozen=True)
class User:
    """One user. scram, cra, pubkeys: what proves who it is; public keys are of Ed25519, in hex."""

    authid: str
    role: str
    scram: ScramKeys | None = None
    cra: CraKey | None = None
    pubkeys: frozenset[str] = frozenset()
    is_known: bool = True

    @classmethod
    def of_password(
        cls, authid: str, role: str, password: str, *, iterations: int = ITERATIONS
    ) -> User:
        """Derive a user of a password: for ticket, wampcra (salted) and scram. Takes a moment."""
        salt = drawn()
        cra = CraKey(cra_key(password, salt, iterations), salt, iterations)
        return cls(authid, role, scram_keys(password, salt, iterations), cra)

    @classmethod
    def of_secret(cls, authid: str, role: str, secret: str) -> User:
        """Keep the secret as it is: for clients that know only WAMP-CRA without salt."""
        salt = drawn()
        return cls(authid, role, scram_keys(secret, salt, ITERATIONS), CraKey(secret.encode()))

    @classmethod
    def of_pubkeys(cls, authid: str, role: str, *pubkeys: str) -> User:
        """Take a user that signs with one of these keys."""
        for key in pubkeys:
            if not from_hex(key, 32):
                raise UsageError(f"a public key is 64 hexadecimal digits, not {key!r}")
        return cls(authid, role, pubkeys=frozenset(key.lower() for key in pubkeys))

    def knows(self, password: str) -> bool:
        """Tell whether this is the password; it takes as long where it is not."""
        assert self.scram is not None
        keys = self.scram
        try:
            found = scram_keys(password, keys.salt, keys.iterations)
        except ValueError:
            return False
        return hmac.compare_digest(found.stored, keys.stored) and self.is_known

    def identity(self, authmethod: str) -> Identity:
        """Return who it is, once that was proven."""
        return Identity(self.authid, self.role, authmethod, "static")


class Users:
    """The users of a realm, by authid."""

    def __init__(self, users: Iterable[User] = ()) -> None:
        self._users: dict[str, User] = {}
        self._by_key: dict[str, User] = {}
        self._secret = os.urandom(32)  # of the salts of those that there are not
        for user in users:
            if user.authid in self._users:
                raise UsageError(f"there are two users {user.authid!r}")
            self._users[user.authid] = user
            self._by_key.update(dict.fromkeys(user.pubkeys, user))

    def __iter__(self) -> Iterator[User]:
        return iter(self._users.values())

    def asked(self, hello: Hello, kind: str) -> User:
        """Return whom HELLO names, or somebody who is like a user and can prove nothing.

        kind: what is to prove it, scram or cra; a user without it cannot either.
        """
        authid = hello.details.get("authid")
        if not isinstance(authid, str) or not authid:
            raise Refused(uris.AUTHENTICATION_REQUIRED, "HELLO.Details.authid says who you are")
        user = self._users.get(authid)
        return self._nobody(authid) if user is None or getattr(user, kind) is None else user

    def with_key(self, pubkey: str) -> User | None:
        """Return whose key this is."""
        return self._by_key.get(pubkey)

    def _nobody(self, authid: str) -> User:
        made = mac(self._secret, authid.encode())
        salt = b64encode(made[:16]).decode()
        scram = ScramKeys(salt, ITERATIONS, made, made)
        return User(authid, "", scram, CraKey(made, salt, ITERATIONS), is_known=False)


def methods(
    users: Users, names: Iterable[str] = tuple(METHODS), *, anonymous: str | None = None
) -> dict[str, AuthMethod]:
    """Return a router's methods for these users, for `Router(authmethods=)` and `listen`.

    names: which of them; cryptosign needs the package cryptography, or PyNaCl. anonymous: the role
    of whoever does not say who it is, under a random authid; None: nobody such gets in.
    """
    found: dict[str, AuthMethod] = {}
    for name in names:
        if name not in METHODS:
            raise UsageError(f"there is no authmethod {name!r}; there are: {', '.join(METHODS)}")
        module = import_module(f".{METHODS[name]}", __package__)
        found[name] = module.for_router(users, name)
    if anonymous is not None:
        found["anonymous"] = anonymous_as(anonymous)
    return found


def failed(method: str, text: str) -> AuthenticationFailed:
    """Return why a client goes no further with a method."""
    return AuthenticationFailed(uris.AUTHENTICATION_FAILED, f"{method}: {text}")


def denied() -> Refused:
    """Return the one answer to whoever could not prove who it is."""
    return Refused(uris.AUTHENTICATION_DENIED, DENIED)
