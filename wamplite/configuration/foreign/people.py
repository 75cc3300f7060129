"""Users of foreign files, as ours: passwords are derived, what is derived already is kept."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from ...auth.keys import CraKey, ScramKeys
from ...auth.users import User
from ...core.errors import UsageError
from .tree import Tree


def plain_user(authid: str, role: str, told: Tree) -> User:
    """Return who has nothing that we could check."""
    raise UsageError("nothing that proves it is known here")


def ticket(authid: str, role: str, told: Tree) -> User:
    """Return a user of a ticket, which is a password."""
    return User.of_password(authid, role, _needed(told, "ticket"))


def wampcra(authid: str, role: str, told: Tree) -> User:
    """Return a user of a secret, or of what was derived of it, which is kept as it is."""
    secret, salt = _needed(told, "secret"), told.take("salt", "", str)
    iterations, length = told.take("iterations", 1000, int), told.take("keylen", 32, int)
    if not salt:
        return User.of_password(authid, role, secret)
    if length != 32:
        raise UsageError(f"keylen must be 32, not {length}")
    return User(authid, role, cra=CraKey(secret.encode(), salt, iterations))


def scram(authid: str, role: str, told: Tree) -> User:
    """Return a user by what was derived for SCRAM."""
    kdf = told.take("kdf", "pbkdf2", str)
    keys = [bytes.fromhex(_needed(told, name)) for name in ("stored-key", "server-key")]
    salt = b64encode(bytes.fromhex(_needed(told, "salt"))).decode()
    iterations, memory = told.take("iterations", 4096, int), told.take("memory", 0, int)
    return User(authid, role, ScramKeys(salt, iterations, keys[0], keys[1], kdf, memory))


def cryptosign(authid: str, role: str, told: Tree) -> User:
    """Return a user of public keys."""
    keys = told.take("authorized_keys", [], list)
    return User.of_pubkeys(authid, role, *map(str, keys))


def tls(authid: str, role: str, told: Tree) -> User:
    """Return a user of a certificate, by its fingerprint."""
    print_ = told.take("certificate-sha256", "", str) or told.take("certificate-sha1", "", str)
    text = print_.replace(":", "").lower()
    if len(text) != 64:
        raise UsageError("a certificate is known by its SHA-256 here")
    return User.of_certificates(authid, role, f"sha256:{text}")


def _needed(told: Tree, name: str) -> str:
    value = told.take(name, "", str)
    if not value:
        raise UsageError(f"{name} is missing")
    return str(value)


PRINCIPALS: dict[str, Callable[[str, str, Tree], User]] = {
    "ticket": ticket,
    "wampcra": wampcra,
    "scram": scram,
    "cryptosign": cryptosign,
    "tls": tls,
}
