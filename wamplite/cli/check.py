"""Check a router's file, or ask it who may do what. Exit code: 0 fine, or yes; 1 no; 2 wrong.

    wamplite check                                          the file that `wamplite router` reads
    wamplite check wamplite.toml
    wamplite check wamplite.toml --as joe publish home.door
    wamplite check wamplite.toml --role guest subscribe home.sensors. --match prefix

All that is wrong is told at once, with file and line. --as: a user of the realm's file, or
`anonymous`; --role: whoever has that role.
"""

from __future__ import annotations

import argparse

from ..auth.permissions import ACTIONS
from ..configuration import files, places
from ..configuration.files import Configuration
from ..configuration.settings import RealmSettings
from ..configuration.verdict import judge
from ..configuration.whole import users_of
from ..core.errors import UsageError
from ..core.matching import ORDER
from .common import text
from .streams import complain


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite check`."""
    add = parser.add_argument
    add("words", nargs="*", type=text, metavar="[FILE] [ACTION URI]", help=", ".join(ACTIONS))
    add("--as", dest="who", type=text, metavar="AUTHID", help="may it do that?")
    add("--role", type=text, help="may whoever has this role do that?")
    add("-r", "--realm", type=text, help="in which realm, where there are several")
    add("--match", choices=ORDER, default="exact", help="for a pattern (default: exact)")


def run(options: argparse.Namespace) -> int:
    """Check a file, and answer the question."""
    given, question = split(options.words)
    path = places.find(given)
    if path is None:
        raise UsageError("there is no file: `wamplite init` writes one")
    found = files.read(path)
    if not question:
        if options.who or options.role:
            raise UsageError("what may it do? ask as in: --as joe publish home.door")
        return tell(path, found)
    action, uri = question
    verdict = judge(found, options.realm, options.who, options.role, action, uri, options.match)
    print(verdict.text)
    return 0 if verdict.allowed else 1


def split(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the file, and what is asked about it: an action and a URI, or nothing."""
    if len(words) >= 2 and words[-2] in ACTIONS:
        words, question = words[:-2], words[-2:]
    else:
        question = []
    if len(words) > 1:
        raise UsageError(f"expected one file, then one of {', '.join(ACTIONS)} and a URI")
    return (words[0] if words else None), question


def tell(path: str, found: Configuration) -> int:
    """Print what a file says, in a few lines."""
    for listener in found.listeners:
        methods = "all methods that are safe there" if listener.auth is None else listener.auth
        offered = methods if isinstance(methods, str) else ", ".join(methods)
        print(f"listener {listener.url}: {offered}")
    for realm in found.realms:
        print(f"realm {realm.name}: {in_words(realm)}")
    for warning in found.warnings:
        complain(f"perhaps not meant: {warning}")
    limits = len(found.router.limits)
    others = ", ".join(found.files[1:])
    print(f"{path}: fine, {limits} limits{f', with {others}' if others else ''}")
    return 0


def in_words(realm: RealmSettings) -> str:
    """Return who may join a realm, and what there is of it."""
    told = [f"{len(users_of(realm))} users"] if realm.users else []
    told += [f"anonymous as {realm.anonymous}"] if realm.anonymous else []
    told += [f"authenticator {realm.authenticator}"] if realm.authenticator else []
    told += [f"authorizer {realm.authorizer}"] if realm.authorizer else []
    permissions = sum(len(role.permissions) for role in realm.roles)
    return ", ".join([*told, f"{len(realm.roles)} roles with {permissions} permissions"])
