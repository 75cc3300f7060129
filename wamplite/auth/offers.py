"""What a router offers those who join: its methods of authentication, by name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from ..core.errors import UsageError
from ..core.handshake import Anonymous, AuthMethod
from .users import Users

if TYPE_CHECKING:
    from .cookie import Cookies

METHODS = {  # as announced -> module
    "wamp-scram": "scram",
    "scram": "scram",
    "wampcra": "wampcra",
    "cryptosign": "cryptosign",
    "ticket": "ticket",
    "tls": "tls",
}


def methods(
    users: Users,
    names: Iterable[str] | None = None,
    *,
    anonymous: str | None = None,
    cookies: Cookies | None = None,
) -> dict[str, AuthMethod]:
    """Return a router's methods for these users, for `Router(authmethods=)` and `listen`.

    names: which of them; None: all whose packages are installed (cryptosign needs cryptography, or
    PyNaCl). anonymous: the role of whoever does not say who it is, under a random authid; None:
    nobody such gets in. cookies: browsers that were let in come back by a cookie, see auth.cookie.
    Raises UsageError where there is no method of a name, or its package is missing.
    """
    found: dict[str, AuthMethod] = {}
    for name in METHODS if names is None else names:
        if name not in METHODS:
            raise UsageError(f"there is no authmethod {name!r}; there are: {', '.join(METHODS)}")
        module = import_module(f".{METHODS[name]}", __package__)
        try:
            found[name] = module.for_router(users, name)
        except UsageError:  # its package is missing
            if names is not None:
                raise
            continue
        if cookies is not None:
            found[name] = cookies.remembering(name, found[name], users)
    if anonymous is not None:
        found["anonymous"] = Anonymous(anonymous)
    if cookies is not None:
        found["cookie"] = cookies.method(users)
    return found
