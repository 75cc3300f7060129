"""One-time tickets, by which a new device hands in its key: made by `wamplite pair`.

    wamplite pair     makes a ticket, and writes its SHA-256 and until when it holds into users.toml
    the device        shows the ticket, with its public key: see auth.pairing
    the router        finds the hash, writes the key in its place, under the lock of the file

Whoever is first has it, and nobody else: the router looks again once it has the lock. A ticket has
128 random bits, so that a hash without salt and iterations tells nobody anything.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace

from ..auth.users import User, Users
from ..core.errors import UsageError
from ..locks import Lock
from ..whole_file import stamp
from .users_file import Invitation, Listed, edit, place_of, read, read_all

OCTETS = 16  # of a ticket
NOTHING = bytes(32)  # the digest of no ticket


def invite(path: str, realm: str, authid: str, role: str | None, seconds: float) -> str:
    """Write down that a device may pair, as a user that is there or a new one; return its ticket.

    A ticket from before holds no more. role: of a new user; UsageError where it does not fit.
    """
    ticket = secrets.token_urlsafe(OCTETS)
    invitation = Invitation(_digest(ticket), int(time.time() + seconds))
    with edit(path) as listed:
        at = place_of(listed, realm, authid)
        if at is None:
            if role is None:
                raise UsageError(f"{path}: there is no {authid!r} of realm {realm}: --role adds it")
            listed.append(Listed(realm, User(authid, role), invitation))
        else:
            known = listed[at].user.role
            if role not in (None, known):
                raise UsageError(f"{path}: the role of {authid!r} is {known}, not {role}")
            listed[at] = listed[at]._replace(invitation=invitation)
    return ticket


class Enrolling:
    """Takes the key of whoever shows a ticket, for the users of a realm. Threads may share it.

    A guess costs a look at the file's stamp: it is read only where it has changed.
    """

    def __init__(self, path: str, realm: str, users: Users) -> None:
        self._path, self._realm, self._users = path, realm, users
        self._lock = Lock()  # guards the next two
        self._stamp: tuple[int, ...] = ()
        self._invited: dict[str, Invitation] = {}

    def __call__(self, authid: str, ticket: str, pubkey: str) -> User | None:
        """Return whose ticket this was, and write the key down; None: it is nobody's, or was."""
        invited = self._look().get(authid)
        if not _holds(invited, ticket):
            return None
        with edit(self._path) as listed:
            at = place_of(listed, self._realm, authid)
            if at is None or not _holds(listed[at].invitation, ticket):
                return None
            user = listed[at].user
            user = replace(user, pubkeys=user.pubkeys | {pubkey})
            Users([user, *_others(listed, at)])  # UsageError: the key is somebody else's
            listed[at] = Listed(self._realm, user)
        self._users.replace(read(self._path, self._realm))
        return user

    def _look(self) -> dict[str, Invitation]:
        with self._lock:
            now = stamp(self._path)
            if now != self._stamp:
                self._invited = {
                    listed.user.authid: listed.invitation
                    for listed in read_all(self._path)
                    if listed.realm == self._realm and listed.invitation is not None
                }
                self._stamp = now
            return self._invited


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode(errors="surrogatepass")).digest()


def _holds(invitation: Invitation | None, ticket: str) -> bool:
    """Tell whether a ticket is the one; it takes as long where there is none."""
    known = NOTHING if invitation is None else invitation.digest
    is_right = hmac.compare_digest(known, _digest(ticket))
    return is_right and invitation is not None and time.time() < invitation.until


def _others(listed: list[Listed], at: int) -> Iterable[User]:
    realm = listed[at].realm
    return (one.user for number, one in enumerate(listed) if number != at and one.realm == realm)
