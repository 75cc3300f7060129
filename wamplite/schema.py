"""Kinds of values in a configuration: what each must be; `wamplite.tables` has tables of keys.

`read` returns the value, converted, or notes a problem at its location: a wrong type, a value out
of range, a word with the nearest known one. Nothing is guessed.
"""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Mapping
from typing import Any

from .config import Location, Steps
from .core import uris
from .core.words import show
from .spelling import in_escapes, spelled

__all__ = [
    "ESCAPE",
    "MISSING",
    "AnyOf",
    "Bytes",
    "Encoding",
    "Flag",
    "FunctionKind",
    "Kind",
    "Names",
    "Number",
    "Text",
    "Texts",
    "Uri",
    "Whole",
    "nearest",
    "show_value",
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
        at.wrong(f"expected {self.wanted}, not {show_value(value)}")
        return MISSING

    def fits(self, value: Any) -> bool:
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        return value

    def shown(self, value: Any) -> Any:
        """Return a value as a file would say it."""
        return value

    def places(self, key: str, value: Any, path: Steps) -> list[str]:
        """Return where within it a key belongs, as a file says it; path: where itself stands.

        value: of the key; it belongs nowhere where a table is wanted and it is none.
        """
        return []

    def described(self) -> dict[str, Any]:
        """Return what it must be as a JSON Schema."""
        return {"description": self.wanted} if self.wanted else {}


MISSING: Any = object()


def show_value(value: Any) -> str:
    """Return a value as a complaint shows it."""
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

    short = "number"

    def __init__(self, least: float, most: float) -> None:
        self.wanted = f"a number from {least:g} to {most:g}"
        self._least, self._most = least, most

    def fits(self, value: Any) -> bool:
        return type(value) in (int, float) and self._least <= value <= self._most

    def described(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self._least, "maximum": self._most}


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


ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-3][0-7]{2}|[rnt0])")


class Bytes(Kind):
    """Bytes, or text with a character for each byte: "\\u0002" is 02.

    A text in which an escape stands as its characters, as TOML has it between single quotes, is
    refused; one that may be meant to spell bytes in letters is doubted.
    """

    wanted = 'bytes as text, such as "\\r\\n" or "\\u00aaU"'
    short = "bytes"

    def read(self, value: Any, at: Location) -> Any:
        if isinstance(value, str) and (found := ESCAPE.search(value)):
            size = len(found[0])
            at.wrong(
                f"{found[0]} is these {size} characters: single quotes take escapes as they stand;"
                f' use double quotes, "{in_double_quotes(found[0])}"'
            )
            return MISSING
        if isinstance(value, str) and (data := spelled(value)):
            at.doubt(
                f"{show_value(value)} is these {len(value)} characters; the bytes"
                f" {data.hex(' ').upper()} would be {in_escapes(data)}"
            )
        return super().read(value, at)

    def fits(self, value: Any) -> bool:
        if isinstance(value, str):
            return bool(value) and max(value) <= "\xff"
        return isinstance(value, bytes) and bool(value)

    def convert(self, value: Any) -> Any:
        return value if isinstance(value, bytes) else value.encode("latin-1")

    def shown(self, value: Any) -> Any:
        return value.decode("latin-1")

    def described(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


def in_double_quotes(escape: str) -> str:
    """Return how TOML writes an escape of C or Python: "\\xaa" as "\\u00aa"."""
    if escape[1] == "x":
        return f"\\u00{escape[2:]}"
    return f"\\u{int(escape[1:], 8):04x}" if escape[1].isdigit() else escape


class Encoding(Kind):
    """The name of an encoding of text."""

    wanted = 'an encoding such as "utf-8", "latin-1" or "cp437"'
    short = "encoding"
    _NONE_OF_OURS = frozenset(
        {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7"}
    )

    def fits(self, value: Any) -> bool:
        try:
            name = codecs.lookup(value).name
            return name not in self._NONE_OF_OURS and "".encode(value).decode(value) == ""
        except (LookupError, TypeError, ValueError):
            return False

    def described(self) -> dict[str, Any]:
        return {"type": "string"}


class FunctionKind(Kind):
    """A function; only a script can give one."""

    wanted = short = "a function"

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
                    at.wrong(f"unknown {show_value(text)}; {nearest(text, known)}")
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
        self.short = f"{{name = {kind.short}}}"

    def read(self, value: Any, at: Location) -> Any:
        if not isinstance(value, Mapping):
            at.wrong(f"expected a table of names, not {show_value(value)}")
            return MISSING
        return {str(name): self._kind.read(inner, at / name) for name, inner in value.items()}

    def described(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self._kind.described()}


class AnyOf(Kind):
    """A value of one of several kinds: the first that it looks like, by its type."""

    def __init__(self, *kinds: tuple[tuple[type, ...], Kind]) -> None:
        self._kinds = kinds
        self.wanted = ", or ".join(kind.wanted for _, kind in kinds)
        self.short = ", or ".join(kind.short for _, kind in kinds)

    def read(self, value: Any, at: Location) -> Any:
        for types, kind in self._kinds:
            if type(value) in types:
                return kind.read(value, at)
        at.wrong(f"expected {self.wanted}, not {show_value(value)}")
        return MISSING

    def described(self) -> dict[str, Any]:
        return {"anyOf": [kind.described() for _, kind in self._kinds]}
