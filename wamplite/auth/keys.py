"""What becomes of a password: keys that prove it and do not tell it; pure."""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from base64 import b64decode, b64encode
from typing import NamedTuple

ITERATIONS = 10_000  # of PBKDF2: some 10 ms on a desktop, 80 on a small board
LEAST_ITERATIONS, MOST_ITERATIONS = 4096, 1_000_000  # that a client lets a router ask for
KEY = 32  # octets
CONTROLS = ("Cc", "Cf", "Co", "Cs", "Cn")


class ScramKeys(NamedTuple):
    """What a router keeps of a password for SCRAM (RFC 5802): neither of them lets anybody in."""

    salt: str  # base64
    iterations: int
    stored: bytes
    server: bytes


class CraKey(NamedTuple):
    """The key of WAMP-CRA, and how a client makes it of its password; no salt: it is the secret."""

    key: bytes
    salt: str = ""
    iterations: int = 0


def from_hex(text: object, octets: int) -> bytes:
    """Return so many octets of hexadecimal digits, none where it is anything else."""
    if not isinstance(text, str) or len(text) != 2 * octets:
        return b""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    return found if len(found) == octets else b""  # blanks are skipped


def drawn() -> str:
    """Return 16 random octets in base64: a salt, or one side's nonce."""
    return b64encode(os.urandom(16)).decode()


def mac(key: bytes, text: bytes) -> bytes:
    """Return the HMAC-SHA256."""
    return hmac.digest(key, text, "sha256")


def prepared(password: str) -> bytes:
    """Return a password as it is derived from: SASLprep (RFC 4013), but for its checks of bidi."""
    spaced = "".join(" " if unicodedata.category(one) == "Zs" else one for one in password)
    composed = unicodedata.normalize("NFKC", spaced.replace("\u00ad", ""))
    if any(unicodedata.category(one) in CONTROLS for one in composed):
        raise ValueError("a password has no control characters")
    return composed.encode()


def stretched(password: bytes, salt: bytes, iterations: int, length: int = KEY) -> bytes:
    """Return PBKDF2 with SHA-256."""
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations, length)


def scram_keys(password: str, salt: str, iterations: int) -> ScramKeys:
    """Derive what a router keeps. `salt` is base64."""
    salted = stretched(prepared(password), b64decode(salt), iterations)
    stored = hashlib.sha256(mac(salted, b"Client Key")).digest()
    return ScramKeys(salt, iterations, stored, mac(salted, b"Server Key"))


def cra_key(password: str, salt: str, iterations: int, length: int = KEY) -> bytes:
    """Derive the key of salted WAMP-CRA: the base64 text of it, as deployed peers have it."""
    return b64encode(stretched(password.encode(), salt.encode(), iterations, length))
