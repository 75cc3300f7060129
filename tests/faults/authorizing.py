"""A program with a router whose roles may do this and not that; see programs.py."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import wamplite
from wamplite.auth import Authorization, Permission, Role
from wamplite.core.handshake import AuthMethod, anonymous
from wamplite.core.members import Identity

ALL = ("call", "register", "publish", "subscribe")


def roles(heard: bool = True) -> list[Role]:
    """Return the roles; `heard`: whether what can be taken away is there."""
    own = [Permission("area.own.{authid}.", "prefix", ALL)]
    secret = [Permission("area.secret", allow=[]), Permission("area.secret.", "prefix", [])]
    undisclosed = {"disclose_caller": "never", "disclose_publisher": "never"}
    hidden = [Permission("area.hidden.", "prefix", ALL, **undisclosed)]  # type: ignore[arg-type]
    shared = [Permission(uri, "prefix", ALL) for uri in ("faults.", "area.", "wamp.session.")]
    lent = [Permission("area.lent.", "prefix", ALL if heard else [])]
    own_is_forbidden = [Permission("area.own.", "prefix", [])]
    guest = (*shared, *secret, *hidden, *lent, *own, *own_is_forbidden)
    return [Role("anonymous", guest), Role("admin", (Permission("", "prefix", ALL),))]


def authorize(session: dict[str, Any], uri: str, action: str, options: dict[str, Any]) -> Any:
    """Raise, or answer nonsense, as the URI says; only asked where no permission speaks."""
    if uri.startswith("asked.raises"):
        raise ZeroDivisionError("a bug in an authorizer")
    if uri.startswith("asked.sleeps"):
        time.sleep(0.2)
        return False
    nonsense: dict[str, Any] = {"none": None, "text": "yes", "number": 1, "dict": {"allow": "yes"}}
    return nonsense.get(uri.rpartition(".")[2], False)


def named(hello: Any, joining: Any) -> Any:
    """Let everybody be called as they wish."""
    identity = anonymous(hello, joining)
    return identity._replace(authid=hello.details["authid"])


def admin(hello: Any, joining: Any) -> Any:
    """Let everybody be the one who may do everything."""
    yield from ()
    return Identity("root", "admin", "admin", "static")


def authorizing() -> tuple[wamplite.Router, Any]:
    """Make the router, and what revises its roles."""
    methods: dict[str, AuthMethod] = {"anonymous": anonymous, "named": named, "admin": admin}
    wanted = ["standard", "subscription_revocation", "registration_revocation"]
    wanted.append(partial(Authorization, roles(), authorizer=authorize))  # type: ignore[arg-type]
    router = wamplite.Router(features=wanted, authmethods=methods, linger=0.2)
    routing = router.realms["realm1"]
    feature: Any = next(f for f in routing.realm.features if isinstance(f, Authorization))

    def revise(heard: bool) -> None:
        routing.run(lambda: feature.revise(roles(heard)))

    return router, revise
