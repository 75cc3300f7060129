"""The users of a file: users.toml, which `wamplite user` writes and a router reads.

    [[user]]
    authid = "joe"
    realm = "home"
    role = "sensor"
    scram = { salt = "...", iterations = 10000, stored = "...", server = "..." }
    cra = { key = "...", salt = "...", iterations = 10000 }
    pubkeys = ["..."]
    invitation = { digest = "...", until = 1795750000 }    of `wamplite pair`

Passwords are not in it, but for those of `--plain`: what is there proves a password and does not
tell it. Whoever reads it may try passwords against it all the same, so it is refused where others
may. It is written anew and put into its place at once, under a lock: a reader sees the old one or
the new one, and two writers lose nothing.
"""

from __future__ import annotations

import fcntl
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .. import whole_file
from ..auth.keys import (
    KDFS,
    MOST_ITERATIONS,
    MOST_MEMORY,
    CraKey,
    ScramKeys,
)
from ..auth.users import User
from ..config import Location, in_toml, load
from ..core.errors import UsageError
from ..file_errors import why
from ..schema import MISSING, Kind, Text, Texts, Uri, Whole
from ..tables import Table, Tables

NAME = "users.toml"
HEADER = "# Written by `wamplite user`. Whoever reads this file may try passwords against it.\n"


class Invitation(NamedTuple):
    """That a device may hand in its key for a user: see enrolling."""

    digest: bytes  # SHA-256 of its ticket
    until: int  # seconds of the epoch


class Listed(NamedTuple):
    """A user, and where."""

    realm: str
    user: User
    invitation: Invitation | None = None

    def __str__(self) -> str:
        return f"{self.user.authid!r} of realm {self.realm}"


class Octets(Kind):
    """Octets in base64; read as they are."""

    wanted = "octets in base64"

    def fits(self, value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(b64decode(value, validate=True))
        except ValueError:
            return False

    def convert(self, value: Any) -> Any:
        return b64decode(value)


class Salt(Octets):
    """The same, as the text that it is."""

    def convert(self, value: Any) -> Any:
        return value


def read(path: str | Path, realm: str) -> list[User]:
    """Return the users of a realm; UsageError names what is wrong, with its line."""
    return [listed.user for listed in read_all(path) if listed.realm == realm]


def read_all(path: str | Path) -> list[Listed]:
    """Return all users; UsageError names what is wrong, with its line."""
    whole_file.check_private(Path(path), "users file")
    document = load(path)
    found = FILE.read(document.data, document.root())
    document.finish()
    listed: tuple[Listed, ...] = found.get("user", ())
    return list(listed)


def place_of(listed: list[Listed], realm: str, authid: str) -> int | None:
    """Return where a user stands; None where there is none such."""
    names = [(one.realm, one.user.authid) for one in listed]
    return names.index((realm, authid)) if (realm, authid) in names else None


@contextmanager
def edit(path: str | Path) -> Iterator[list[Listed]]:
    """Lend the users of a file, which need not be there yet, and write what became of them."""
    place = Path(path).resolve()
    try:
        folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as exc:
        raise UsageError(f"users file {path}: {place.parent}: {why(exc)}") from exc
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # until it is closed
        listed = read_all(place) if place.exists() else []
        yield listed
        try:
            whole_file.put(place, (HEADER + "".join(map(_as_toml, listed))).encode())
        except OSError as exc:
            raise UsageError(f"users file {path}: {why(exc, place)}; it is as it was") from exc
    finally:
        os.close(folder)


def _as_toml(listed: Listed) -> str:
    """Return the lines of one user."""
    user = listed.user
    told: dict[str, Any] = {"authid": user.authid, "realm": listed.realm, "role": user.role}
    if user.scram is not None:
        keys = user.scram
        told["scram"] = {
            "salt": keys.salt,
            "iterations": keys.iterations,
            "stored": b64encode(keys.stored).decode(),
            "server": b64encode(keys.server).decode(),
            **({"kdf": keys.kdf, "memory": keys.memory} if keys.memory else {}),
        }
    if user.cra is not None:
        salted = {"salt": user.cra.salt, "iterations": user.cra.iterations} if user.cra.salt else {}
        told["cra"] = {"key": user.cra.key.decode(), **salted}
    for name in ("pubkeys", "certificates"):
        if known := getattr(user, name):
            told[name] = sorted(known)
    if listed.invitation is not None:
        digest = b64encode(listed.invitation.digest).decode()
        told["invitation"] = {"digest": digest, "until": listed.invitation.until}
    lines = [f"{key} = {in_toml(value)}\n" for key, value in told.items()]
    return "\n[[user]]\n" + "".join(lines)


def _listed(
    authid: str,
    realm: str,
    role: str,
    scram: ScramKeys | None = None,
    cra: CraKey | None = None,
    pubkeys: tuple[str, ...] = (),
    certificates: tuple[str, ...] = (),
    invitation: Invitation | None = None,
) -> Listed:
    known = frozenset(pubkeys), frozenset(certificates)
    return Listed(realm, User(authid, role, scram, cra, *known), invitation)


def _cra(key: str, salt: str = "", iterations: int = 0) -> CraKey:
    return CraKey(key.encode(), salt, iterations)


def _check_names(make: Callable[..., User], key: str) -> Callable[[Listed, Location], None]:
    """Return a check of the keys, or the names of certificates, of one user."""

    def check(listed: Listed, at: Location) -> None:
        for name in sorted(getattr(listed.user, key)):
            try:
                make(listed.user.authid, listed.user.role, name)
            except UsageError as error:
                (at / key).wrong(str(error))

    return check


def _check_salt(cra: CraKey, at: Location) -> None:
    if bool(cra.salt) is not bool(cra.iterations):
        at.wrong("salt and iterations belong together")


def _check_twice(read: dict[str, Any], at: Location) -> None:
    seen: set[tuple[str, str]] = set()
    for number, listed in enumerate(read.get("user", ())):
        if listed is MISSING:
            continue
        name = (listed.realm, listed.user.authid)
        if name in seen:
            (at / "user" / number).wrong(f"there are two users {listed}")
        seen.add(name)


ITERATIONS = Whole(1, MOST_ITERATIONS)  # few of argon2 are many, and Crossbar derives by 1000
SCRAM = Table(
    {
        "salt": Salt(),
        "iterations": ITERATIONS,
        "stored": Octets(),
        "server": Octets(),
        "kdf": Text(*KDFS),
        "memory": Whole(0, MOST_MEMORY),
    },
    ScramKeys,
    required=("salt", "iterations", "stored", "server"),
)
CRA = Table(
    {"key": Text(), "salt": Text(), "iterations": ITERATIONS},
    _cra,
    required=("key",),
    checks=(_check_salt,),
)
INVITATION = Table(
    {"digest": Octets(), "until": Whole(0, 1 << 53)}, Invitation, required=("digest", "until")
)
USER = Table(
    {
        "authid": Text(),
        "realm": Uri(),
        "role": Text(),
        "scram": SCRAM,
        "cra": CRA,
        "pubkeys": Texts(),
        "certificates": Texts(),
        "invitation": INVITATION,
    },
    _listed,
    required=("authid", "realm", "role"),
    checks=(
        _check_names(User.of_pubkeys, "pubkeys"),
        _check_names(User.of_certificates, "certificates"),
    ),
)
FILE = Table({"user": Tables(USER)}, checks=(_check_twice,))
