"""Who may do what by a file: `wamplite check FILE --as joe publish home.door`, without a router."""

from __future__ import annotations

from typing import NamedTuple

from ..auth.permissions import Roles
from ..core import uris
from ..core.errors import UsageError
from ..core.members import Identity
from .files import Configuration
from .household import roles_of
from .settings import RealmSettings
from .whole import users_of

WHO = "anonymous"


class Judgement(NamedTuple):
    """Yes or no, and why: a line to print."""

    allowed: bool
    text: str


def judge(
    found: Configuration,
    realm_name: str | None,
    who: str | None,
    role: str | None,
    action: str,
    uri: str,
    match: str = "exact",
) -> Judgement:
    """Tell whether a user, a role or, with neither, somebody anonymous may do something.

    UsageError where there is no such realm, user or role.
    """
    realm = _realm(found, realm_name)
    if not uris.is_valid_for(match, uri):
        raise UsageError(f"{uri!r} is no URI for match {match}: {uris.flaw(uri)}")
    identity = _identity(realm, who, role)
    roles = Roles(roles_of(realm))
    name = f"{identity.authid}, {identity.authrole}" if who else f"role {identity.authrole}"
    wanted = f"{name} may{{}} {action} {uri!r}" + ("" if match == "exact" else f" ({match})")
    if identity.authrole not in roles and not realm.authorizer:
        return Judgement(False, f"no: there is no role {identity.authrole!r} in realm {realm.name}")
    decision = roles.decide(identity, action, uri, match)
    answer = "yes: " + wanted.format("") if decision.allowed else "no: " + wanted.format(" not")
    permission = decision.permission
    if permission is not None:
        by = f"by {permission.match} {permission.uri!r} in {permission.origin}"
    elif realm.authorizer:
        by = f"unless {realm.authorizer} says so: no permission speaks of it"
    else:
        by = "no permission speaks of it"
    return Judgement(decision.allowed, f"{answer}, {by}")


def _realm(found: Configuration, name: str | None) -> RealmSettings:
    names = [realm.name for realm in found.realms]
    if not names:
        raise UsageError("the file has no realm: whoever reaches realm1 may do everything")
    if name is None and len(names) > 1:
        raise UsageError(f"which realm? --realm says which: {', '.join(names)}")
    for realm in found.realms:
        if realm.name == (name or names[0]):
            return realm
    raise UsageError(f"there is no realm {name!r}; there are: {', '.join(names)}")


def _identity(realm: RealmSettings, who: str | None, role: str | None) -> Identity:
    if role is not None:
        return Identity(who or WHO, role, "", "")
    if who is None or who == WHO:
        if not realm.anonymous:
            raise UsageError(f"realm {realm.name} lets in nobody who does not say who it is")
        return Identity(WHO, realm.anonymous, "", "")
    for user in users_of(realm):
        if user.authid == who:
            return Identity(who, user.role, "", "")
    raise UsageError(f"realm {realm.name} has no user {who!r}: --role says what role is meant")
