"""One realm as its table says it: what is made of it, and what may change while it runs.

Users, the role of anonymous sessions and roles are replaced in a realm that runs; what it is made
with (FIXED) stays as it is until the router is started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..auth.authorization import Authorization
from ..auth.dynamic import Authenticator
from ..auth.offers import METHODS, methods
from ..auth.permissions import Permission, Role
from ..auth.users import User, Users
from ..core import uris
from ..core.errors import UsageError
from ..core.feature import Factory
from ..core.handshake import AuthMethod, anonymous_as
from ..core.members import Identity
from ..core.realm import Realm
from .settings import HistorySettings, RealmSettings, RetainSettings, RoleSettings
from .whole import users_of

FIXED = ("features", "strict", "authorizer", "retain", "history")
BOTH = {"uri": "uri", "match": "match", "max_age": "max_age", "max_bytes": "max_bytes"}


def roles_of(realm: RealmSettings) -> list[Role]:
    """Return the roles of a realm, each permission with the place where it stands."""
    return [_role(role) for role in realm.roles]


def _role(role: RoleSettings) -> Role:
    permissions = (
        Permission(
            each.uri,
            each.match,
            each.allow,
            disclose_caller=each.disclose_caller,
            disclose_publisher=each.disclose_publisher,
            trustlevel=each.trustlevel,
            origin=str(each.at),
        )
        for each in role.permissions
    )
    return Role(role.name, tuple(permissions))


def _retain(each: RetainSettings) -> dict[str, Any]:
    told = {key: getattr(each, name) for key, name in BOTH.items()}
    return {**told, "max_topics": each.max_topics, "file": each.store}


def _history(each: HistorySettings) -> dict[str, Any]:
    told = {key: getattr(each, name) for key, name in BOTH.items()}
    return {**told, "max_events": each.max_events, "file": each.store}


class Household:
    """The users, the roles and the methods of one realm."""

    def __init__(self, realm: RealmSettings) -> None:
        self.realm = realm
        self.roles = roles_of(realm)
        authenticator = Authenticator(realm.authenticator) if realm.authenticator else None
        self.users = Users(users_of(realm), authenticator)
        self.authorization: Authorization | None = None  # once the realm is made

    def features(self) -> list[Factory | str]:
        """Return what the realm is made with; what no role allows is forbidden there."""
        wanted: list[Factory | str] = [*self.realm.features]
        if self.realm.retain:
            from ..advanced.event_retention import ForRouter as Retention

            wanted.append(partial(Retention, [_retain(each) for each in self.realm.retain]))
        if self.realm.history:
            from ..advanced.event_history import ForRouter as History

            wanted.append(partial(History, further=[_history(each) for each in self.realm.history]))
        return [*wanted, self._authorize]

    def methods(self) -> dict[str, AuthMethod]:
        """Return how somebody may say who it is."""
        realm = self.realm
        offered: dict[str, AuthMethod] = {}
        if realm.users or realm.authenticator:
            offered = methods(self.users, usable())
        if realm.anonymous:
            offered["anonymous"] = anonymous_as(realm.anonymous)
        return offered

    def _authorize(self) -> Authorization:
        self.authorization = Authorization(self.roles, authorizer=self.realm.authorizer or None)
        return self.authorization

    def take(self, realm: RealmSettings, users: list[User], roles: list[Role]) -> None:
        """Take other users and roles from now on; with the routing role, or before it is made."""
        self.realm, self.roles = realm, roles
        self.users.replace(users)

    def revise(self, of: Realm) -> None:
        """Close what is not allowed any more, end sessions that may not stay; the routing role."""
        if self.authorization is not None:
            self.authorization.revise(self.roles)
        known = {user.authid: user for user in self.users}
        for member in list(of.members.values()):
            if not self._may_stay(member.identity, known):
                of.dismiss(member, uris.NO_SUCH_PRINCIPAL, "you may not be here any more")

    def _may_stay(self, identity: Identity, known: Mapping[str, User]) -> bool:
        """Tell whether who has joined could join now, as the same; a new password is no reason."""
        if identity.authprovider != "static":
            return True  # of the router's program, a serial line, a procedure that was asked
        if identity.authmethod == "anonymous":
            return identity.authrole == self.realm.anonymous
        user = known.get(identity.authid)
        return user is not None and user.role == identity.authrole


def usable() -> list[str]:
    """Return the methods whose libraries are there."""
    return [name for name in METHODS if _is_usable(name)]


def _is_usable(name: str) -> bool:
    try:
        methods(Users(), [name])
    except UsageError:
        return False
    return True


def fixed(before: RealmSettings, now: RealmSettings) -> list[str]:
    """Return what has changed of a realm that cannot change while it runs."""
    return [name for name in FIXED if getattr(before, name) != getattr(now, name)]
