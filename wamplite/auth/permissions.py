"""Roles and their permissions, and which of them decides: pure (RFC "Authorization").

What a role does not permit is forbidden. A URI is decided by the one permission that matches it
best, in the order in which a dealer finds a registration: the exact one, else the longest prefix,
else the wildcard whose leading components say most. So a permission without any action takes away
what a wider one gives. The URIs of the router's own procedures are URIs like others.

`{authid}` and `{role}` stand for a component of the session's own. An authid that is not a plain
component (a dot, a space, `*`, `#`, what cannot be printed) could widen a rule: for such a session
the permission is not there.

A REGISTER by pattern must be permitted for all URIs that the pattern finds, a SUBSCRIBE for one:
of its events those are kept back that are not permitted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from ..core import uris
from ..core.errors import UsageError
from ..core.matching import (
    ORDER,
    Matches,
    PrefixMatch,
    WildcardMatch,
    covers,
    overlap,
)

ACTIONS = ("call", "register", "publish", "subscribe")
DISCLOSURES = ("asked", "always", "never")
CHOICES = {"match": ORDER, "disclose_caller": DISCLOSURES, "disclose_publisher": DISCLOSURES}
REMEMBERED = 4096  # URIs whose permission is known, of all sessions together
_HOLDER = re.compile(r"\{([^{}]*)\}")
_COMPONENT = re.compile(r"[^\s.#*{}]{1,255}")  # and what can be printed


@dataclass(frozen=True)
class Permission:
    """What a role may do with the URIs that one URI or pattern finds; raises UsageError.

    allow: of ACTIONS. disclose_caller, disclose_publisher: whether a callee or a subscriber is told
    who calls or publishes: as it was "asked" for, "always" or "never". trustlevel: what they are
    told of it; None: what the features of trust levels say. origin: where it stands, to tell.
    """

    uri: str
    match: str = "exact"
    allow: Collection[str] = frozenset()
    disclose_caller: str = field(default="asked", kw_only=True)
    disclose_publisher: str = field(default="asked", kw_only=True)
    trustlevel: int | None = field(default=None, kw_only=True)
    origin: str = field(default="", kw_only=True, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.allow, str):
            raise UsageError(f"allow must be a list, [{self.allow!r}], not {self.allow!r}")
        object.__setattr__(self, "allow", frozenset(self.allow))
        self._check_values()
        self._check_uri()

    def _check_values(self) -> None:
        for name, values in CHOICES.items():
            value = getattr(self, name)
            if value not in values:
                raise UsageError(f"{name} must be one of {', '.join(values)}, not {value!r}")
        if not isinstance(self.uri, str):
            raise UsageError(f"a permission's uri is not a text: {uris.flaw(self.uri)}")
        for action in self.allow:
            if action not in ACTIONS:
                raise UsageError(f"allow can have {', '.join(ACTIONS)}, not {action!r}")
        if type(self.trustlevel) not in (int, type(None)):
            raise UsageError(f"trustlevel must be an integer, not {self.trustlevel!r}")

    def _check_uri(self) -> None:
        for holder in _HOLDER.findall(self.uri):
            if holder not in ("authid", "role"):
                text = f"{self.uri!r}: {{authid}} and {{role}} can stand there, not {{{holder}}}"
                raise UsageError(text)
        plain = _HOLDER.sub("x", self.uri)
        if not uris.is_valid_for(self.match, plain):
            wanted = "a URI" if self.match == "exact" else f"a pattern for match {self.match}"
            raise UsageError(f"{self.uri!r} is not {wanted}: {uris.flaw(plain)}")
        components = self.uri.split(".")
        for component in components:
            if "{" in component and not _HOLDER.fullmatch(component):
                text = f"{self.uri!r}: what is in braces must be a whole component"
                raise UsageError(f"{text}, as in home.{{authid}}.door")
        if self.match == "prefix" and "" in components[:-1]:
            raise UsageError(f"{self.uri!r} as a prefix finds nothing: no component is empty")
        if self.match == "prefix" and "{" in components[-1]:
            text = f"{self.uri!r} as a prefix would match names that only begin so"
            raise UsageError(f"{text}: put a dot behind it")

    @property
    def says_more(self) -> bool:
        """Tell whether it says anything of what a callee or a subscriber is told."""
        disclosures = self.disclose_caller, self.disclose_publisher
        return disclosures != ("asked", "asked") or self.trustlevel is not None

    @property
    def is_personal(self) -> bool:
        """Tell whether it depends on who the session is, beside its role."""
        return "{" in self.uri

    def filled(self, authid: str, role: str) -> Permission | None:
        """Return it as it is for a session; None where it is nothing for that."""
        if not self.is_personal:
            return self
        named = {"authid": authid, "role": role}
        for holder in _HOLDER.findall(self.uri):
            if not is_component(named[holder]):
                return None
        uri = _HOLDER.sub(lambda holder: named[holder[1]], self.uri)
        if not uris.is_valid_for(self.match, uri):
            return None  # it is too long
        return replace(self, uri=uri)


class Role(NamedTuple):
    """A role by its name, with what it permits."""

    name: str
    permissions: tuple[Permission, ...] = ()


class Decision(NamedTuple):
    """Whether something may be done, and by which permission: None where none speaks of it."""

    allowed: bool
    permission: Permission | None
    role: str


class Rights:
    """The permissions of one role with a session's own names filled in, as they are looked up."""

    def __init__(self, role: str, permissions: Iterable[Permission], roles: Roles) -> None:
        self.role = role
        self.known: dict[str, Permission | None] = {}  # by URI, what was looked up before
        self._roles = roles
        self._matches: Matches[Permission] = Matches()
        self._matches.install(PrefixMatch())
        self._matches.install(WildcardMatch())
        for permission in permissions:
            match = self._matches[permission.match]
            if permission.uri not in match.records:  # one that was filled in is second to another
                match.add(permission.uri, permission)
        self._ordered = sorted(self, key=_place)

    def __iter__(self) -> Iterator[Permission]:
        for match in self._matches.values():
            yield from match.records.values()

    def find(self, uri: str) -> Permission | None:
        """Return the permission that decides about a URI."""
        try:
            return self.known[uri]
        except KeyError:
            return self._look_up(uri)

    def decide(self, action: str, uri: str, match: str = "exact") -> Decision:
        """Tell whether an action is permitted for a URI or pattern, and by which permission."""
        if match == "exact":
            found = self.find(uri)
            return Decision(found is not None and action in found.allow, found, self.role)
        if match in ORDER:
            whole = action != "subscribe"  # it must be permitted for all that the pattern finds
            for permission in self._meeting(match, uri):
                allowed = action in permission.allow
                if allowed is not whole or covers(permission.match, permission.uri, match, uri):
                    return Decision(allowed, permission, self.role)
        return Decision(False, None, self.role)

    def may_know(self, uri: str, match: str = "exact") -> bool:
        """Tell whether anything is permitted for a URI, or for one of those that it finds."""
        if match == "exact":
            found = self.find(uri)
            return found is not None and bool(found.allow)
        return any(permission.allow for permission in self._meeting(match, uri))

    def _meeting(self, match: str, uri: str) -> Iterator[Permission]:
        """Yield, the best first, what decides about URIs that a pattern finds, to the last."""
        for permission in self._ordered:
            if overlap(permission.match, permission.uri, match, uri):
                yield permission
                if covers(permission.match, permission.uri, match, uri):
                    return

    def _look_up(self, uri: str) -> Permission | None:
        if not uris.is_valid(uri):
            return None
        found = next((each for match in self._matches.values() for each in match.find(uri)), None)
        self._roles.remember(self, uri, found)
        return found


class Roles:
    """All roles of a realm; raises UsageError for two of one name, or a permission twice.

    What it looks up it remembers, REMEMBERED of it: one thread at a time.
    """

    def __init__(self, roles: Iterable[Role] = ()) -> None:
        self._roles: dict[str, Role] = {}
        self._rights: WeakValueDictionary[tuple[str, str], Rights] = WeakValueDictionary()
        self._remembered = 0
        for role in roles:
            if role.name in self._roles:
                raise UsageError(f"there are two roles {role.name!r}")
            self._roles[role.name] = role
            _check_once(role)

    def __contains__(self, name: object) -> bool:
        return name in self._roles

    def __iter__(self) -> Iterator[Role]:
        return iter(self._roles.values())

    def rights(self, identity: Any) -> Rights:
        """Return what a session may do, by its authrole and authid; shared by those alike."""
        role = self._roles.get(identity.authrole) or Role(identity.authrole)
        is_personal = any(permission.is_personal for permission in role.permissions)
        key = role.name, identity.authid if is_personal else ""
        rights = self._rights.get(key)
        if rights is None:
            filled = [each.filled(identity.authid, role.name) for each in _plain_first(role)]
            rights = Rights(role.name, [each for each in filled if each is not None], self)
            self._rights[key] = rights
        return rights

    def decide(self, identity: Any, action: str, uri: str, match: str = "exact") -> Decision:
        """Tell whether somebody may do something with a URI or pattern, and by which permission.

        identity: with `authid` and `authrole`, as core's Identity has them.
        """
        return self.rights(identity).decide(action, uri, match)

    def remember(self, rights: Rights, uri: str, permission: Permission | None) -> None:
        """Note what was looked up, within the bound: beyond it all is looked up anew."""
        if self._remembered >= REMEMBERED:
            self._remembered = 0
            for each in list(self._rights.values()):
                each.known.clear()
        self._remembered += 1
        rights.known[uri] = permission


def is_component(name: str) -> bool:
    """Tell whether a name can stand as one component of a URI, and means itself there."""
    return _COMPONENT.fullmatch(name) is not None and name.isprintable()


def _place(permission: Permission) -> tuple[Any, ...]:
    """Say where a permission stands among those that are asked, the best first."""
    empty = [not component for component in permission.uri.split(".")]
    rank = -len(permission.uri) if permission.match == "prefix" else 0
    return ORDER.index(permission.match), rank, empty


def _plain_first(role: Role) -> list[Permission]:
    return sorted(role.permissions, key=lambda permission: permission.is_personal)


def _check_once(role: Role) -> None:
    seen: dict[tuple[str, str], Permission] = {}
    for permission in role.permissions:
        key = permission.match, permission.uri
        if key in seen:
            text = f"role {role.name!r} has two permissions for {permission.match} {key[1]!r}"
            places = [each.origin for each in (seen[key], permission) if each.origin]
            raise UsageError(": ".join([text, *([" and ".join(places)] if places else [])]))
        seen[key] = permission
