"""ticket: the password itself (RFC "Ticket-based Authentication"): over TLS or loopback only."""

from __future__ import annotations

from typing import Any

from ..core.handshake import AuthMethod, ClientDialogue, ClientMethod, Dialogue, Joining
from ..core.messages import Authenticate, Challenge, Hello
from .users import Users, claim_of, denied


class Ticket:
    """The client's side."""

    def __init__(self, authid: str, ticket: str) -> None:
        self.authid = authid
        self._ticket = ticket

    def __repr__(self) -> str:
        return f"Ticket({self.authid!r}, ...)"

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how it is begun; see client.terms.Auth."""
        return {"ticket": self._prove}

    def _prove(self) -> ClientDialogue:
        yield {}
        yield Authenticate(self._ticket, {})


def for_router(users: Users, name: str) -> AuthMethod:
    """Return the router's side."""

    def ask(hello: Hello, joining: Joining) -> Dialogue:
        claim = claim_of(hello, joining, name)
        answer = yield Challenge(name, {})
        user = users.with_ticket(claim, answer.signature)
        if user is None:
            raise denied()
        return user.identity(name)

    return ask
