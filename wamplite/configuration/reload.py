"""What changes in a router that runs when its file is read again: all of it, or nothing.

    read and check all        a fault ends it here: nothing was touched
    open what is new          realms and listeners; a fault closes them again
    ── from here on nothing can fail ──
    take users, roles, methods, limits
    close what is gone        realms with GOODBYE, listeners, sessions that could not join any more

A listener that says something else is closed and opened anew; who came there stays. What a realm is
made with (household.FIXED) waits for the next start, and so do some limits: that is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from ..auth.permissions import Role, Roles
from ..auth.users import User, Users
from ..core.errors import UsageError
from ..router.limits import checked
from ..router.shared import FIXED as FIXED_LIMITS
from .build import Estate, keywords, open_realm
from .files import Configuration
from .household import FIXED, Household, fixed, roles_of
from .settings import RealmSettings
from .whole import users_of

PATIENCE = 5.0  # seconds for a realm to route the change


def reload(estate: Estate, now: Configuration) -> list[str]:
    """Make a router what its file says now; return what has changed, a line each.

    UsageError where that cannot be: all is as it was before.
    """
    return Reload(estate, now).run()


class Reload:
    """One time that it is done."""

    def __init__(self, estate: Estate, now: Configuration) -> None:
        self._estate, self._router = estate, estate.router
        self._before, self._now = estate.configuration, now
        self._told: list[str] = []
        self._realms = {realm.name: realm for realm in now.realms}
        self._kept: list[tuple[Household, RealmSettings, list[User], list[Role]]] = []

    def run(self) -> list[str]:
        """Do it."""
        if bool(self._now.realms) != bool(self._before.realms):
            raise UsageError("with the first realm of a file, or without its last one, start anew")
        checked(self._now.router.limits)
        for name, household in self._estate.households.items():
            if name in self._realms:
                self._prepare(household, self._realms[name])
        with ExitStack() as back:
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

    def _prepare(self, household: Household, realm: RealmSettings) -> None:
        """Have ready what a realm that stays will be; raises UsageError."""
        users, roles = users_of(realm), roles_of(realm)
        Users(users), Roles(roles)
        late = fixed(household.realm, realm)
        if late:
            self._told.append(f"realm {realm.name}: {', '.join(late)}: with the next start")
        before = {name: getattr(household.realm, name) for name in FIXED}
        self._kept.append((household, replace(realm, **before), users, roles))

    def _open_realms(self, back: ExitStack) -> dict[str, Household]:
        opened = {}
        for name, realm in self._realms.items():
            if name not in self._estate.households:
                opened[name] = open_realm(self._router, Household(realm))
                back.callback(self._router.remove_realm, name)
                self._told.append(f"realm {name}: opened")
        return opened

    def _change_listeners(self, back: ExitStack) -> dict[str, str]:
        """Close and open listeners; return their real URLs by what the file says."""
        before = {each.url: each for each in self._before.listeners}
        now = {each.url: each for each in self._now.listeners}
        urls = dict(self._estate.urls)
        for url, listener in before.items():
            if now.get(url) == listener:
                continue
            real = urls.pop(url)
            self._router.close_listener(real)
            back.callback(self._router.listen, real, **keywords(listener))
            if url in now:
                urls[url] = self._listen(back, real, keywords(now[url]))
            self._told.append(f"listener {real}: {'changed' if url in now else 'closed'}")
        for url, listener in now.items():
            if url not in before:
                urls[url] = self._listen(back, url, keywords(listener))
                self._told.append(f"listener {urls[url]}: opened")
        return urls

    def _listen(self, back: ExitStack, url: str, given: dict[str, Any]) -> str:
        real = self._router.listen(url, **given)
        back.callback(self._router.close_listener, real)
        return real

    def _take(self) -> None:
        limits: Mapping[str, Any] = self._now.router.limits
        if limits != self._before.router.limits:
            before, now = self._router.limits, checked(limits)
            late = [name for name in FIXED_LIMITS if getattr(before, name) != getattr(now, name)]
            self._router.take_limits(**limits)
            self._told.append("limits: changed")
            if late:
                self._told.append(f"{', '.join(late)}: with the next start")
        for household, realm, users, roles in self._kept:
            change = household.change_to(realm, users, roles)
            if change:
                self._told.append(f"realm {realm.name}: {change}")
            settle(self._estate, household)

    def _close_realms(self) -> None:
        for name in [name for name in self._estate.households if name not in self._realms]:
            self._router.remove_realm(name)
            del self._estate.households[name]
            self._told.append(f"realm {name}: closed")


def settle(estate: Estate, household: Household) -> None:
    """Have a realm offer what is true now, and end what may not go on; waits until it has."""
    routing = estate.router.realms[household.realm.name]
    routing.authmethods = household.methods()
    revise = partial(household.revise, routing.realm)
    routing.run_and_wait(revise, PATIENCE)
    # Who was accepted before, and has joined since
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
