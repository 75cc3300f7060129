"""One realm as its table says it: what is made of it, and what may change while it runs.

Users, the role of anonymous sessions and roles are replaced in a realm that runs; what it is made
with (FIXED) stays as it is until the router is started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..auth import pairing
from ..auth.authorization import Authorization
from ..auth.dynamic import Authenticator
from ..auth.offers import METHODS, methods
from ..auth.permissions import Role
from ..auth.users import User, Users
from ..core import uris
from ..core.errors import UsageError
from ..core.feature import Factory
from ..core.handshake import AuthMethod
from ..core.members import Identity
from ..core.realm import Realm
from ..whole_file import stamp
from .enrolling import Enrolling
from .settings import KeptSettings, RealmSettings
from .whole import users_of

FIXED = ("features", "strict", "authorizer", "retain", "history")


def roles_of(realm: RealmSettings) -> list[Role]:
    """Return the roles of a realm, each permission with the place where it stands."""
    return [
        Role(role.name, tuple(each.made() for each in role.permissions)) for role in realm.roles
    ]


def _kept(each: KeptSettings, most: str) -> dict[str, Any]:
    """Return what a feature is told of the events of some topics; most: its bound by number."""
    names = ("uri", "match", "max_age", "max_bytes", most)
    return {**{name: getattr(each, name) for name in names}, "file": each.store}


class Household:
    """The users, the roles and the methods of one realm."""

    def __init__(self, realm: RealmSettings) -> None:
        self.realm = realm
        self.roles = roles_of(realm)
        self._stamp = stamp(realm.users)
        self.users = _users(realm, users_of(realm))
        self.authorization: Authorization | None = None  # once the realm is made

    def features(self) -> list[Factory | str]:
        """Return what the realm is made with; what no role allows is forbidden there."""
        wanted: list[Factory | str] = [*self.realm.features]
        if self.realm.retain:
            from ..advanced.event_retention import ForRouter as Retention

            shelves = [_kept(each, "max_topics") for each in self.realm.retain]
            wanted.append(partial(Retention, shelves))
        if self.realm.history:
            from ..advanced.event_history import ForRouter as History

            further = [_kept(each, "max_events") for each in self.realm.history]
            wanted.append(partial(History, further=further))
        return [*wanted, self._authorize]

    def methods(self) -> dict[str, AuthMethod]:
        """Return how somebody may say who it is."""
        realm = self.realm
        names = usable() if realm.users or realm.authenticator else []
        offered = methods(self.users, names, anonymous=realm.anonymous or None)
        if realm.users and "cryptosign" in names:  # by which a paired device comes back
            enroll = Enrolling(realm.users, realm.name, self.users)
            offered[pairing.NAME] = pairing.for_router(enroll)
        return offered

    def _authorize(self) -> Authorization:
        self.authorization = Authorization(self.roles, authorizer=self.realm.authorizer or None)
        return self.authorization

    def has_new_users(self) -> bool:
        """Tell whether the file of users has changed since this was asked last."""
        before, self._stamp = self._stamp, stamp(self.realm.users)
        return self._stamp != before

    def change_to(self, realm: RealmSettings, users: list[User], roles: list[Role]) -> str:
        """Take other settings, users and roles; return what has changed, in words."""
        before = {user.authid: user for user in self.users}
        now = {user.authid: user for user in users}
        common = before.keys() & now.keys()
        changes = {
            "users added": len(now.keys() - before.keys()),
            "users gone": len(before.keys() - now.keys()),
            "users changed": sum(before[name] != now[name] for name in common),
        }
        told = [f"{number} {what}" for what, number in changes.items() if number]
        told += ["roles changed"] if roles != self.roles else []
        told += [
            f"{name} changed"
            for name in ("users", "anonymous", "authenticator")
            if getattr(realm, name) != getattr(self.realm, name)
        ]
        if realm.authenticator == self.realm.authenticator:
            self.users.replace(users)
        else:
            self.users = _users(realm, users)
        self.realm, self.roles = realm, roles
        return ", ".join(told)

    def revise(self, of: Realm) -> None:
        """Close what is not allowed any more, end sessions that may not stay; the routing role."""
        if self.authorization is not None and list(self.authorization.authroles) != self.roles:
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


def _users(realm: RealmSettings, users: list[User]) -> Users:
    return Users(users, Authenticator(realm.authenticator) if realm.authenticator else None)


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
