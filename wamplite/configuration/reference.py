"""What is told of all keys: the page docs/configuration.md, `wamplite init`, the JSON Schema.

All of it is made of the declarations in settings.py and limits.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config import in_toml
from ..schema import Flag, Tables
from .files import LIMITS, LISTENER, REALM
from .keys import Declared, DeclaredKey

INCLUDE = "further files, from where this one is; above the first table"


class Place(NamedTuple):
    """A table of the file, and where it stands."""

    path: tuple[str, ...]
    table: Declared
    is_array: bool

    @property
    def header(self) -> str:
        """Return the line that opens it."""
        name = ".".join(self.path)
        return f"[[{name}]]" if self.is_array else f"[{name}]"


def places() -> Iterator[Place]:
    """Yield all tables, each before those within it."""
    yield Place(("router",), LIMITS, False)
    for name, table in (("listener", LISTENER), ("realm", REALM)):
        yield from _within(Place((name,), table, True))


def _within(place: Place) -> Iterator[Place]:
    yield place
    for name, key in place.table.declared.items():
        if isinstance(key.kind, Tables) and isinstance(key.kind.table, Declared):
            yield from _within(Place((*place.path, name), key.kind.table, True))


def plain(table: Declared) -> dict[str, DeclaredKey]:
    """Return the keys of a table that are no tables."""
    return {name: key for name, key in table.declared.items() if not isinstance(key.kind, Tables)}


def default_of(key: DeclaredKey) -> str:
    """Return a default as TOML has it; "" where there is none to tell."""
    if key.is_needed or key.default in ("", None):
        return ""
    return in_toml(key.kind.shown(key.default))


def example_of(key: DeclaredKey) -> str:
    """Return what a file might say."""
    if key.example is not None:
        return in_toml(key.example)
    if isinstance(key.kind, Flag):
        return in_toml(not key.default)
    return default_of(key) or in_toml("")


# ---- the page


def page() -> str:
    """Return docs/configuration.md."""
    parts = [HEAD]
    for place in places():
        parts.append(f"## `{place.header}`\n\n{place.table.about}\n\n{_rows(place.table)}")
    return "\n".join(parts)


def _rows(table: Declared) -> str:
    lines = ["| key | what | default | |", "| --- | --- | --- | --- |"]
    for name, key in plain(table).items():
        default = default_of(key)
        shown = "needed" if key.is_needed else f"`{default}`" if default else ""
        cells = (f"`{name}`", key.kind.short, shown, key.about)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines) + "\n"


HEAD = """# The file of a router: every key

<!-- Made of wamplite/configuration by `tools/configuration_page --write`. -->

`wamplite router -c FILE` reads it. [router.md](router.md#in-a-file) shows one, `wamplite init`
writes one with comments, `wamplite check` checks one, and `wamplite config schema` prints a JSON
Schema for editors.

A time is seconds, or has a unit (`500 ms`, `20 s`, `2 min`, `1 h`, `7 d`); a size is bytes, or has
one (`64 KiB`, `16 MiB`, `1 GiB`). A file is looked for from where the file is that names it, a
store in systemd's state directory where there is one; `credential:NAME` is what systemd hands over.
A secret stands elsewhere: `file:PATH`, `env:NAME` or `credential:NAME`.
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
            told = key.about + (f" (default: {default})" if default else "")
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


def json_schema() -> dict[str, Any]:
    """Return the schema of the file for editors; the tables of a bridge are left open."""
    properties: dict[str, Any] = {
        "include": {
            "description": INCLUDE,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        },
        "router": _described(LIMITS),
        "listener": {"type": "array", "items": _described(LISTENER)},
        "realm": {"type": "array", "items": _described(REALM)},
        **{name: {} for name in ("session", "buffer", "port")},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "wamplite.toml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _described(table: Declared) -> dict[str, Any]:
    return {
        "type": "object",
        "description": table.about,
        "properties": {name: _property(key) for name, key in table.declared.items()},
        "required": list(table.required),
        "additionalProperties": False,
    }


def _property(key: DeclaredKey) -> dict[str, Any]:
    if isinstance(key.kind, Tables) and isinstance(key.kind.table, Declared):
        return {"type": "array", "items": _described(key.kind.table), "description": key.about}
    told: dict[str, Any] = {**key.kind.described(), "description": key.about}
    if not key.is_needed and key.default not in ("", None):
        default = key.kind.shown(key.default)
        told["default"] = list(default) if isinstance(default, tuple) else default
    return told
