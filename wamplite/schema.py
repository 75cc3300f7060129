"""Schemas of configurations: tables of keys, and the kind of each value.

`Table.read` returns the data, converted, and notes each problem at its location: an unknown key
with the nearest known one, a wrong type, a value out of range. Nothing is guessed.
"""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from .config import Location
from .core import uris
from .core.words import show

__all__ = [
    "MISSING",
    "Bytes",
    "Either",
    "Encoding",
    "Flag",
    "FunctionKind",
    "Kind",
    "Names",
    "Number",
    "Table",
    "Tables",
    "Text",
    "Texts",
    "Uri",
    "Whole",
    "nearest",
]


LONGEST = 64  # characters of a word that may be meant as a known one


def nearest(word: str, known: Mapping[str, Any] | set[str]) -> str:
    """Return a hint: the known word that is nearest, or all known words."""
    near = difflib.get_close_matches(word, sorted(known), 1) if len(word) <= LONGEST else []
    if near:
        return f'did you mean "{near[0]}"?'
    return f"there are: {', '.join(sorted(known)) or 'none'}"


class Kind:
    """What a value must be; `read` returns it, or MISSING after noting a problem."""

    wanted = ""
    short = "text"

    def read(self, value: Any, at: Location) -> Any:
        """Return the value, converted; MISSING when it does not fit."""
        if self.fits(value):
            return self.convert(value)
        at.wrong(f"expected {self.wanted}, not {_shown(value)}")
        return MISSING

    def fits(self, value: Any) -> bool:
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        return value

    def shown(self, value: Any) -> Any:
        """Return a value as a file would say it."""
        return value

    def described(self) -> dict[str, Any]:
        """Return what it must be as a JSON Schema."""
        return {"description": self.wanted} if self.wanted else {}


MISSING: Any = object()


def _shown(value: Any) -> str:
    return str(value).lower() if type(value) is bool else show(value)  # as TOML spells it


class Flag(Kind):
    """true or false."""

    wanted = short = "true or false"

    def fits(self, value: Any) -> bool:
        return type(value) is bool

    def described(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Whole(Kind):
    """An integer within bounds."""

    short = "number"

    def __init__(self, least: int, most: int) -> None:
        self.wanted = f"a whole number from {least} to {most}"
        self._least, self._most = least, most

    def fits(self, value: Any) -> bool:
        return type(value) is int and self._least <= value <= self._most

    def described(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self._least, "maximum": self._most}


class Number(Kind):
    """An integer or a float within bounds."""

    def __init__(self, least: float, most: float) -> None:
        self.wanted = f"a number from {least:g} to {most:g}"
        self._least, self._most = least, most

    def fits(self, value: Any) -> bool:
        return type(value) in (int, float) and self._least <= value <= self._most


class Text(Kind):
    """A string: one of the choices, or one that the pattern matches (by default: not empty)."""

    def __init__(
        self,
        *choices: str,
        pattern: str = ".+",
        wanted: str = "text that is not empty",
    ) -> None:
        self._choices = choices
        self.short = ", ".join(choices) or "text"
        self._pattern = re.compile(pattern, re.S)
        self.wanted = f"one of {', '.join(choices)}" if choices else wanted

    def fits(self, value: Any) -> bool:
        if self._choices:
            return value in self._choices
        return isinstance(value, str) and self._pattern.fullmatch(value) is not None

    def described(self) -> dict[str, Any]:
        return {"type": "string", **({"enum": [*self._choices]} if self._choices else {})}


class Uri(Kind):
    """A URI; with `pattern`, its components may be empty."""

    wanted = "a URI such as com.example.temperature"
    short = "URI"

    def __init__(self, pattern: bool = False) -> None:
        self._is_valid = uris.is_valid_pattern if pattern else uris.is_valid

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and self._is_valid(value)

    def described(self) -> dict[str, Any]:
        return {"type": "string"}


class Bytes(Kind):
    """Bytes, or text with a character for each byte: "\\u0002" is 02."""

    wanted = 'bytes as text, such as "\\r\\n" or "\\u00aaU"'

    def fits(self, value: Any) -> bool:
        if isinstance(value, str):
            return bool(value) and max(value) <= "\xff"
        return isinstance(value, bytes) and bool(value)

    def convert(self, value: Any) -> Any:
        return value if isinstance(value, bytes) else value.encode("latin-1")


class Encoding(Kind):
    """The name of an encoding of text."""

    wanted = 'an encoding such as "utf-8", "latin-1" or "cp437"'
    _NONE_OF_OURS = frozenset(
        {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7"}
    )

    def fits(self, value: Any) -> bool:
        try:
            name = codecs.lookup(value).name
            return name not in self._NONE_OF_OURS and "".encode(value).decode(value) == ""
        except (LookupError, TypeError, ValueError):
            return False


class FunctionKind(Kind):
    """A function; only a script can give one."""

    wanted = "a function"

    def fits(self, value: Any) -> bool:
        return callable(value)


class Texts(Kind):
    """A list of strings."""

    wanted = "a list of texts"
    short = "list of texts"

    def __init__(self, *choices: str) -> None:
        self._choices = choices
        if choices:
            self.wanted = f"a list of some of {', '.join(choices)}"
            self.short = f"list of {', '.join(choices)}"

    def read(self, value: Any, at: Location) -> Any:
        known = set(self._choices)
        if known and self.fits(value) and not known.issuperset(value):
            for text in value:
                if text not in known:
                    at.wrong(f"unknown {_shown(text)}; {nearest(text, known)}")
            return MISSING
        return super().read(value, at)

    def fits(self, value: Any) -> bool:
        return isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)

    def convert(self, value: Any) -> Any:
        return tuple(value)

    def shown(self, value: Any) -> Any:
        return list(value)

    def described(self) -> dict[str, Any]:
        of = {"enum": [*self._choices]} if self._choices else {"type": "string"}
        return {"type": "array", "items": of}


class Names(Kind):
    """A table with any names, and values of one kind."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, Mapping):
            at.wrong(f"expected a table of names, not {_shown(value)}")
            return MISSING
        return {str(name): self._kind.read(inner, at / name) for name, inner in value.items()}


class Table(Kind):
    """A table of known keys. `make` is called with them as keywords, only if none has a problem.

    checks: called with what `make` returned and its location, where they note further problems.
    elsewhere: keys that others read, of the same file.
    """

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
            at.wrong(f"expected a table, not {_shown(value)}")
            return MISSING
        before = len(at.document.problems)
        given = {}
        for key, inner in value.items():
            if key in self.keys:
                given[key] = self.keys[key].read(inner, at / key)
            elif key not in self._elsewhere:
                (at / key).wrong(self.unknown(key))
        for key in self.required:
            if key not in value:
                at.wrong(f'"{key}" is missing')
        if len(at.document.problems) > before:
            return MISSING
        settings = self._make(**given)
        for check in self._checks:
            check(settings, at)
        return settings

    def unknown(self, key: str) -> str:
        """Return the text for an unknown key, with a hint."""
        return f"unknown key; {nearest(str(key), {*self.keys, *self._elsewhere})}"


class Tables(Kind):
    """An array of tables."""

    def __init__(self, table: Kind) -> None:
        self.table = table

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, (list, tuple)):
            name = at.path[-1]
            at.wrong(f"expected an array of tables, [[...{name}]], not {_shown(value)}")
            return MISSING
        return tuple(self.table.read(table, at / number) for number, table in enumerate(value))


class Either(Kind):
    """A table whose key `kind` selects the keys that it may have; a text in its place is the kind.

    key: the key that a text in place of the table gives, where it is not `kind`.
    """

    def __init__(self, tables: Mapping[str, Table], key: str = "kind", kind: str = "") -> None:
        self.tables = tables
        self._key = key
        self._kind = kind  # the default

    def read(self, value: Any, at: Location) -> Any:
        if isinstance(value, str):
            value = {self._key: value}
        if not isinstance(value, Mapping):
            at.wrong(f"expected a text or a table, not {_shown(value)}")
            return MISSING
        kind = value.get("kind", self._kind)
        table = self._table(kind)
        if table is None:
            what = f"unknown kind {_shown(kind)}" if kind else '"kind" is missing'
            (at / "kind").wrong(f"{what}; {nearest(str(kind), self.tables)}")
            return MISSING
        return table.read({"kind": kind, **value}, at)

    def _table(self, kind: Any) -> Table | None:
        if not isinstance(kind, str):
            return None
        head, colon, _ = kind.partition(":")
        return self.tables.get(kind) or self.tables.get(head + colon)
