"""A realm with authorization, and sessions of it that have a name and a role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from tests.core.world import Peer, World, only, take
from wamplite import features
from wamplite.auth.authorization import Authorization
from wamplite.auth.permissions import Permission, Role
from wamplite.core.feature import Factory, announced, made
from wamplite.core.members import Identity, Join

CLIENT = announced(
    ("publisher", "subscriber", "caller", "callee"), map(made, features.for_client("all"))
)


class Guarded(World):
    """A realm with all features and authorization; `roles` by name, each with its permissions."""

    def __init__(
        self,
        roles: Mapping[str, Iterable[Permission]],
        *more: Factory,
        strict: bool = False,
        **options: Any,
    ) -> None:
        chosen = made_of(roles)
        mine = partial(Authorization, chosen, **options)
        super().__init__(mine, *(more or features.for_router("all")), strict=strict)
        (self.authorization,) = (
            each for each in self.realm.features if isinstance(each, Authorization)
        )

    def come(self, role: str, authid: str = "joe", method: str = "ticket") -> Peer:
        """Let somebody join, if it may."""
        peer = self.arrive(**CLIENT)
        peer.member.identity = Identity(authid, role, method, "static")
        self.realm.handle(peer.member, Join())
        return peer

    def joins(self, role: str, authid: str = "joe", method: str = "ticket") -> Peer:
        """Return somebody who has joined and has read WELCOME."""
        peer = self.come(role, authid, method)
        assert only(peer)[0] == "WELCOME"
        return peer

    def revise(self, roles: Mapping[str, Iterable[Permission]]) -> None:
        """Give the realm other roles."""
        self.authorization.revise(made_of(roles))


def made_of(roles: Mapping[str, Iterable[Permission]]) -> list[Role]:
    return [Role(name, tuple(permissions)) for name, permissions in roles.items()]


def error(peer: Peer) -> Any:
    """Return the URI of the one ERROR that was posted to a peer."""
    message = only(peer)
    assert message[0] == "ERROR", message
    return message[4]


def events(peer: Peer) -> list[Any]:
    """Return the arguments of the EVENTs that were posted to a peer."""
    return [message[4] for message in take(peer) if message[0] == "EVENT"]
