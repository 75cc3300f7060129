"""cryptosign: a challenge is signed with an Ed25519 key (RFC "Cryptosign-based Authentication").

Needs the package cryptography or PyNaCl, whichever is there (the extra `cryptosign`). What is
signed must be the challenge that was issued: an old signature proves nothing. Without channel
binding.
"""

from __future__ import annotations

import hmac
import os
from typing import Any, Protocol

from ..core import uris
from ..core.errors import UsageError
from ..core.feature import Refused
from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from .keys import from_hex
from .users import Users, denied, failed

OCTETS = 32  # of a key, and of a challenge
SIGNED = 64  # of a signature


class Signing(Protocol):
    """What signs and verifies."""

    def pubkey(self, seed: bytes) -> bytes:
        """Return the public key of a private one."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Return the signature."""

    def verify(self, pubkey: bytes, signature: bytes, message: bytes) -> bool:
        """Tell whether a signature is right."""


class WithCryptography:
    """The package cryptography."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ed25519

        self._of = ed25519

    def pubkey(self, seed: bytes) -> bytes:
        return self._of.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    def sign(self, seed: bytes, message: bytes) -> bytes:
        return self._of.Ed25519PrivateKey.from_private_bytes(seed).sign(message)

    def verify(self, pubkey: bytes, signature: bytes, message: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._of.Ed25519PublicKey.from_public_bytes(pubkey).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class WithNacl:
    """The package PyNaCl."""

    def __init__(self) -> None:
        from nacl import signing

        self._of = signing

    def pubkey(self, seed: bytes) -> bytes:
        return bytes(self._of.SigningKey(seed).verify_key)

    def sign(self, seed: bytes, message: bytes) -> bytes:
        return bytes(self._of.SigningKey(seed).sign(message).signature)

    def verify(self, pubkey: bytes, signature: bytes, message: bytes) -> bool:
        from nacl.exceptions import CryptoError

        try:
            self._of.VerifyKey(pubkey).verify(message, signature)
        except (CryptoError, ValueError):
            return False
        return True


def signing() -> Signing:
    """Return what signs and verifies here; UsageError where neither package is installed."""
    for kind in (WithCryptography, WithNacl):
        try:
            return kind()
        except ImportError:
            continue
    raise UsageError(
        "cryptosign needs the package cryptography, or PyNaCl: pip install cryptography"
    )


class CryptoSign:
    """The client's side. authid: None: the router's own. key: 64 hexadecimal digits, private."""

    def __init__(self, authid: str | None, key: str) -> None:
        self.authid = authid
        self._signing = signing()
        self._seed = from_hex(key, OCTETS)
        if not self._seed:
            raise UsageError("a private key is 64 hexadecimal digits")
        self.pubkey = self._signing.pubkey(self._seed).hex()

    def __repr__(self) -> str:
        return f"CryptoSign({self.authid!r}, ...)"

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how it is begun; see client.terms.Auth."""
        return {"cryptosign": self._prove}

    def _prove(self) -> ClientDialogue:
        challenge = yield {"authextra": {"pubkey": self.pubkey, "channel_binding": None}}
        message = from_hex(challenge.extra.get("challenge"), OCTETS)
        if not message:
            raise failed("cryptosign", "the challenge must be 64 hexadecimal digits")
        signature = self._signing.sign(self._seed, message)
        yield Authenticate((signature + message).hex(), {})


def for_router(users: Users, name: str) -> AuthMethod:
    """Return the router's side."""
    verifies = signing()

    def ask(hello: Hello, joining: Joining) -> Dialogue:
        extra = hello.details.get("authextra") or {}
        pubkey = from_hex(extra.get("pubkey"), OCTETS)
        if not pubkey:
            raise Refused(uris.AUTHENTICATION_FAILED, "HELLO.Details.authextra.pubkey is needed")
        user = users.with_key(pubkey.hex())
        authid = hello.details.get("authid")
        message = os.urandom(OCTETS)
        answer = yield Challenge(name, {"challenge": message.hex(), "channel_binding": None})
        sent = from_hex(answer.signature, SIGNED + OCTETS)
        issued = hmac.compare_digest(sent[SIGNED:], message)
        if not (verifies.verify(pubkey, sent[:SIGNED], message) and issued):
            raise denied()
        if user is None or authid not in (None, user.authid):
            raise denied()
        return user.identity(name)

    return ask
