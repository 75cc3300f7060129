"""A foreign tree that notes which keys were asked for: the rest has no counterpart and is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

HARMLESS = {"$schema", "version", "cache", "backlog", "shared", "serializers", "id", "debug"}
NOTHING: dict[str, Any] = {}


class Tree:
    """One table of a foreign file."""

    def __init__(self, data: Any, path: str = "") -> None:
        self.data = data if isinstance(data, dict) else NOTHING
        self.path = path
        self._within: dict[str, Tree | list[Tree]] = {}
        self._asked: set[str] = set()

    def take(self, key: str, default: Any = None, kind: type | tuple[type, ...] = object) -> Any:
        """Return a value that will be told in our file; the default where it is no such."""
        value = self.data.get(key, default)
        if not isinstance(value, kind) or (type(value) is bool and kind is int):
            return default
        self._asked.add(key)
        return value

    def table(self, key: str) -> Tree:
        """Return a table within."""
        found = self._within.get(key)
        if not isinstance(found, Tree):
            self._within[key] = found = Tree(self.data.get(key), self._name(key))
        return found

    def tables(self, key: str) -> list[Tree]:
        """Return a list of tables within."""
        several = self.data.get(key)
        if not isinstance(several, list):
            return []
        found = [Tree(each, f"{self._name(key)}[{at}]") for at, each in enumerate(several)]
        self._within[key] = found
        return found

    def each(self) -> list[tuple[str, Tree]]:
        """Return all tables within, by name."""
        return [(str(name), self.table(name)) for name in self.data]

    def forget(self) -> None:
        """Have nothing more of it named: it was, as a whole."""
        self.data = NOTHING

    def __bool__(self) -> bool:
        return bool(self.data)

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def lost(self) -> Iterator[str]:
        """Yield what nobody has asked for, each with its place."""
        for key, value in self.data.items():
            within = self._within.get(key)
            if key in self._asked or key in HARMLESS or value in (None, {}, [], "", False):
                continue
            if within is None:
                yield f"{self._name(key)} = {_short(value)}"
            elif isinstance(within, Tree):
                yield from within.lost() if isinstance(value, dict) else [self._name(key)]
            else:
                for each in within:
                    yield from each.lost()

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _short(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "{...}" if isinstance(value, dict) else "[...]"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}..."
