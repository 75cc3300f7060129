"""Crossbar's node configuration, .crossbar/config.json or .yaml, version 2.

Workers fall away: there is one router, with all realms and all transports. Each transport's `auth`
becomes the listener's `auth`; the principals in it become users of a file, anonymous its realm's
role. Without `auth` sessions are anonymous, in the role of that name.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ...auth.keys import LEAST_ITERATIONS
from ...auth.permissions import ACTIONS
from ...core.errors import UsageError
from .draft import Draft
from .people import PRINCIPALS, plain_user
from .tree import Tree

OFFERED = {"scram": ["scram", "wamp-scram"]}
COOKIE_AGE = 360 * 86400  # seconds, where no max_age is said
KNOWN = ("ticket", "wampcra", "scram", "cryptosign", "tls", "anonymous")
PAGES = ("static", "json", "nodeinfo", "resource", "archive", "caller", "publisher", "path")


def read(tree: Tree, draft: Draft) -> None:
    """Draft our file of Crossbar's."""
    workers = tree.tables("workers")
    for worker in workers:
        kind = worker.take("type")
        if kind == "router":
            for realm in worker.tables("realms"):
                _realm(realm, draft)
    for worker in workers:
        kind = worker.data.get("type")
        if kind not in ("router", "proxy"):
            draft.lose(f"{worker.path}: a worker of type {kind}: start it by itself")
            worker.forget()
            continue
        for name in ("components", "connections", "routes", "backends"):
            for component in worker.tables(name):
                said = component.data.get("classname", "")
                draft.lose(f"{component.path}: {said}: start it by itself, with a client")
                component.forget()
        for transport in worker.tables("transports"):
            _transport(transport, draft)


def _realm(realm: Tree, draft: Draft) -> None:
    name = realm.take("name", "", str)
    if name in draft.realms:
        draft.lose(f"{realm.path}: realm {name} is in two workers: the first counts")
        return
    draft.realm(name)
    for role in realm.tables("roles"):
        made = draft.role(name, role.take("name", "", str))
        authorizer = role.take("authorizer", None, str)
        if authorizer:
            draft.realm(name)["authorizer"] = authorizer
            draft.lose(f"{role.path}.authorizer: it is asked for all roles of realm {name}")
        for permission in role.tables("permissions"):
            _permission(permission, made, draft)
    store = realm.table("store")
    store.take("type")
    for history in store.tables("event-history"):
        draft.realm(name).setdefault("history", []).append(_history(history))


def _history(history: Tree) -> dict[str, Any]:
    told = {"uri": history.take("uri", ""), "match": history.take("match", "exact")}
    limit = history.take("limit", 0, int)
    return {**told, "max_events": limit} if limit else told


def _permission(permission: Tree, role: dict[str, Any], draft: Draft) -> None:
    uri = permission.take("uri", "", str)
    match = permission.take("match", "exact", str)
    if uri.endswith("*"):
        uri, match = uri[:-1], "prefix"
    allow = permission.table("allow") if "allow" in permission else permission
    allowed = [action for action in ACTIONS if allow.take(action) is True]
    disclose = permission.table("disclose")
    told = {
        f"disclose_{who}": "always" if disclose.take(who) is True else None
        for who in ("caller", "publisher")
    }
    draft.permit(permission.path, role, {"uri": uri, "match": match, "allow": allowed, **told})


def _transport(transport: Tree, draft: Draft) -> None:
    kind = transport.take("type")
    endpoint = transport.table("endpoint")
    if kind == "websocket":
        path = urlsplit(transport.take("url", "", str)).path or "/"
        _listen(draft, endpoint, "ws", [transport], path)
    elif kind == "rawsocket":
        _listen(draft, endpoint, "rs", [transport])
    elif kind in ("web", "universal"):
        _several(draft, transport, endpoint)
    else:
        draft.lose(f"{transport.path}: a transport of type {kind}")


def _several(draft: Draft, transport: Tree, endpoint: Tree) -> None:
    """Draft what has several protocols on one port, or paths."""
    raw = transport.table("rawsocket") if "rawsocket" in transport else None
    sockets = transport.table("websocket").each()
    longpoll = False
    for source in (transport.table("paths"), transport.table("web").table("paths")):
        for name, path in source.each():
            kind = path.data.get("type")
            longpoll |= kind == "longpoll"
            if kind == "websocket":
                sockets.append((name, path))
            elif kind == "longpoll":
                path.take("type")
            else:
                draft.lose(f"{path.path}: {kind}: no web pages are served")
                path.forget()
    if not sockets and raw is None:
        draft.lose(f"{transport.path}: no WAMP there")
        return
    for _, path in sockets[1:]:
        draft.lose(f"{path.path}: a second WebSocket on the port: clients say /{sockets[0][0]}")
        path.forget()
    name = "/" + sockets[0][0].strip("/") if sockets else "/ws"
    several = [*([raw] if raw is not None else []), *(path for _, path in sockets[:1])]
    scheme, path_of = ("ws", name) if raw is None and name != "/ws" else ("tcp", "")
    if scheme == "tcp" and name != "/ws":
        draft.lose(f"{transport.path}: WebSocket at {name}: it is at /ws beside RawSocket")
    _listen(draft, endpoint, scheme, several, path_of, longpoll)


def _listen(
    draft: Draft,
    endpoint: Tree,
    scheme: str,
    several: list[Tree],
    path: str = "",
    longpoll: bool = False,
) -> None:
    keys: dict[str, Any] = {"auth": [], "longpoll": longpoll}
    for each in several:
        each.take("type")
        keys["auth"] += [name for name in _auth(each, draft) if name not in keys["auth"]]
        _options(each.table("options"), draft, keys)
    kind = endpoint.take("type")
    tls = endpoint.table("tls")
    if tls:
        scheme = {"ws": "wss", "rs": "rss", "tcp": "tls"}[scheme]
        keys |= {"cert": tls.take("certificate"), "key": tls.take("key")}
        authorities = tls.take("ca_certificates", [], list)
        keys["ca"] = authorities[0] if authorities else None
    if not keys["auth"]:
        draft.lose(f"{endpoint.path}: no method of its `auth` is one of ours: left out")
    elif kind == "unix":
        place = str(endpoint.take("path", "", str))
        if not place.startswith("/"):
            draft.lose(f"{endpoint.path}.path: {place}: the path of a Unix socket must be whole")
            return
        draft.add({"url": f"unix://{place}", **keys}, place)
    elif kind == "tcp" and isinstance(endpoint.data.get("port"), int):
        draft.listen(
            scheme, endpoint.take("interface", "", str), endpoint.take("port"), path, **keys
        )
    else:
        draft.lose(f"{endpoint.path}: an endpoint of type {kind}, port {endpoint.data.get('port')}")


def _options(options: Tree, draft: Draft, keys: dict[str, Any]) -> None:
    size = options.take("max_message_size", 0, int)
    if size:
        draft.limit("max_message_size", min(size, 2**24))
    interval = options.take("auto_ping_interval", 0, int)
    if interval:
        draft.router.setdefault("ping_interval", f"{interval} ms")
    allowed = options.take("allowed_origins", [], list)
    keys["allowed_origins"] = [origin for origin in allowed if isinstance(origin, str)]
    if options.take("compression"):
        keys["compress"] = True


def _auth(transport: Tree, draft: Draft) -> list[str]:
    """Draft the principals of a transport; return which methods it offers."""
    if not transport.data.get("auth"):
        for name, realm in draft.realms.items():
            if any(role["name"] == "anonymous" for role in draft.realm(name)["role"]):
                realm["anonymous"] = "anonymous"
        return ["anonymous"]
    offered: list[str] = []
    for name, method in transport.table("auth").each():
        if name == "cookie":
            _cookie(transport.table("cookie"), draft)
            offered.append(name)
        elif name not in KNOWN:
            draft.lose(f"{method.path}: no such method")
            method.forget()
        elif _method(name, method, draft):
            offered += OFFERED.get(name, [name])
    return offered


def _cookie(cookie: Tree, draft: Draft) -> None:
    """Draft for how long browsers come back by a cookie."""
    seconds = cookie.take("max_age", COOKIE_AGE, int)
    draft.router.setdefault("cookie_max_age", f"{seconds} s")
    cookie.take("name"), cookie.take("length"), cookie.take("purge")
    if cookie.table("store").take("type", "memory") != "memory":
        draft.lose(f"{cookie.path}.store: cookies are kept in memory")
        cookie.table("store").forget()


def _method(name: str, method: Tree, draft: Draft) -> bool:
    """Draft one method; tell whether it is offered."""
    kind = method.take("type", "static", str)
    if kind == "dynamic":
        return _dynamic(method, draft)
    if kind != "static":
        draft.lose(f"{method.path}: of type {kind}")
        method.forget()
        return False
    if name == "anonymous":
        return _anonymous(method, draft)
    principals = method.table("users" if "users" in method else "principals")
    for authid, principal in principals.each():
        role = principal.take("role", "", str)
        realm = principal.take("realm", "", str) or _realm_with(role, draft)
        try:
            made = PRINCIPALS.get(name, plain_user)(authid, role, principal)
        except (UsageError, ValueError) as error:
            draft.lose(f"{principal.path}: {error}")
            continue
        if made.cra and 0 < made.cra.iterations < LEAST_ITERATIONS:
            few = f"derived by {made.cra.iterations} iterations alone: give it a new password"
            draft.lose(f"{principal.path}: {few}")
        draft.user(realm, made)
    return bool(principals)


def _anonymous(method: Tree, draft: Draft) -> bool:
    role, realm = method.take("role", "anonymous", str), method.take("realm", "", str)
    authid = method.take("authid", None, str)
    if authid:
        draft.lose(f"{method.path}.authid: {authid}: each anonymous session has its own")
    for name in [realm] if realm else list(draft.realms):
        if any(each["name"] == role for each in draft.realm(name)["role"]):
            before = draft.realm(name).setdefault("anonymous", role)
            if before != role:
                draft.lose(f"{method.path}: role {role}: anonymous in realm {name} is {before}")
    return True


def _dynamic(method: Tree, draft: Draft) -> bool:
    procedure = method.take("authenticator", "", str)
    place = method.take("authenticator-realm", "", str)
    realms = [place] if place else list(draft.realms)
    if len(draft.realms) > 1 or any(name not in draft.realms for name in realms):
        draft.lose(f"{method.path}: {procedure} is asked for the users of its own realm alone")
    for name in realms:
        if name in draft.realms and procedure:
            draft.realm(name)["authenticator"] = procedure
    return bool(procedure)


def _realm_with(role: str, draft: Draft) -> str:
    """Return the realm that a user without one is of: the first that has its role."""
    for name, realm in draft.realms.items():
        if any(each["name"] == role for each in realm["role"]):
            return name
    return next(iter(draft.realms), "realm1")
