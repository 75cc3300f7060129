"""What changes in a router that runs when its file is read again: all of it, or nothing.

    read and check all        a fault ends it here: nothing was touched
    tell what must wait       features of a realm: its sessions go by what WELCOME told them
    open what is new          realms, listeners, files of events; a fault closes them again
    ── from here on nothing can fail ──
    take all the rest         users, roles, methods, rules of what is kept, limits, cookies
    close what is gone        realms with GOODBYE, listeners, sessions that could not join any more

A listener that says something else is closed and opened anew; who came there stays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from ..auth.permissions import Role, Roles
from ..auth.users import User, Users
from ..core.errors import UsageError
from ..router.limits import checked
from .build import Estate, Place, keywords, open_realm, placed
from .files import Configuration
from .household import KEPT, Household, roles_of, rules_of
from .settings import RealmSettings
from .whole import users_of

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds for a realm to route the change


def reload(estate: Estate, now: Configuration) -> list[str]:
    """Make a router what its file says now; return what has changed, a line each.

    UsageError where that cannot be: all is as it was before.
    """
    return Reload(estate, now).run()


class Change(NamedTuple):
    """What a realm that stays will be. kept: where events are kept from now on, by feature."""

    household: Household
    realm: RealmSettings
    users: list[User]
    roles: list[Role]
    kept: dict[str, list[Any]]


class Reload:
    """One time that it is done."""

    def __init__(self, estate: Estate, now: Configuration) -> None:
        self._estate, self._router = estate, estate.router
        self._before, self._now = estate.configuration, now
        self._told: list[str] = []
        self._realms = {realm.name: realm for realm in now.realms}
        self._changes: list[Change] = []

    def run(self) -> list[str]:
        """Do it."""
        if bool(self._now.realms) != bool(self._before.realms):
            raise UsageError("with the first realm of a file, or without its last one, start anew")
        checked(self._now.router.limits)
        with ExitStack() as back:
            for name, household in self._estate.households.items():
                if name in self._realms:
                    self._changes.append(self._prepared(household, self._realms[name], back))
            opened = self._open_realms(back)
            self._router.renew_certificates()
            urls = self._change_listeners(back)
            back.pop_all()
        self._estate.households |= opened
        self._estate.urls = urls
        self._take()
        self._close_realms()
        self._estate.configuration = replace(
            self._now, realms=tuple(each.realm for each in self._estate.households.values())
        )
        return self._told or ["nothing has changed"]

    def _prepared(self, household: Household, realm: RealmSettings, back: ExitStack) -> Change:
        """Have ready what a realm that stays will be; raises UsageError."""
        users, roles = users_of(realm), roles_of(realm)
        Users(users), Roles(roles)
        if late := household.late(realm):
            text = f"realm {realm.name}: {', '.join(late)}: needs a restart of the router"
            log.warning("%s: sessions were told what the realm has when they joined", text)
            self._told.append(text)
        realm = replace(realm, **{name: getattr(household.realm, name) for name in late})
        kept = {}
        for table, feature in KEPT.items():
            if getattr(realm, table) != getattr(household.realm, table):
                kept[feature] = household.installed[feature].prepared(rules_of(realm, table))
                for each in kept[feature]:
                    back.callback(each.close)
        return Change(household, realm, users, roles, kept)

    def _open_realms(self, back: ExitStack) -> dict[str, Household]:
        opened = {}
        for name, realm in self._realms.items():
            if name not in self._estate.households:
                household = Household(realm, self._estate.cookies)
                opened[name] = open_realm(self._router, household)
                back.callback(self._router.remove_realm, name)
                self._told.append(f"realm {name}: opened")
        return opened

    def _change_listeners(self, back: ExitStack) -> dict[Place, str]:
        """Close and open listeners; return their real URLs by what the file says."""
        before, now = placed(self._before.listeners), placed(self._now.listeners)
        urls = dict(self._estate.urls)
        for place, listener in before.items():
            if now.get(place) == listener:
                continue
            real = urls.pop(place)
            self._router.close_listener(real)
            back.callback(self._router.listen, real, **keywords(listener))
            if place in now:
                urls[place] = self._listen(back, real, keywords(now[place]))
            self._told.append(f"listener {real}: {'changed' if place in now else 'closed'}")
        for place, listener in now.items():
            if place not in before:
                urls[place] = self._listen(back, listener.url, keywords(listener))
                self._told.append(f"listener {urls[place]}: opened")
        return urls

    def _listen(self, back: ExitStack, url: str, given: dict[str, Any]) -> str:
        real = self._router.listen(url, **given)
        back.callback(self._router.close_listener, real)
        return real

    def _take(self) -> None:
        before, now = self._before.router, self._now.router
        if now.limits != before.limits:
            self._router.take_limits(**now.limits)
            self._told.append("limits: changed")
        if (now.cookie_max_age, now.max_cookies) != (before.cookie_max_age, before.max_cookies):
            self._estate.cookies.take(now.cookie_max_age, now.max_cookies)
            self._told.append("cookies: changed")
        if now.pid_file != before.pid_file:
            self._told.append("pid_file: changed")
        for change in self._changes:
            told = change.household.change_to(change.realm, change.users, change.roles)
            if told:
                self._told.append(f"realm {change.realm.name}: {told}")
        for name, household in self._estate.households.items():
            kept = {each.realm.name: each.kept for each in self._changes}.get(name, {})
            settle(self._estate, household, kept)

    def _close_realms(self) -> None:
        for name in [name for name in self._estate.households if name not in self._realms]:
            self._router.remove_realm(name)
            del self._estate.households[name]
            self._told.append(f"realm {name}: closed")


def settle(
    estate: Estate, household: Household, kept: Mapping[str, list[Any]] | None = None
) -> None:
    """Have a realm offer what is true now, and end what may not go on; waits until it has.

    kept: where events are kept from now on, by feature.
    """
    routing = estate.router.realms[household.realm.name]
    routing.authmethods = household.methods()
    gone: list[Any] = []

    def follow() -> None:
        for feature, prepared in (kept or {}).items():
            gone.extend(household.installed[feature].take(prepared))
        household.revise(routing.realm)

    routing.run_and_wait(follow, PATIENCE)
    for each in gone:
        each.close()
    # Who was accepted before, and has joined since
    revise = partial(household.revise, routing.realm)
    routing.later(estate.router.limits.handshake_timeout, revise)


def notice(estate: Estate) -> list[str]:
    """Take files of users that have changed; return what has. UsageError: all is as it was."""
    told = []
    for household in estate.households.values():
        if household.has_new_users():
            change = household.change_to(
                household.realm, users_of(household.realm), household.roles
            )
            settle(estate, household)
            told.append(f"realm {household.realm.name}: {change or 'the same users'}")
    return told
