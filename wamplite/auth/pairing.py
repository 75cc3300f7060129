"""pairing: a new device shows a ticket that holds once, and hands in its public key.

    HELLO         authid, authextra.pubkey    ──>
                                              <──    CHALLENGE
    AUTHENTICATE  the ticket                  ──>    the key is the user's from now on
                                              <──    WELCOME; the next time it is cryptosign

Not a method of the specification. The ticket lets in whoever has it, once: within TLS or on
loopback only. The private key never leaves the device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import uris
from ..core.feature import Refused
from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from .ed25519 import is_small
from .keys import KEY, from_hex
from .users import User, claim_of, denied

NAME = "pairing"
Enroll = Callable[[str, str, str], "User | None"]
# Of authid, ticket and public key: takes the key and returns whose it is, once; from any thread.


class Pairing:
    """The client's side. pubkey: in hex, of the key that proves who it is from then on."""

    def __init__(self, authid: str, ticket: str, pubkey: str) -> None:
        self.authid = authid
        self._ticket, self._pubkey = ticket, pubkey

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how it is begun; see client.terms.Auth."""
        return {NAME: self._prove}

    def _prove(self) -> ClientDialogue:
        yield {"authextra": {"pubkey": self._pubkey}}
        yield Authenticate(self._ticket, {})


def for_router(enroll: Enroll) -> AuthMethod:
    """Return the router's side."""

    def ask(hello: Hello, joining: Joining) -> Dialogue:
        claim = claim_of(hello, joining, NAME)
        pubkey = (hello.details.get("authextra") or {}).get("pubkey")
        octets = from_hex(pubkey, KEY)
        if not isinstance(pubkey, str) or not octets or is_small(octets):
            text = "HELLO.Details.authextra.pubkey is an Ed25519 key: 64 hexadecimal digits"
            raise Refused(uris.AUTHENTICATION_REQUIRED, text)
        answer = yield Challenge(NAME, {})
        user = enroll(claim.authid, answer.signature, pubkey)
        if user is None:
            raise denied()
        return user.identity(NAME)

    return ask
