"""The files of nexus (etc/nexus.json) and nxt (.nxt/config.yaml)."""

from __future__ import annotations

import os
from typing import Any

from ...auth.permissions import ACTIONS
from ...core.errors import UsageError
from .draft import ALL, Draft
from .people import PRINCIPALS
from .tree import Tree

ANYBODY = "anonymous"


def nexus(tree: Tree, draft: Draft) -> None:
    """Draft our file of nexus's: who is let in may do everything there."""
    router = tree.table("router")
    for realm in router.tables("realms"):
        _nexus_realm(realm, draft)
    web, raw = tree.table("websocket"), tree.table("rawsocket")
    seconds = web.take("keep_alive", 0, int)
    if seconds:
        draft.router["ping_interval"] = f"{seconds} s"
    most = raw.take("max_msg_len", 0, int)
    if most:
        draft.limit("max_message_size", min(most, 2**24))
    keys: dict[str, Any] = {"auth": [ANYBODY]}
    pages = {
        "allowed_origins": web.take("allow_origins", [], list),
        "compress": web.take("enable_compression", False, bool),
    }
    for table, schemes, key, more in (
        (web, ("ws", "wss"), "address", pages),
        (raw, ("rs", "rss"), "tcp_address", {}),
    ):
        address = table.take(key, "", str)
        cert, private = table.take("cert_file", "", str), table.take("key_file", "", str)
        if address:
            path = "/ws" if schemes[0] == "ws" else ""
            files = {"cert": cert, "key": private}
            _listen(
                draft, schemes[bool(cert)], address, path, {**keys, **more, **files}, table.path
            )
    unix = raw.take("unix_address", "", str)
    if unix:
        _unix(draft, unix, keys, raw.path)


def _nexus_realm(realm: Tree, draft: Draft) -> None:
    name = realm.take("uri", "", str)
    made = draft.realm(name)
    realm.take("allow_disclose")  # ours lets who asks for it be disclosed
    for history in realm.tables("event_history"):
        told = {
            "uri": history.take("topic", "", str),
            "match": history.take("match", "exact", str),
            "max_events": max(1, history.take("limit", 1000, int)),
        }
        made.setdefault("history", []).append(told)
    if realm.take("anonymous_auth", False, bool):
        draft.role(name, ANYBODY)["permission"].append(dict(ALL))
        made["anonymous"] = ANYBODY


def nxt(tree: Tree, draft: Draft) -> None:
    """Draft our file of nxt's."""
    for realm in tree.tables("realms"):
        name = realm.take("name", "", str)
        draft.realm(name)
        for role in realm.tables("roles"):
            made = draft.role(name, role.take("name", "", str))
            for permission in role.tables("permissions"):
                allow = [name for name in ACTIONS if permission.take(f"allow_{name}") is True]
                uri, match = permission.take("uri", "", str), permission.take("match", "", str)
                told = {"uri": uri, "match": match or "exact", "allow": allow}
                draft.permit(permission.path, made, told)
    offered = _authenticators(tree.table("authenticators"), draft)
    for transport in tree.tables("transports"):
        kind, address = transport.take("type"), transport.take("address", "", str)
        keys: dict[str, Any] = {"auth": list(offered)}
        if transport.take("listener", "tcp", str) == "unix":
            _unix(draft, os.path.expanduser(address), keys, transport.path)
        elif kind in ("websocket", "rawsocket", "universal"):
            scheme = {"websocket": "ws", "rawsocket": "rs"}.get(str(kind), "tcp")
            path = "/ws" if scheme == "ws" else ""
            _listen(draft, scheme, address, path, keys, transport.path)
        else:
            draft.lose(f"{transport.path}: a transport of type {kind}")


def _authenticators(methods: Tree, draft: Draft) -> list[str]:
    offered = []
    for name in methods.data:
        for each in methods.tables(name):
            realm, role = each.take("realm", "", str), each.take("role", "", str)
            authid = each.take("authid", "", str)
            if realm not in draft.realms:
                draft.lose(f"{each.path}: there is no realm {realm}")
            elif name == ANYBODY:
                draft.realm(realm)["anonymous"] = role
            else:
                try:
                    draft.user(realm, PRINCIPALS[name](authid, role, each))
                except (UsageError, ValueError, KeyError) as error:
                    draft.lose(f"{each.path}: {error}")
        offered.append(name)
    return offered


def _listen(
    draft: Draft, scheme: str, address: str, path: str, keys: dict[str, Any], where: str
) -> None:
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        draft.lose(f"{where}: no port in {address!r}")
        return
    draft.listen(scheme, host.strip("[]"), int(port), path, **keys)


def _unix(draft: Draft, path: str, keys: dict[str, Any], where: str) -> None:
    if path.startswith("/"):
        draft.add({"url": f"unix://{path}", **keys}, path)
    else:
        draft.lose(f"{where}: {path}: the path of a Unix socket must be whole")
