"""What is told of declared keys: where their tables stand, rows of a page, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .config import in_toml
from .keys import Declared, DeclaredKey
from .schema import Flag
from .tables import Tables


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


def within(place: Place) -> Iterator[Place]:
    """Yield a table and all that stand within it, each before those within it."""
    yield place
    for name, key in place.table.declared.items():
        table = key.kind.table if isinstance(key.kind, Tables) else key.kind
        if isinstance(table, Declared):
            is_array = isinstance(key.kind, Tables)
            yield from within(Place((*place.path, name), table, is_array))


def plain(table: Declared) -> dict[str, DeclaredKey]:
    """Return the keys of a table that are no arrays of tables."""
    return {name: key for name, key in table.declared.items() if not isinstance(key.kind, Tables)}


def default_of(key: DeclaredKey) -> str:
    """Return a default as TOML has it; "" where there is none to tell."""
    if key.is_needed or key.default in ("", b"", None, {}):
        return ""
    return in_toml(key.kind.shown(key.default))


def example_of(key: DeclaredKey) -> str:
    """Return what a file might say."""
    if key.example is not None:
        return in_toml(key.example)
    if isinstance(key.kind, Flag):
        return in_toml(not key.default)
    return default_of(key) or in_toml("")


def about(key: DeclaredKey) -> str:
    """Return what a key is for, and what it wants of others."""
    return "; ".join([key.about, *key.conditions])


def cells(name: str, key: DeclaredKey) -> tuple[str, str, str, str]:
    """Return the cells of its row on a page: name, kind, default, what it is for."""
    default = default_of(key)
    shown = "needed" if key.is_needed else f"`{default}`" if default else ""
    return f"`{name}`", key.kind.short, shown, about(key)


def table_of(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    texts = (" | ".join(cell.replace("|", "&#124;") for cell in line) for line in lines)
    return "".join(f"| {text} |\n" for text in texts)


def rows_of(table: Declared) -> str:
    """Return the keys of a table, but arrays of tables, as a table in Markdown."""
    rows = (cells(name, key) for name, key in plain(table).items())
    return table_of(("key", "value", "default", "what it is"), rows)
