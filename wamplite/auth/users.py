"""Who may join: users, and what is kept of their passwords.

Whoever is unknown is asked as a user is, with a salt that stays the same, for the same work:
neither the answer nor the time tells who there is.
"""

from __future__ import annotations

import hmac
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..core import uris
from ..core.errors import AuthenticationFailed, UsageError
from ..core.feature import Refused
from ..core.handshake import Joining
from ..core.members import Identity
from ..core.messages import Hello
from .ed25519 import is_small
from .keys import (
    ARGON2_ITERATIONS,
    ARGON2_MEMORY,
    ITERATIONS,
    KDFS,
    KEY,
    PBKDF2,
    CraKey,
    ScramKeys,
    cra_key,
    drawn,
    from_hex,
    mac,
    scram_keys,
)
from .saslprep import saslprep

CERTIFICATES = ("sha256", "dns", "email", "uri", "ip", "cn")
DENIED = "the router does not let you in: no such user, or a wrong secret"


class Claim(NamedTuple):
    """What somebody says before it is proven."""

    authid: str  # "": nothing
    method: str
    hello: Hello
    joining: Joining


def claim_of(hello: Hello, joining: Joining, method: str, *, needs_authid: bool = True) -> Claim:
    """Return what HELLO says; Refused where it does not say who."""
    authid = hello.details.get("authid") or ""
    if needs_authid and not authid:
        raise Refused(uris.AUTHENTICATION_REQUIRED, "HELLO.Details.authid says who you are")
    return Claim(authid, method, hello, joining)


class UserSource(Protocol):
    """Who is asked about those that no list has: see auth.dynamic."""

    def user(self, claim: Claim, **known: Any) -> User | None:
        """Return who that is and what proves it, or nobody; Refused where nobody can say."""


@dataclass(frozen=True)
class User:
    """One user. scram, cra, pubkeys, certificates: what proves who it is.

    pubkeys: of Ed25519, in hex. certificates: what the certificate that it shows may be known by,
    like cn:joe, see auth.tls.
    """

    authid: str
    role: str
    scram: ScramKeys | None = None
    cra: CraKey | None = None
    pubkeys: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    is_known: bool = True
    provider: str = "static"
    extra: dict[str, Any] | None = None  # for WELCOME.Details.authextra

    @classmethod
    def of_password(
        cls,
        authid: str,
        role: str,
        password: str,
        *,
        iterations: int = ITERATIONS,
        kdf: str = PBKDF2,
        memory: int = ARGON2_MEMORY,
    ) -> User:
        """Derive a user of a password: for ticket, wampcra (salted) and scram. Takes a moment.

        iterations: of PBKDF2. kdf: argon2id13 for scram and ticket by the package argon2-cffi,
        with `memory` in KiB; argon2id-13 for those who know only the `scram` of Autobahn.
        """
        salt = drawn()
        cra = CraKey(cra_key(password, salt, iterations), salt, iterations)
        return cls(authid, role, _scram_keys(password, salt, iterations, kdf, memory), cra)

    @classmethod
    def of_secret(cls, authid: str, role: str, secret: str) -> User:
        """Keep the secret as it is: for clients that know only WAMP-CRA without salt."""
        scram = _scram_keys(secret, drawn(), ITERATIONS, PBKDF2, 0)
        return cls(authid, role, scram, CraKey(secret.encode()))

    @classmethod
    def of_pubkeys(cls, authid: str, role: str, *pubkeys: str) -> User:
        """Take a user that signs with one of these keys, see key_files.public_keys."""
        for key in pubkeys:
            octets = from_hex(key.lower(), KEY)
            if not octets:
                raise UsageError(f"a public key is 64 hexadecimal digits, not {key!r}")
            if is_small(octets):
                raise UsageError(f"{key} is no public key: anybody can sign for it")
        return cls(authid, role, pubkeys=frozenset(key.lower() for key in pubkeys))

    @classmethod
    def of_certificates(cls, authid: str, role: str, *names: str) -> User:
        """Take a user that shows a certificate which one of these names is of, see auth.tls."""
        for name in names:
            kind, _, value = name.partition(":")
            if kind not in CERTIFICATES or not value:
                kinds = ", ".join(f"{known}:" for known in CERTIFICATES)
                raise UsageError(f"a certificate is known by one of {kinds} not by {name!r}")
            if kind == "sha256" and not from_hex(value, KEY):
                raise UsageError(f"{name}: 64 hexadecimal digits in lower case")
        return cls(authid, role, certificates=frozenset(names))

    def knows(self, password: str) -> bool:
        """Tell whether this is the password; it takes as long where it is not."""
        assert self.scram is not None
        keys = self.scram
        try:
            prepared = saslprep(password)
        except ValueError:
            prepared = ""
        found = scram_keys(prepared, keys.salt, keys.iterations, keys.kdf, keys.memory)
        return hmac.compare_digest(found.stored, keys.stored) and self.is_known

    def identity(self, authmethod: str) -> Identity:
        """Return who it is, once that was proven."""
        return Identity(self.authid, self.role, authmethod, self.provider, self.extra)


def _scram_keys(password: str, salt: str, iterations: int, kdf: str, memory: int) -> ScramKeys:
    if kdf not in KDFS:
        raise UsageError(f"there is no kdf {kdf!r}; there are: {', '.join(KDFS)}")
    try:
        prepared = saslprep(password, stored=True)
    except ValueError as error:
        raise UsageError(f"the password of a user: {error}") from None
    if kdf == PBKDF2:
        return scram_keys(prepared, salt, iterations)
    return scram_keys(prepared, salt, ARGON2_ITERATIONS, kdf, memory)


class Look(NamedTuple):
    """What is told of a user before anything is proven."""

    role: str = ""
    scram: tuple[str, int, int] = (PBKDF2, ITERATIONS, 0)  # kdf, iterations, memory
    cra: int = ITERATIONS  # 0: without salt


class UserTable(NamedTuple):
    """Users by what they say or show, and what whoever is unknown is made to look like."""

    by_authid: dict[str, User]
    by_key: dict[str, User]
    by_certificate: dict[str, User]
    looks: list[Look]  # as there are


class Users:
    """The users of a realm. Threads may ask while another replaces them.

    authenticator: is asked about names, keys and certificates that are nobody's here.
    """

    def __init__(self, users: Iterable[User] = (), authenticator: UserSource | None = None) -> None:
        self._secret = os.urandom(32)  # of the salts of those that there are not
        self._table = _table(users)
        self._authenticator = authenticator

    def replace(self, users: Iterable[User]) -> None:
        """Take these instead, all at once; UsageError, and those before, where they cannot be."""
        self._table = _table(users)

    def __iter__(self) -> Iterator[User]:
        return iter(self._table.by_authid.values())

    def asked(self, claim: Claim, kind: str) -> User:
        """Return who that is, or somebody who is like a user and can prove nothing.

        kind: what is to prove it, scram or cra; a user without it cannot either.
        """
        nobody = self._nobody(claim.authid)  # always: the time must not tell who there is
        user = self._table.by_authid.get(claim.authid)
        if user is None and self._authenticator is not None:
            user = self._authenticator.user(claim)
        return nobody if user is None or getattr(user, kind) is None else user

    def by_name(self, authid: str) -> User | None:
        """Return the user of this name, where a list has it."""
        return self._table.by_authid.get(authid)

    def with_ticket(self, claim: Claim, ticket: str) -> User | None:
        """Return whose ticket this is; it takes as long where it is nobody's."""
        nobody = self._nobody(claim.authid)
        there = self._table.by_authid.get(claim.authid)
        asked = there if there and there.scram else nobody
        if asked.knows(ticket):
            return asked
        if there is not None or self._authenticator is None:
            return None
        return self._authenticator.user(claim, ticket=ticket)

    def with_key(self, claim: Claim, pubkey: str) -> User | None:
        """Return whose key this is."""
        return self._with(self._table.by_key.get(pubkey), claim, pubkey=pubkey)

    def with_certificate(self, claim: Claim, names: list[str]) -> User | None:
        """Return whose certificate this is: by the first of these names that is somebody's."""
        known = self._table.by_certificate
        user = next((known[name] for name in names if name in known), None)
        return self._with(user, claim, certificate=names)

    def _with(self, user: User | None, claim: Claim, **shown: Any) -> User | None:
        """Return a user, unless it says that it is another; ask about whom no list has."""
        if user is not None:
            return user if claim.authid in ("", user.authid) else None
        if claim.authid in self._table.by_authid or self._authenticator is None:
            return None
        return self._authenticator.user(claim, **shown)

    def _nobody(self, authid: str) -> User:
        """Return who is asked as one of the users is, and always as the same one."""
        made = mac(self._secret, authid.encode())
        salt, looks = b64encode(made[:16]).decode(), self._table.looks or [Look()]
        look = looks[int.from_bytes(made[16:20], "big") % len(looks)]
        scram = ScramKeys(salt, look.scram[1], made, made, look.scram[0], look.scram[2])
        cra = CraKey(made, salt if look.cra else "", look.cra)
        return User(authid, look.role, scram, cra, is_known=False)


def _table(users: Iterable[User]) -> UserTable:
    by_authid: dict[str, User] = {}
    by_key: dict[str, User] = {}
    by_certificate: dict[str, User] = {}
    for user in users:
        if user.authid in by_authid:
            raise UsageError(f"there are two users {user.authid!r}")
        by_authid[user.authid] = user
        _put(by_key, user, user.pubkeys, "public key")
        _put(by_certificate, user, user.certificates, "certificate")
    looks = sorted({_look(user) for user in by_authid.values()})
    return UserTable(by_authid, by_key, by_certificate, looks)


def _look(user: User) -> Look:
    """Return what a user looks like: whole, for in other company nobody would be a user."""
    look = Look(user.role)
    if user.scram:
        look = look._replace(scram=(user.scram.kdf, user.scram.iterations, user.scram.memory))
    return look._replace(cra=user.cra.iterations) if user.cra else look


def _put(known: dict[str, User], user: User, names: Iterable[str], what: str) -> None:
    for name in names:
        other = known.setdefault(name, user)
        if other is not user:
            raise UsageError(f"{other.authid!r} and {user.authid!r} have the same {what} {name}")


def failed(method: str, text: str) -> AuthenticationFailed:
    """Return why a client goes no further with a method."""
    return AuthenticationFailed(uris.AUTHENTICATION_FAILED, f"{method}: {text}")


def denied() -> Refused:
    """Return the one answer to whoever could not prove who it is."""
    return Refused(uris.AUTHENTICATION_DENIED, DENIED)
