"""Tables of keys in a configuration: one, an array of them, or one whose `kind` selects its keys.

`read` returns the data, converted, and notes each problem at its location, as those of the values
do: an unknown key with the nearest known one, a key that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .config import Location, Steps, in_toml
from .core.words import are_missing
from .schema import MISSING, Kind, nearest, show_value

__all__ = ["Either", "OneOrMore", "Table", "Tables"]

ABOVE = ", above its first table"  # in TOML what stands below a header belongs to that table


class Table(Kind):
    """A table of known keys. `make` is called with them as keywords, only if none has a problem.

    checks: called with what `make` returned and its location, where they note further problems.
    elsewhere: keys that others read, of the same file.
    """

    short = "table"

    def __init__(
        self,
        keys: Mapping[str, Kind],
        make: Callable[..., Any] = dict,
        required: tuple[str, ...] = (),
        checks: tuple[Callable[[Any, Location], None], ...] = (),
        elsewhere: tuple[str, ...] = (),
    ) -> None:
        self.keys = keys
        self.required = required
        self._elsewhere = elsewhere
        self._make = make
        self._checks = checks

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, Mapping):
            at.wrong(f"expected a table, not {show_value(value)}")
            return MISSING
        before = len(at.document.problems)
        at.document.tables[at.path] = self
        given = {}
        for key, inner in value.items():
            if key in self.keys:
                given[key] = self.keys[key].read(inner, at / key)
            elif key not in self._elsewhere:
                (at / key).wrong(self.unknown(key, inner, at))
        if missing := [key for key in self.required if key not in value]:
            at.wrong(are_missing(missing))
        if len(at.document.problems) == before:
            self.compare(given, at)
        if len(at.document.problems) > before:
            return MISSING
        settings = self._make(**given)
        for check in self._checks:
            check(settings, at)
        return settings

    def compare(self, given: Mapping[str, Any], at: Location) -> None:
        """Note what the keys that are given must not be beside each other."""

    def unknown(self, key: str, value: Any, at: Location) -> str:
        """Return the text for an unknown key of the table that stands there, with a hint.

        The key may be meant for a table right within this one, or for one that encloses it.
        """
        for path, table in enclosing(at):
            inner = (kind.places(key, value, (*path, name)) for name, kind in table.keys.items())
            own = table.places(key, value, path)
            found = [f"{place}{ABOVE if path else ''}" for place in own]
            found = found or [place for places in inner for place in places]
            if found:
                return f"unknown key here; it belongs in {' or '.join(found)}"
        return f"unknown key; {nearest(str(key), {*self.keys, *self._elsewhere})}"

    def places(self, key: str, value: Any, path: Steps) -> list[str]:
        kind = self.keys.get(key)
        is_table = isinstance(kind, (Table, Tables))
        if kind is None or (is_table and not isinstance(value, (Mapping, list, tuple))):
            return []
        if path:
            return [header_of(path)]
        own = (key, 0) if isinstance(kind, Tables) else (key,)
        return [f"the file{f', as {header_of(own)}' if is_table else ABOVE}"]

    def described(self) -> dict[str, Any]:
        return {"type": "object"}


class Tables(Kind):
    """An array of tables."""

    short = "tables"

    def __init__(self, table: Kind) -> None:
        self.table = table

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, (list, tuple)):
            name = at.path[-1]
            at.wrong(f"expected an array of tables, [[...{name}]], not {show_value(value)}")
            return MISSING
        return tuple(self.table.read(table, at / number) for number, table in enumerate(value))

    def places(self, key: str, value: Any, path: Steps) -> list[str]:
        return self.table.places(key, value, (*path, 0))

    def described(self) -> dict[str, Any]:
        return {"type": "array", "items": self.table.described()}


class Either(Kind):
    """A table whose key `kind` selects the keys that it may have; a text in its place is the kind.

    key: the key that a text in place of the table gives, where it is not `kind`.
    """

    short = "word or table"

    def __init__(self, tables: Mapping[str, Table], key: str = "kind", kind: str = "") -> None:
        self.tables = tables
        self._key = key
        self._kind = kind  # the default

    def read(self, value: Any, at: Location) -> Any:
        if isinstance(value, str):
            if self._kind and self._table(value) is not None:
                at.wrong(
                    f"a text is a {self._key} here: the kind is {{kind = {in_toml(value)}}},"
                    f" the {self._key} {{{self._key} = {in_toml(value)}}}"
                )
                return MISSING
            value = {self._key: value}
        if not isinstance(value, Mapping):
            at.wrong(f"expected a text or a table, not {show_value(value)}")
            return MISSING
        kind = value.get("kind", self._kind)
        table = self._table(kind)
        if table is None:
            what = f"unknown kind {show_value(kind)}" if kind else '"kind" is missing'
            (at / "kind").wrong(f"{what}; {nearest(str(kind), self.tables)}")
            return MISSING
        return table.read({"kind": kind, **value}, at)

    def places(self, key: str, value: Any, path: Steps) -> list[str]:
        kinds = [kind for kind, table in self.tables.items() if key in table.keys]
        if not kinds:
            return []
        told = "..." if len(kinds) == len(self.tables) else " or ".join(map(in_toml, kinds))
        return [f"{path[-1]} = {{kind = {told}, {key} = ...}} of {header_of(path[:-1])}"]

    def described(self) -> dict[str, Any]:
        """Return what it must be as a JSON Schema; of a kind that ends in a colon, more follows."""
        tables = []
        for kind, table in self.tables.items():
            of = {"pattern": f"^{kind}."} if kind.endswith(":") else {"const": kind}
            said = table.described()
            said["properties"] = {**said.get("properties", {}), "kind": of}
            if not self._kind:
                said["required"] = ["kind", *said.get("required", ())]
            tables.append(said)
        return {"anyOf": [{"type": "string"}, *tables]}

    def _table(self, kind: Any) -> Table | None:
        if not isinstance(kind, str):
            return None
        head, colon, _ = kind.partition(":")
        return self.tables.get(kind) or self.tables.get(head + colon)


class OneOrMore(Kind):
    """What an `Either` takes, or an array of that, of which `join` makes one value.

    what: the word for one. join: gets the values, and may note what they must not be.
    """

    short = "word, table or array of tables"

    def __init__(self, one: Either, what: str, join: Callable[[list[Any], Location], Any]) -> None:
        self._one, self._what, self._join = one, what, join

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, (list, tuple)):
            return self._one.read(value, at)
        if not value:
            at.wrong(f"names no {self._what}")
            return MISSING
        found = [self._one.read(one, at / number) for number, one in enumerate(value)]
        return MISSING if MISSING in found else self._join(found, at)

    def places(self, key: str, value: Any, path: Steps) -> list[str]:
        return self._one.places(key, value, path)

    def described(self) -> dict[str, Any]:
        one = self._one.described()
        return {"anyOf": [*one["anyOf"], {"type": "array", "minItems": 1, "items": one}]}


def enclosing(at: Location) -> Iterator[tuple[Steps, Table]]:
    """Yield the tables that are being read, the innermost first, and their paths."""
    for number in range(len(at.path), -1, -1):
        path = at.path[:number]
        if (table := at.document.tables.get(path)) is not None:
            yield path, table


def header_of(path: Steps) -> str:
    """Return the line that opens a table: [session], [[port.publish]]."""
    name = ".".join(step for step in path if isinstance(step, str))
    return f"[[{name}]]" if isinstance(path[-1], int) else f"[{name}]"
