"""What becomes of a password: keys that prove it and do not tell it; pure."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import NamedTuple

ITERATIONS = 10_000  # of PBKDF2: some 10 ms on a desktop, 80 on a small board
LEAST_ITERATIONS, MOST_ITERATIONS = 4096, 1_000_000  # that a client lets a router ask for
ARGON2_ITERATIONS, ARGON2_MEMORY = 3, 16_384  # times, KiB
LEAST_WORK, MOST_WORK = 1 << 15, 1 << 24  # of argon2: iterations x KiB
MOST_MEMORY = 1 << 18  # KiB
KEY = 32  # octets
PBKDF2, ARGON2, AUTOBAHNS = "pbkdf2", "argon2id13", "argon2id-13"


class ScramKeys(NamedTuple):
    """What a router keeps of a password for SCRAM (RFC 5802): neither of them lets anybody in."""

    salt: str  # base64
    iterations: int
    stored: bytes
    server: bytes
    kdf: str = PBKDF2
    memory: int = 0  # KiB, of argon2


class CraKey(NamedTuple):
    """The key of WAMP-CRA, and how a client makes it of its password; no salt: it is the secret."""

    key: bytes
    salt: str = ""
    iterations: int = 0


def from_hex(text: object, octets: int) -> bytes:
    """Return so many octets of hexadecimal digits in lower case, none where it is anything else.

    One key has one text: nothing that a text is compared with is missed in another spelling.
    """
    if not isinstance(text, str) or len(text) != 2 * octets:
        return b""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    return found if found.hex() == text else b""  # blanks are skipped


def drawn() -> str:
    """Return 16 random octets in base64: a salt, or one side's nonce."""
    return b64encode(os.urandom(16)).decode()


def xor(one: bytes, other: bytes) -> bytes:
    """Return the bits in which two texts of one length differ."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def mac(key: bytes, text: bytes) -> bytes:
    """Return the HMAC-SHA256."""
    return hmac.digest(key, text, "sha256")


def stretched(password: bytes, salt: bytes, iterations: int, length: int = KEY) -> bytes:
    """Return PBKDF2 with SHA-256."""
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations, length)


def _pbkdf2(password: bytes, salt: bytes, iterations: int, memory: int) -> bytes:
    return stretched(password, salt, iterations)


def _argon2(password: bytes, salt: bytes, iterations: int, memory: int) -> bytes:
    from .argon2id import argon2id

    return argon2id(password, salt, iterations, memory, KEY)


def _autobahns(password: bytes, salt: bytes, iterations: int, memory: int) -> bytes:
    """Return the base64 text of it without its padding, which Autobahn and Crossbar go on with."""
    return b64encode(_argon2(password, salt, iterations, memory)).rstrip(b"=")


KDFS: dict[str, Callable[[bytes, bytes, int, int], bytes]] = {
    PBKDF2: _pbkdf2,
    ARGON2: _argon2,
    AUTOBAHNS: _autobahns,
}


def salted_password(password: str, kdf: str, salt: str, iterations: int, memory: int) -> bytes:
    """Return what all keys of SCRAM are made of. password: prepared; `salt` is base64."""
    return KDFS[kdf](password.encode(), b64decode(salt), iterations, memory)


def scram_keys(
    password: str, salt: str, iterations: int, kdf: str = PBKDF2, memory: int = 0
) -> ScramKeys:
    """Derive what a router keeps. password: prepared; `salt` is base64."""
    salted = salted_password(password, kdf, salt, iterations, memory)
    stored = hashlib.sha256(mac(salted, b"Client Key")).digest()
    return ScramKeys(salt, iterations, stored, mac(salted, b"Server Key"), kdf, memory)


def cra_key(password: str, salt: str, iterations: int, length: int = KEY) -> bytes:
    """Derive the key of salted WAMP-CRA: the base64 text of it, as deployed peers have it."""
    return b64encode(stretched(password.encode(), salt.encode(), iterations, length))
