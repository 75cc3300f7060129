"""What is told of all keys of a bridge: the page docs/bridge-keys.md, its part of the JSON Schema.

All of it is made of the declarations: see `wamplite.bridge.settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...keys import DeclaredKey
from ...reference import Place, cells, rows_of, table_of, within
from ..decoding.decoder import DECODERS
from ..framing.framing import FRAMINGS
from ..kinds import Kinds
from .tables import BRIDGE

KEY_HEAD = ("key", "kinds", "value", "default", "what it is")


def places() -> Iterator[Place]:
    """Yield all tables but those of kinds, each before those within it."""
    for place in within(Place((), BRIDGE, False)):
        if place.path:
            yield place


def page() -> str:
    """Return docs/bridge-keys.md."""
    parts = [HEAD]
    for place in places():
        parts.append(f"## `{place.header}`\n\n{place.table.about}\n\n{rows_of(place.table)}")
    parts += [_kinds("framing", FRAMINGS), _kinds("decode", DECODERS)]
    return "\n".join(parts)


def _kinds(name: str, kinds: Kinds) -> str:
    """Return the part on the kinds of something, and the keys of each kind."""
    told = ((f"`{kind}`", table.about) for kind, table in kinds.items())
    keys = ((*cells(key, of)[:1], where, *cells(key, of)[1:]) for key, of, where in _keys(kinds))
    return (
        f'## `{name}`\n\nA word (`{name} = "{next(iter(kinds))}"`), which is the kind, or a table'
        f" with `kind` and the keys of that kind.\n\n{table_of(('kind', 'what it is'), told)}\n"
        f"{table_of(KEY_HEAD, keys)}"
    )


def _keys(kinds: Kinds) -> Iterator[tuple[str, DeclaredKey, str]]:
    """Yield each key once with the kinds that have it so declared."""
    found: dict[tuple[str, int], tuple[DeclaredKey, list[str]]] = {}
    for kind, table in kinds.items():
        for name, key in table.declared.items():
            if name != "kind":
                found.setdefault((name, id(key)), (key, []))[1].append(f"`{kind}`")
    for (name, _), (key, where) in sorted(found.items(), key=lambda item: item[0][0]):
        yield name, key, "all" if len(where) == len(kinds) else ", ".join(where)


def properties() -> dict[str, Any]:
    """Return what a JSON Schema says of the tables of a bridge."""
    return {name: key.described() for name, key in BRIDGE.declared.items()}


HEAD = """# The file of a bridge: every key

<!-- Made of wamplite/bridge by `tools/configuration_page --write`. -->

`wamplite bridge FILE` reads it, `wamplite bridge --check FILE` checks it. [bridge.md](bridge.md)
shows one, and explains more; a script has the same keys. `include = "ports.d/*.toml"`,
above the first table, reads further files.

A key without a default is needed. Unknown keys are refused. A time is seconds, or has a unit
(`500 ms`, `20 s`, `2 min`, `1 h`); a size is bytes, or has one (`64 KiB`, `16 MiB`). Bytes are
written as text, a character for each byte: `"\\r\\n"`, `"\\u0002"`, `"\\u00aaU"` (AA 55).
"""
