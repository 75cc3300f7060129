"""What the tables of a file must be to each other: who could join, where, and as what."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import features
from ..auth.users import User
from ..config import Location
from ..core.errors import UsageError
from ..router import listen_urls
from ..whole_file import check_private
from . import users_file
from .settings import KeptSettings, ListenerSettings, RealmSettings


def check(listeners: Sequence[ListenerSettings], realms: Sequence[RealmSettings]) -> list[str]:
    """Note what cannot be meant; return what is perhaps not meant."""
    warnings: list[str] = []
    _once(listeners, "url", "a listener at")
    _once(realms, "name", "a realm")
    _stores(realms)
    for realm in realms:
        warnings += _realm(realm)
    names = {realm.name for realm in realms}
    for listener in listeners:
        if names and listener.metrics and listener.metrics not in names:
            assert listener.at is not None
            (listener.at / "metrics").wrong(f"there is no realm {listener.metrics}")
    for listener in listeners:
        warnings += _listener(listener, realms)
    return warnings


def users_of(realm: RealmSettings) -> list[User]:
    """Return the users of a realm, of its file; UsageError where that is none."""
    return users_file.read(realm.users, realm.name) if realm.users else []


def _once(several: Iterable[Any], name: str, what: str) -> None:
    seen: dict[str, Any] = {}
    for each in several:
        value = getattr(each, name)
        if value in seen and not value.endswith(":0"):
            (each.at / name).wrong(f"there is {what} {value} already, in {seen[value].at}")
        seen.setdefault(value, each)


def _stores(realms: Iterable[RealmSettings]) -> None:
    seen: dict[str, Location] = {}
    for realm in realms:
        keeping: list[KeptSettings] = [*realm.retain, *realm.history]
        for each in keeping:
            assert each.at is not None
            if not each.store:
                continue
            path = os.path.realpath(each.store.replace("{realm}", realm.name))
            if path in seen:
                (each.at / "store").wrong(f"{path} is the store of {seen[path]} already")
            seen.setdefault(path, each.at)


def _realm(realm: RealmSettings) -> list[str]:
    at = realm.at
    assert at is not None
    roles = {role.name for role in realm.roles}
    seen: set[str] = set()
    for role in realm.roles:
        assert role.at is not None
        if role.name in seen:
            (role.at / "name").wrong("there is a role of that name already")
        seen.add(role.name)
    try:
        features.for_router(list(realm.features))
    except UsageError as error:
        (at / "features").wrong(str(error))
    if realm.anonymous and realm.anonymous not in roles and not realm.authorizer:
        (at / "anonymous").wrong(f"there is no role {realm.anonymous!r} in this realm")
    if not (realm.users or realm.anonymous or realm.authenticator):
        at.wrong("nobody could join: it needs users, an authenticator, or anonymous = ROLE")
    return _users(realm, roles)


def _users(realm: RealmSettings, roles: set[str]) -> list[str]:
    """Note a file of users that is none; tell of users that cannot join."""
    assert realm.at is not None
    try:
        users = users_of(realm)
    except UsageError as error:
        (realm.at / "users").wrong(str(error))
        return []
    warnings = []
    if realm.users and not users:
        warnings.append(f"{realm.at / 'users'}: {realm.users} has no user of realm {realm.name}")
    for user in users:
        if user.role not in roles and not realm.authorizer:
            text = f"{realm.users}: {user.authid!r} cannot join realm {realm.name}"
            warnings.append(f"{text}: it has no role {user.role!r}")
    return warnings


def _listener(listener: ListenerSettings, realms: Sequence[RealmSettings]) -> list[str]:
    at = listener.at
    assert at is not None
    if listener.url.startswith("serial:"):
        return []
    try:
        place = listen_urls.parse(listener.url)
    except UsageError as error:
        (at / "url").wrong(str(error))
        return []
    _, is_secure = listen_urls.SCHEMES[place.scheme]
    if is_secure and not (listener.cert and listener.key):
        (at / "url").wrong(f"{place.scheme}:// promises TLS: it needs cert and key")
    for name in ("cert", "key", "ca"):
        file = getattr(listener, name)
        if file and not os.access(file, os.R_OK):
            (at / name).wrong(f"{file} cannot be read, or is not there")
        if file and not is_secure:
            (at / name).wrong(f"{place.scheme}:// has no TLS; tls, wss and rss have")
    if listener.key and os.access(listener.key, os.R_OK):
        try:
            check_private(Path(listener.key), "private key", 0o007)  # a group may share it
        except UsageError as error:
            (at / "key").wrong(str(error))
    return _warnings(listener, place, is_secure, realms)


def _warnings(
    listener: ListenerSettings,
    place: listen_urls.ListenUrl,
    is_secure: bool,
    realms: Sequence[RealmSettings],
) -> list[str]:
    if place.is_local:
        return []
    warnings = []
    if not is_secure:
        warnings.append(
            f"{listener.at}: {listener.url} is not within TLS: everybody on the way can read it"
        )
    if listener.allow_anonymous_network:
        warnings += [
            f"{listener.at}: {listener.url} lets in whoever reaches it, as {realm.anonymous}"
            for realm in realms
            if realm.anonymous and (listener.auth is None or "anonymous" in listener.auth)
        ]
    return warnings
