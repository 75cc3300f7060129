"""Who somebody is, one file for each method, both sides of it; and who may do what.

    connect(url, auth=Ticket("joe", "s3cret"))            the client's side: Ticket, WampCra, Scram,
                                                          CryptoSign, ClientCertificate, or a
                                                          list of them
    Router(authmethods=methods(Users([user, ...])))       the router's side

Nothing here is imported until somebody asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .authorization import Authorization
    from .cookie import Cookies
    from .cryptosign import CryptoSign
    from .dynamic import Authenticator
    from .offers import methods
    from .permissions import Permission, Role, Roles
    from .scram import Scram
    from .ticket import Ticket
    from .tls import ClientCertificate
    from .users import User, Users
    from .wampcra import WampCra

_HOMES = {
    "Authenticator": "dynamic",
    "Authorization": "authorization",
    "ClientCertificate": "tls",
    "Cookies": "cookie",
    "CryptoSign": "cryptosign",
    "Permission": "permissions",
    "Role": "permissions",
    "Roles": "permissions",
    "Scram": "scram",
    "Ticket": "ticket",
    "User": "users",
    "Users": "users",
    "WampCra": "wampcra",
    "methods": "offers",
}

__all__ = [
    "Authenticator",
    "Authorization",
    "ClientCertificate",
    "Cookies",
    "CryptoSign",
    "Permission",
    "Role",
    "Roles",
    "Scram",
    "Ticket",
    "User",
    "Users",
    "WampCra",
    "methods",
]


def __getattr__(name: str) -> object:
    """Load a name from its home, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = found
    return found
