"""From HELLO to WELCOME or ABORT, as the router sees it (RFC "Session Establishment").

HELLO ──> realm known? ──> authmethod ──┬──────────────────────────────┬──> Accepted
              │                         └─ CHALLENGE <──> AUTHENTICATE ─┘
              └──> ABORT <── anything else, at any time
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from . import uris
from .errors import ProtocolError
from .feature import Refused
from .grammar import CLIENT, announced_features
from .ids import new_authid
from .members import Identity, Violation
from .messages import CODES, NAMES, Abort, Authenticate, Challenge, Hello, Message
from .unfit import Unfit
from .words import shorten

MOST_FEATURES = 64  # of a role; WAMP knows some 20

Dialogue = Generator[Challenge, Authenticate, Identity]
# Yields CHALLENGEs, is sent AUTHENTICATEs, returns who it is.
AuthMethod = Callable[[Hello], Dialogue]


class Accepted(NamedTuple):
    """The outcome that lets a session in."""

    realm: str
    identity: Identity
    roles: dict[str, Any]  # those of a client, with the features that are on
    answers_ping: bool = False  # it announced so


def anonymous(hello: Hello) -> Dialogue:
    """Let anybody in, under a random authid: what HELLO wishes to be called is not a fact."""
    yield from ()  # it asks nothing
    return Identity(new_authid(), "anonymous", "anonymous", "static")


class Acceptor:
    """One handshake: feed it each message, it returns the answer to send or what was accepted."""

    def __init__(
        self, realms: Mapping[str, Any], authmethods: Mapping[str, AuthMethod] | None = None
    ) -> None:
        self._realms = realms
        self._authmethods = {"anonymous": anonymous} if authmethods is None else authmethods
        self._hello: Hello | None = None
        self._dialogue: Dialogue | None = None

    def on_message(
        self, message: Message | Violation | Unfit
    ) -> Challenge | Abort | Accepted | None:
        """Answer one message: None says that the peer gave up and wants no answer."""
        if type(message) is Abort:
            return None
        try:
            if isinstance(message, Violation):
                raise ProtocolError(message.text)
            if isinstance(message, Unfit):
                message = message.message
            if self._dialogue is None:
                return self._on_hello(message)
            return self._on_authenticate(message)
        except Refused as refused:
            text = str(refused.args[0] if refused.args else refused.error)
            return Abort({"message": text}, refused.error)
        except ProtocolError as error:
            return Abort({"message": shorten(str(error))}, uris.PROTOCOL_VIOLATION)

    def _on_hello(self, message: Message) -> Challenge | Accepted:
        if type(message) is not Hello:
            raise ProtocolError(f"a session starts with HELLO, not {NAMES[CODES[type(message)]]}")
        if not uris.is_valid(message.realm):
            raise Refused(uris.INVALID_URI, f"{message.realm!r} is not a valid realm")
        if message.realm not in self._realms:
            text = f"there is no realm {message.realm!r} here, only those of --realm or realms="
            raise Refused(uris.NO_SUCH_REALM, text)
        self._hello = message
        wishes = message.details.get("authmethods") or ["anonymous"]
        method = next(
            (self._authmethods[wish] for wish in wishes if wish in self._authmethods), None
        )
        if method is None:
            offered = ", ".join(self._authmethods)
            raise Refused(
                uris.NO_MATCHING_AUTH_METHOD, f"offered here: {offered}; wished for: {wishes}"
            )
        self._dialogue = method(message)
        return self._advance(lambda dialogue: next(dialogue))

    def _on_authenticate(self, message: Message) -> Challenge | Accepted:
        if type(message) is not Authenticate:
            raise ProtocolError(
                f"CHALLENGE is answered with AUTHENTICATE, not {NAMES[CODES[type(message)]]}"
            )
        return self._advance(lambda dialogue: dialogue.send(message))

    def _advance(self, step: Callable[[Dialogue], Challenge]) -> Challenge | Accepted:
        assert self._dialogue is not None and self._hello is not None
        try:
            challenge = step(self._dialogue)
        except StopIteration as done:
            return self._accept(done.value)
        if not isinstance(challenge, Challenge):
            raise TypeError(f"an authmethod must yield CHALLENGE, not {type(challenge).__name__}")
        return challenge

    def _accept(self, identity: Identity) -> Accepted:
        assert self._hello is not None
        if not isinstance(identity, Identity):
            raise TypeError(f"an authmethod must return Identity, not {type(identity).__name__}")
        for name, said in zip(Identity._fields[:4], identity, strict=False):
            if not isinstance(said, str):
                raise TypeError(f"{name} of an Identity must be str, not {type(said).__name__}")
        details = self._hello.details
        answers_ping = details.get(uris.ANSWERS_PING) is True
        return Accepted(self._hello.realm, identity, _kept(details["roles"]), answers_ping)


def _kept(roles: dict[str, Any]) -> dict[str, Any]:
    """Return of the roles what is asked for later; the rest would stay as long as the session."""
    kept: dict[str, Any] = {}
    for role in CLIENT:
        if roles.get(role) is not None:
            features = islice(announced_features(roles, role), MOST_FEATURES)
            kept[role] = {"features": dict.fromkeys(features, True)}
    return kept
