"""Keep the file of those who may join a router: users.toml.

    wamplite user add joe --realm home --role sensor       asks for a password
    echo s3cret | wamplite user add joe --realm home --role sensor
    wamplite user add ann --realm home --role owner --pubkey ann.pub
    wamplite user list
    wamplite user passwd joe
    wamplite user del joe

Of a password the file has what proves it, for ticket, wampcra and scram, not itself; with --plain
it has the password, for clients that know only wampcra without salt. A router that runs with the
file notices what was changed.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from dataclasses import replace
from pathlib import Path

from ..auth.key_files import public_key, public_keys
from ..auth.keys import ITERATIONS, LEAST_ITERATIONS, MOST_ITERATIONS
from ..auth.users import User
from ..configuration import doubts
from ..configuration.users_file import NAME, Listed, edit, place_of, read_all
from ..core import uris
from ..core.errors import UsageError
from .common import environment, text
from .streams import complain

LONGEST = 4096  # characters of a password


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite user`."""
    add = parser.add_argument
    add("action", choices=("add", "passwd", "del", "list"))
    add("authid", nargs="?", type=text)
    add("-r", "--realm", type=text, default=environment("REALM"))
    add("--role", type=text, help="what its permissions are named by")
    add("--file", default=environment("USERS", NAME), help="default: %(default)s")
    add(
        "--pubkey",
        action="append",
        metavar="HEX|FILE",
        help="for cryptosign: 64 hexadecimal digits, or a file of ssh-keygen; repeatable",
    )
    add(
        "--certificate",
        action="append",
        metavar="NAME",
        help="that its TLS certificate is known by: cn:joe, dns:pi.example.com, sha256:...",
    )
    add("--plain", action="store_true", help="keep the password itself: see above")
    add(
        "--iterations",
        type=int,
        default=ITERATIONS,
        metavar="N",
        help="of PBKDF2: more are slower to try, and to log in with (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Change the file, or print who is in it."""
    if options.action == "list":
        return show(options)
    if not options.authid:
        raise UsageError(f"{options.action}: say who: wamplite user {options.action} AUTHID")
    if not LEAST_ITERATIONS <= options.iterations <= MOST_ITERATIONS:
        wanted = f"from {LEAST_ITERATIONS} to {MOST_ITERATIONS}"
        raise UsageError(f"--iterations must be {wanted}, not {options.iterations}")
    {"add": put, "passwd": change, "del": remove}[options.action](options)
    return 0


def put(options: argparse.Namespace) -> None:
    """Add a user."""
    needed = [f"--{name} NAME" for name in ("realm", "role") if not getattr(options, name)]
    if needed:
        raise UsageError(f"add: {' and '.join(needed)} {'are' if needed[1:] else 'is'} needed")
    if not uris.is_valid(options.realm):
        raise UsageError(f"{options.realm!r} is not a valid realm")
    check_free(options, read_all_or_none(options.file))  # before anybody types a password
    for doubt in doubts.of_user(options.file, options.realm, options.role):
        complain(f"perhaps not meant: {doubt}")
    new = Listed(options.realm, made(options, options.role))
    with edit(options.file) as listed:
        check_free(options, listed)
        listed.append(new)
    print(f"{new} may log in as {options.role} by {', '.join(ways(new.user))}")


def check_free(options: argparse.Namespace, listed: list[Listed]) -> None:
    """Refuse to add who is there."""
    if place_of(listed, options.realm, options.authid) is not None:
        raise UsageError(
            f"{options.file}: {options.authid!r} of realm {options.realm} is there already:"
            " passwd changes its password, del removes it"
        )


def change(options: argparse.Namespace) -> None:
    """Give a user another password; its keys stay."""
    if options.pubkey or options.certificate or options.role:
        raise UsageError("passwd changes the password alone; for the rest: del, and add")
    found(options, read_all_or_none(options.file))
    secret = password()
    with edit(options.file) as listed:
        at = found(options, listed)
        before = listed[at].user
        user = of_password(options, before.role, secret)
        user = replace(user, pubkeys=before.pubkeys, certificates=before.certificates)
        listed[at] = Listed(listed[at].realm, user)
        told = listed[at]
    print(f"{told} has another password")


def remove(options: argparse.Namespace) -> None:
    """Remove a user."""
    found(options, read_all_or_none(options.file))
    with edit(options.file) as listed:
        told = listed.pop(found(options, listed))
    print(f"{told} is removed")


def show(options: argparse.Namespace) -> int:
    """Print a line for each user: who, where, as what, and how it proves that."""
    for one in read_all(options.file):
        realm, user = one.realm, one.user
        if options.realm in (None, realm) and options.authid in (None, user.authid):
            is_invited = one.invitation is not None and one.invitation.until > time.time()
            by = [*ways(user), *(["pairing"] if is_invited else [])]
            print("\t".join([user.authid, realm, user.role, ", ".join(by)]))
    return 0


def found(options: argparse.Namespace, listed: list[Listed]) -> int:
    """Return where a user stands; UsageError where there is none such, or several."""
    there = [
        number
        for number, one in enumerate(listed)
        if one.user.authid == options.authid and options.realm in (None, one.realm)
    ]
    if len(there) == 1:
        return there[0]
    if there:
        realms = ", ".join(listed[number].realm for number in there)
        raise UsageError(f"{options.authid!r} is in several realms: add --realm: {realms}")
    where = f" of realm {options.realm}" if options.realm else ""
    raise UsageError(f"{options.file}: there is no {options.authid!r}{where}")


def read_all_or_none(path: str) -> list[Listed]:
    """Return who is in a file that need not be there yet."""
    return read_all(path) if Path(path).exists() else []


def made(options: argparse.Namespace, role: str) -> User:
    """Return the user that the options describe; it asks for a password where there is no key."""
    keys = [key for word in options.pubkey or () for key in keys_of(word)]
    names = options.certificate or []
    if not keys and not names:
        return of_password(options, role, password())
    if options.plain:
        raise UsageError("--plain keeps a password, and there is none with --pubkey, --certificate")
    User.of_pubkeys(options.authid, role, *keys)
    User.of_certificates(options.authid, role, *names)
    return User(options.authid, role, pubkeys=frozenset(keys), certificates=frozenset(names))


def of_password(options: argparse.Namespace, role: str, secret: str) -> User:
    """Return a user who has a password."""
    if options.plain:
        complain(
            f"{options.file} will hold the password itself:"
            " whoever reads the file can log in with it"
        )
        return User.of_secret(options.authid, role, secret)
    return User.of_password(options.authid, role, secret, iterations=options.iterations)


def keys_of(word: str) -> list[str]:
    """Return the public keys that a word is, or that are in the file that it names."""
    key = public_key(word)
    return [key] if key else public_keys(word)


def password() -> str:
    """Ask at the terminal, twice; where there is none, read a line of stdin."""
    if sys.stdin.isatty():
        secret = getpass.getpass("password: ")
        if secret != getpass.getpass("the same again: "):
            raise UsageError("the two passwords differ: nothing was changed")
    else:
        secret = sys.stdin.readline(LONGEST + 2).rstrip("\r\n")
    if not secret:
        raise UsageError("a password is not empty: type one, or give a line of stdin")
    if len(secret) > LONGEST:
        raise UsageError(f"a password has at most {LONGEST} characters")
    return secret


def ways(user: User) -> list[str]:
    """Name the methods by which a user can prove who it is."""
    salted = user.cra and user.cra.salt
    by = {
        "ticket": user.scram,
        "scram": user.scram,
        "wampcra": user.cra if salted else None,
        "wampcra (the password is in the file)": None if salted else user.cra,
        "cryptosign": user.pubkeys,
        "tls": user.certificates,
    }
    return [name for name, there in by.items() if there] or ["nothing"]
