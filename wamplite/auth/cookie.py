"""cookie: a browser that has said who it is comes back (RFC "Cookie-based Authentication").

    upgrade to WebSocket   without a cookie that is known: a new one is set, HttpOnly and
                           SameSite=Strict, within TLS Secure and __Host-
    another method lets in the new cookie stands for this user in this realm, for `max_age`
    cookie                 lets in whom it stands for, unless the user has changed or gone; else the
                           next method that HELLO offers has its turn

A cookie that somebody brings along is never given to another user: nobody can plant his own. Kept
are hashes, `most` of them, in memory: the oldest goes first, all with the router. About a user that
an authenticator has told of it is not asked again.
"""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from ..core.errors import UsageError
from ..core.handshake import AuthMethod, Dialogue, Joining
from ..core.members import Identity
from ..core.messages import Hello
from ..locks import Lock
from .users import User, Users, denied

WEEK = 7 * 86_400.0
OCTETS = 24  # of a cookie: nobody guesses one
LONGEST = 64  # characters that are looked at
NEVER = ("anonymous", "cookie")  # methods after which nobody is remembered


class ShownCookie(NamedTuple):
    """The cookie of a connection: which one, and whether it was set just now."""

    digest: bytes
    is_new: bool


class Known(NamedTuple):
    """Whom a cookie stands for in one realm."""

    identity: Identity
    user: User | None  # as it was then; None: one that no list has


class Cookies:
    """The cookies of a router, for `Router(cookies=)` and `methods(cookies=)`. Any thread.

    max_age: seconds that one stays good; 0: nobody is given one, nobody comes back by one. most:
    how many are kept.
    """

    def __init__(self, *, max_age: float = WEEK, most: int = 1024, name: str = "wamplite") -> None:
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise UsageError(f"the name of a cookie has letters, digits, - and _, not {name!r}")
        self._name = name
        self._lock = Lock()  # guards what follows
        self._known: dict[bytes, tuple[float, dict[str, Known]]] = {}  # until when, by realm
        self.take(max_age, most)

    def take(self, max_age: float, most: int) -> None:
        """Have other bounds, for cookies that are kept, too; UsageError where they cannot be."""
        if not (max_age == 0 or max_age >= 1) or most < 1:
            raise UsageError("cookies stay good for 1 second at least, and 1 is kept at least")
        latest = time.monotonic() + max_age
        with self._lock:
            self.max_age, self.most = max_age, most
            kept = list(self._known.items())[-most:] if max_age else []
            self._known = {key: (min(until, latest), of) for key, (until, of) in kept}

    def agree(self, sent: list[str], is_secure: bool) -> tuple[ShownCookie | None, str | None]:
        """Return the cookie of a request, by its Cookie headers, and the Set-Cookie of the answer.

        is_secure: it came within TLS.
        """
        if not self.max_age:
            return None, None
        name = f"__Host-{self._name}" if is_secure else self._name
        for pair in (pair for header in sent for pair in header.split(";")):
            key, _, value = pair.strip().partition("=")
            shown = _digest(value)
            if key == name and self._find(shown):
                return ShownCookie(shown, False), None
        value = urlsafe_b64encode(os.urandom(OCTETS)).decode()
        kind = "; Secure" if is_secure else ""
        rules = f"Path=/; Max-Age={int(self.max_age)}; HttpOnly; SameSite=Strict{kind}"
        return ShownCookie(_digest(value), True), f"{name}={value}; {rules}"

    def method(self, users: Users) -> AuthMethod:
        """Return the method that lets in by a cookie."""

        def know(hello: Hello, joining: Joining) -> Identity | None:
            shown = joining.cookie
            known = self._find(shown.digest).get(joining.realm) if shown else None
            if known is None or users.by_name(known.identity.authid) != known.user:
                return None
            if hello.details.get("authid") not in (None, known.identity.authid):
                raise denied()
            return known.identity._replace(authmethod="cookie", authextra=None)

        return know

    def remembering(self, name: str, method: AuthMethod, users: Users) -> AuthMethod:
        """Return a method that does what another does, and remembers whom it has let in."""
        if name in NEVER:
            return method

        def ask(hello: Hello, joining: Joining) -> Dialogue | None:
            begun = method(hello, joining)
            return None if begun is None else self._remember(begun, joining, users)

        return ask

    def forget(self, authid: str | None = None) -> None:
        """Let nobody come back by a cookie, or not this user."""
        with self._lock:
            for digest, (_, realms) in list(self._known.items()):
                left = {
                    realm: known
                    for realm, known in realms.items()
                    if authid not in (None, known.identity.authid)
                }
                if len(left) < len(realms):
                    self._known[digest] = self._known[digest][0], left
                if not left:
                    del self._known[digest]

    def _remember(self, begun: Dialogue | Identity, joining: Joining, users: Users) -> Dialogue:
        identity = begun if isinstance(begun, Identity) else (yield from begun)
        shown = joining.cookie
        if shown is not None and shown.is_new:
            known = Known(identity, users.by_name(identity.authid))
            with self._lock:
                _, realms = self._known.pop(shown.digest, (0.0, {}))
                until = time.monotonic() + self.max_age
                self._known[shown.digest] = until, {**realms, joining.realm: known}
                while len(self._known) > self.most:
                    del self._known[next(iter(self._known))]
        return identity

    def _find(self, digest: bytes) -> Mapping[str, Known]:
        with self._lock:
            until, realms = self._known.get(digest, (0.0, {}))
            if realms and until < time.monotonic():
                del self._known[digest]
                return {}
            return realms


def _digest(value: str) -> bytes:
    return sha256(value[:LONGEST].encode("utf-8", "backslashreplace")).digest()
