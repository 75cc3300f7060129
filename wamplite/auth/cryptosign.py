"""cryptosign: a challenge is signed with an Ed25519 key (RFC "Cryptosign-based Authentication").

By the package cryptography or PyNaCl, whichever is there (the extra `cryptosign`); without them a
client signs in Python alone, see ed25519. What is signed must be the challenge that was issued: an
old signature proves nothing. Within TLS it may be bound to the connection: then what is signed is
the challenge XOR the channel id. Not built: a router proves who it is by TLS, and leaves
`authextra.challenge` unanswered; trustroots, certificates of Ethereum, attestation.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..core import uris
from ..core.errors import UsageError
from ..core.feature import Refused
from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from .binding import binding_data
from .ed25519 import InPython, is_small
from .key_files import private_key
from .keys import KEY, from_hex, xor
from .ssh_agent import agent_key
from .users import Users, claim_of, denied, failed

SIGNED = 64  # octets of a signature
BINDINGS = ("tls-unique", "tls-exporter")  # that the text knows here


class Signing(Protocol):
    """What makes keys and signs."""

    def pubkey(self, seed: bytes) -> bytes:
        """Return the public key of a private one."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Return the signature."""


class Verifying(Signing, Protocol):
    """... and verifies."""

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


def verifying() -> Verifying:
    """Return what signs and verifies here; UsageError where neither package is installed."""
    for kind in (WithCryptography, WithNacl):
        try:
            return kind()
        except ImportError:
            continue
    raise UsageError(
        "cryptosign needs the package cryptography, or PyNaCl: pip install cryptography"
    )


def signing() -> Signing:
    """Return what signs here: Python alone where neither package is installed."""
    try:
        return verifying()
    except UsageError:
        return InPython()


class Signer(Protocol):
    """Who has a private key: this process, or ssh-agent."""

    @property
    def pubkey(self) -> str:
        """Return the public key, in hex."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature."""


class OwnKey:
    """A private key in this process."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._signing = seed, signing()
        self.pubkey = self._signing.pubkey(seed).hex()

    def __repr__(self) -> str:
        return f"OwnKey(of {self.pubkey})"

    def sign(self, message: bytes) -> bytes:
        return self._signing.sign(self._seed, message)


class CryptoSign:
    """The client's side. authid: None: the router's own. key: 64 hexadecimal digits, private.

    channel_binding: "tls-unique", of TLS 1.2. See `of_file` and `of_agent` for other keys.
    """

    def __init__(
        self, authid: str | None, key: str | Signer, *, channel_binding: str | None = None
    ) -> None:
        self.authid = authid
        self._binding = channel_binding
        if isinstance(key, str):
            seed = from_hex(key.lower(), KEY)
            if not seed:
                raise UsageError("a private key is 64 hexadecimal digits")
            key = OwnKey(seed)
        self._key = key
        self.pubkey = key.pubkey

    @classmethod
    def of_file(
        cls,
        authid: str | None,
        path: str | Path,
        passphrase: str | None = None,
        *,
        channel_binding: str | None = None,
    ) -> CryptoSign:
        """Take the private key of a file, see key_files; UsageError where it holds none."""
        key = OwnKey(private_key(path, passphrase))
        return cls(authid, key, channel_binding=channel_binding)

    @classmethod
    def of_agent(
        cls, authid: str | None, which: str | None = None, *, channel_binding: str | None = None
    ) -> CryptoSign:
        """Have ssh-agent sign, with its only Ed25519 key, or that of this comment or public key."""
        return cls(authid, agent_key(which), channel_binding=channel_binding)

    def __repr__(self) -> str:
        return f"CryptoSign({self.authid!r}, ...)"

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how it is begun; see client.terms.Auth."""
        try:
            channel = channel_id(tls, self._binding)
        except ValueError as error:
            raise failed("cryptosign", str(error)) from None
        return {"cryptosign": partial(self._prove, channel)}

    def _prove(self, channel: bytes) -> ClientDialogue:
        kind = self._binding
        challenge = yield {"authextra": {"pubkey": self.pubkey, "channel_binding": kind}}
        message = from_hex(str(challenge.extra.get("challenge")).lower(), KEY)
        if not message:
            raise failed("cryptosign", "the challenge must be 64 hexadecimal digits")
        if challenge.extra.get("channel_binding") != kind:
            used = challenge.extra.get("channel_binding")
            raise failed("cryptosign", f"channel_binding is {used!r}, asked for was {kind!r}")
        message = xor(message, channel)
        yield Authenticate((self._key.sign(message) + message).hex(), {})


def channel_id(tls: Any, kind: object) -> bytes:
    """Return the 32 octets of a channel, none without a binding; ValueError where it has none.

    Of data of another size it is the SHA-256, as with Autobahn and Crossbar.
    """
    if kind is None:
        return bytes(KEY)
    if kind not in BINDINGS:
        raise ValueError(f"channel_binding must be {' or '.join(BINDINGS)}, not {kind!r}")
    data = binding_data(tls, kind)
    return data if len(data) == KEY else hashlib.sha256(data).digest()


def for_router(users: Users, name: str) -> AuthMethod:
    """Return the router's side."""
    verifies = verifying()

    def ask(hello: Hello, joining: Joining) -> Dialogue:
        extra = hello.details.get("authextra") or {}
        pubkey = from_hex(extra.get("pubkey"), KEY)
        if not pubkey or is_small(pubkey):
            text = "HELLO.Details.authextra.pubkey must be 64 hexadecimal digits, in lower case"
            raise Refused(uris.AUTHENTICATION_FAILED, text)
        kind = extra.get("channel_binding")
        try:
            channel = channel_id(joining.tls, kind)
        except ValueError as error:
            raise Refused(uris.AUTHENTICATION_FAILED, str(error)) from None
        claim = claim_of(hello, joining, name, needs_authid=False)
        user = users.with_key(claim, pubkey.hex())
        drawn = os.urandom(KEY)
        answer = yield Challenge(name, {"challenge": drawn.hex(), "channel_binding": kind})
        message = xor(drawn, channel)
        sent = from_hex(answer.signature, SIGNED + KEY)
        issued = hmac.compare_digest(sent[SIGNED:], message)
        if not (verifies.verify(pubkey, sent[:SIGNED], message) and issued):
            raise denied()
        if user is None:
            raise denied()
        return user.identity(name)

    return ask
