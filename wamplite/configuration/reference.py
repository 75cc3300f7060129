"""What is told of all keys: the page docs/configuration.md, `wamplite init`, the JSON Schema.

All of it is made of the declarations in settings.py and limits.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..reference import Place, about, default_of, example_of, plain, rows_of, within
from .files import LIMITS, LISTENER, REALM

INCLUDE = "further files, from where this one is; above the first table"


def places() -> Iterator[Place]:
    """Yield all tables, each before those within it."""
    yield Place(("router",), LIMITS, False)
    for name, table in (("listener", LISTENER), ("realm", REALM)):
        yield from within(Place((name,), table, True))


# ---- the page


def page() -> str:
    """Return docs/configuration.md."""
    parts = [HEAD]
    for place in places():
        parts.append(f"## `{place.header}`\n\n{place.table.about}\n\n{rows_of(place.table)}")
    return "\n".join(parts)


HEAD = """# The file of a router: every key

<!-- Made of wamplite/configuration by `tools/configuration_page --write`. -->

`wamplite router -c FILE` reads it. [router.md](router.md#in-a-file) shows one, `wamplite init`
writes one with comments, `wamplite check` checks one, and `wamplite config schema` prints a JSON
Schema for editors.

A time is seconds, or has a unit (`500 ms`, `20 s`, `2 min`, `1 h`, `7 d`); a size is bytes, or has
one (`64 KiB`, `16 MiB`, `1 GiB`). A file is looked for from where the file is that names it, a
store in systemd's state directory where there is one; `credential:NAME` is what systemd hands over.
No secret stands here: `wamplite user` writes users into a file of their own.
`include = "conf.d/*.toml"`, above the first table, reads further files. Limits that follow the
memory are less where it is short.
"""


# ---- wamplite init


def commented(beginning: str) -> str:
    """Return a file in which every key stands, with what it is for, commented out.

    beginning: what it really says: LOCAL or NETWORK.
    """
    parts = [TOP + beginning + "\n# ---- every key"]
    for place in places():
        indent = "  " * (len(place.path) - 1)
        lines = [f"{indent}# {place.table.about}", f"{indent}# {place.header}"]
        for name, key in plain(place.table).items():
            default = default_of(key)
            told = about(key) + (f" (default: {default})" if default else "")
            lines += [f"{indent}#   {told}", f"{indent}# {name} = {example_of(key)}"]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


TOP = """\
# wamplite.toml: what `wamplite router` does. `wamplite check` checks it; a router that runs reads
# it again at SIGHUP, or by `wamplite reload`. Every key stands below, with its default.
#
# Times are seconds or have a unit: 500 ms, 20 s, 2 min, 7 d; sizes are bytes, or 64 KiB, 16 MiB.
# include = "conf.d/*.toml"

"""

LOCAL = """\
[[listener]]
url = "tcp://127.0.0.1:8080"    # this machine alone; WebSocket, RawSocket and HTTP on one port

# To be reached from the network: `wamplite cert` makes the files.
# [[listener]]
# url = "tls://0.0.0.0:8443"
# cert = "router.pem"
# key = "router.key"

[[realm]]
name = "realm1"
# users = "users.toml"          # wamplite user add joe --realm realm1 --role user
anonymous = "guest"             # whoever does not say who it is; without this line nobody such

  [[realm.role]]
  name = "user"
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["call", "register", "publish", "subscribe"]

  [[realm.role]]
  name = "guest"
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["call", "subscribe"]
"""

NETWORK = """\
[[listener]]
url = "tls://0.0.0.0:8443"      # whoever reaches it; WebSocket, RawSocket and HTTP on one port
cert = "router.pem"             # wamplite cert
key = "router.key"

[[realm]]
name = "home"
users = "users.toml"            # wamplite user add joe --realm home --role owner

  [[realm.role]]
  name = "owner"                # everything
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["call", "register", "publish", "subscribe"]

  [[realm.role]]
  name = "device"               # what begins with its own name: home.pi.temperature
    [[realm.role.permission]]
    uri = "home.{authid}."
    match = "prefix"
    allow = ["call", "register", "publish", "subscribe"]
"""


# ---- the JSON Schema


def json_schema(bridge: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the file for editors; bridge: of the tables of a bridge."""
    properties: dict[str, Any] = {
        "include": {
            "description": INCLUDE,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        },
        "router": LIMITS.described(),
        "listener": {"type": "array", "items": LISTENER.described()},
        "realm": {"type": "array", "items": REALM.described()},
        **bridge,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "wamplite.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
