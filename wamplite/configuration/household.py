"""One realm as its table says it: what is made of it, and what changes while it runs.

All but its features changes under the sessions that are there. Those were told of the features in
WELCOME and go by them until they leave, so these wait until the router is started again: a reload
ends nobody who could still join.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..auth import pairing
from ..auth.authorization import Authorization
from ..auth.authorizer import Authorizer
from ..auth.cookie import Cookies
from ..auth.dynamic import Authenticator
from ..auth.offers import methods
from ..auth.permissions import Role
from ..auth.users import User, Users
from ..core import uris
from ..core.feature import Factory
from ..core.handshake import AuthMethod
from ..core.members import Identity
from ..core.realm import Realm
from ..whole_file import stamp
from .enrolling import Enrolling
from .settings import KeptSettings, RealmSettings
from .whole import users_of

Rules = list[dict[str, Any]]
KEPT = {"retain": "event_retention", "history": "event_history"}  # table -> the feature


def roles_of(realm: RealmSettings) -> list[Role]:
    """Return the roles of a realm, each permission with the place where it stands."""
    return [
        Role(role.name, tuple(each.made() for each in role.permissions)) for role in realm.roles
    ]


def rules_of(realm: RealmSettings, table: str) -> Rules:
    """Return what a feature is told of the events of some topics; table: one of KEPT."""
    several: tuple[KeptSettings, ...] = getattr(realm, table)
    most = "max_topics" if table == "retain" else "max_events"
    names = ("uri", "match", "max_age", "max_bytes", most)
    return [
        {**{name: getattr(each, name) for name in names}, "file": each.store} for each in several
    ]


class Household:
    """The users, the roles, the methods and the rules of one realm."""

    def __init__(self, realm: RealmSettings, cookies: Cookies) -> None:
        self.realm = realm
        self.roles = roles_of(realm)
        self._cookies = cookies
        self._stamp = stamp(realm.users)
        self.users = _users(realm, users_of(realm))
        self._authorizer = _authorizer(realm)
        self.installed: dict[str, Any] = {}  # features by name, once the realm is made

    def features(self) -> list[Factory | str]:
        """Return what the realm is made with; what no role allows is forbidden there."""
        configured = [name for table, name in KEPT.items() if getattr(self.realm, table)]
        wanted: list[Factory | str] = [
            name for name in self.realm.features if name not in configured
        ]
        if retain := rules_of(self.realm, "retain"):
            from ..advanced.event_retention import ForRouter as Retention

            wanted.append(partial(Retention, retain))
        if history := rules_of(self.realm, "history"):
            from ..advanced.event_history import ForRouter as History

            wanted.append(partial(History, further=history))
        return [*wanted, self._authorize]

    def _authorize(self) -> Authorization:
        uri, cache, timeout = _authorizer(self.realm)
        return Authorization(self.roles, authorizer=uri or None, cache=cache, timeout=timeout)

    def move_in(self, realm: Realm) -> None:
        """Notice the realm that was made."""
        self.installed = {feature.name: feature for feature in realm.features}

    def methods(self) -> dict[str, AuthMethod]:
        """Return how somebody may say who it is."""
        realm = self.realm
        has_users = realm.users or realm.authenticator
        names = None if has_users else ()
        cookies = self._cookies if self._cookies.max_age and has_users else None
        offered = methods(self.users, names, anonymous=realm.anonymous or None, cookies=cookies)
        if realm.users and "cryptosign" in offered:  # by which a paired device comes back
            enroll = Enrolling(realm.users, realm.name, self.users)
            offered[pairing.NAME] = pairing.for_router(enroll)
        return offered

    def has_new_users(self) -> bool:
        """Tell whether the file of users has changed since this was asked last."""
        before, self._stamp = self._stamp, stamp(self.realm.users)
        return self._stamp != before

    def late(self, realm: RealmSettings) -> list[str]:
        """Return the keys of other settings that wait until the router is started again."""
        late = ["features"] if realm.features != self.realm.features else []
        lacking = [table for table, name in KEPT.items() if name not in self.installed]
        return late + [table for table in lacking if getattr(realm, table)]

    def change_to(self, realm: RealmSettings, users: list[User], roles: list[Role]) -> str:
        """Take other settings, users and roles; return what has changed, in words.

        The realm follows with `revise`.
        """
        before = {user.authid: user for user in self.users}
        now = {user.authid: user for user in users}
        common = before.keys() & now.keys()
        changes = {
            "users added": len(now.keys() - before.keys()),
            "users gone": len(before.keys() - now.keys()),
            "users changed": sum(before[name] != now[name] for name in common),
        }
        told = [f"{number} {what}" for what, number in changes.items() if number]
        told += [f"{name} changed" for name in _changed(self.realm, realm)]
        if _asked(self.realm) == _asked(realm):
            self.users.replace(users)
        else:
            self.users = _users(realm, users)
        self.realm, self.roles = realm, roles
        return ", ".join(told)

    def revise(self, of: Realm) -> None:
        """Close what is not allowed any more, end sessions that may not stay; the routing role."""
        if self.realm.strict != of.strict:
            of.take_strict(self.realm.strict)
        self._revise_rights(self.installed["authorization"])
        known = {user.authid: user for user in self.users}
        for member in list(of.members.values()):
            if not self._may_stay(member.identity, known):
                of.dismiss(member, uris.NO_SUCH_PRINCIPAL, "you may not be here any more")

    def _revise_rights(self, authorization: Authorization) -> None:
        before, self._authorizer = self._authorizer, _authorizer(self.realm)
        if self._authorizer != before:
            uri, cache, timeout = self._authorizer
            authorization.take_authorizer(Authorizer(uri, cache, timeout) if uri else None)
        elif list(authorization.authroles) == self.roles:
            return
        authorization.revise(self.roles)

    def _may_stay(self, identity: Identity, known: Mapping[str, User]) -> bool:
        """Tell whether who has joined could join now, as the same; a new password is no reason."""
        if identity.authprovider == "dynamic":
            return bool(self.realm.authenticator)
        if identity.authprovider != "static":
            return True  # of the router's program, a serial line
        if identity.authmethod == "anonymous":
            return identity.authrole == self.realm.anonymous
        user = known.get(identity.authid)
        return user is not None and user.role == identity.authrole


def _changed(before: RealmSettings, now: RealmSettings) -> list[str]:
    names = [each.name for each in dataclasses.fields(RealmSettings) if each.compare]
    return [name for name in names if getattr(before, name) != getattr(now, name)]


def _asked(realm: RealmSettings) -> tuple[str, float, float]:
    return realm.authenticator, realm.authenticator_cache, realm.authenticator_timeout


def _authorizer(realm: RealmSettings) -> tuple[str, float, float]:
    return realm.authorizer, realm.authorizer_cache, realm.authorizer_timeout


def _users(realm: RealmSettings, users: list[User]) -> Users:
    ask, cache, timeout = _asked(realm)
    return Users(users, Authenticator(ask, cache=cache, timeout=timeout) if ask else None)
