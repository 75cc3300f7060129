"""On which line of a TOML or JSON text each key stands, found in one pass over it.

A TOML text is split into statements, each of the fewest lines that the parser accepts alone. So no
second parser of TOML is needed, and the time is that of parsing the text once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["JsonLines", "KeyLines", "Steps"]

Steps = tuple[Any, ...]  # keys, and positions in arrays
Parse = Callable[[str], dict[str, Any]]
# What may begin or end a text, a comment, an array or an inline table, on one line
TOKEN = re.compile(r"""["]{3}|[']{3}|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[][{}]""")
QUOTES = ('"' * 3, "'" * 3)


class Opened:
    """What is open at the end of a line: a text of several lines, arrays and inline tables."""

    def __init__(self) -> None:
        self._quotes = ""
        self._depth = 0

    def __bool__(self) -> bool:
        return bool(self._quotes) or self._depth > 0

    def read(self, line: str) -> None:
        """Go on to the end of a line."""
        at = 0
        while True:
            if self._quotes:
                at = line.find(self._quotes, at)
                if at < 0:
                    return
                at, self._quotes = at + 3, ""
            found = TOKEN.search(line, at)
            if found is None:
                return
            at = found.end()
            if found[0] in QUOTES:
                self._quotes = found[0]
            elif found[0] in ("[", "{"):
                self._depth += 1
            elif found[0] in ("]", "}"):
                self._depth -= 1


class KeyLines:
    """The line on which each key of a text is set; the text has been parsed without error."""

    def __init__(self, text: str, parse: Parse, error: type[ValueError]) -> None:
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._found: dict[Steps, tuple[int, int]] = {}  # path -> its statement's lines
        self._lengths: dict[Steps, int] = {}  # of arrays of tables so far
        table: Steps = ()
        for begin, end, data in self._statements(parse, error):
            if self._lines[begin].lstrip().startswith("["):
                is_array = self._lines[begin].lstrip().startswith("[[")
                table = self._enter(names_of(data), is_array, (begin, end))
            else:
                self._note(table, data, (begin, end))

    def line_of(self, path: Steps) -> int:
        """Return the line of a path, from 1, or of the nearest path above it in the text."""
        while path and path not in self._found:
            path = path[:-1]
        if not path:
            return 1
        begin, end = self._found[path]
        return begin + 1 + within(self._lines[begin:end], path)

    def _statements(
        self, parse: Parse, error: type[ValueError]
    ) -> Iterator[tuple[int, int, dict[str, Any]]]:
        begin, opened = 0, Opened()
        for end, line in enumerate(self._lines, 1):
            opened.read(line)
            if opened:
                continue
            try:
                data = parse("\n".join(self._lines[begin:end]))
            except error:
                continue
            yield begin, end, data
            begin, opened = end, Opened()

    def _enter(self, names: list[str], is_array: bool, lines: tuple[int, int]) -> Steps:
        """Return the path of the table that a header opens."""
        path: Steps = ()
        for name in names:
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
            path = (*path, name)
            self._found.setdefault(path, lines)
        if is_array:
            number = self._lengths[path] = self._lengths.get(path, 0) + 1
            path = (*path, number - 1)
            self._found[path] = lines
        return path

    def _note(self, path: Steps, value: Any, lines: tuple[int, int]) -> None:
        steps: Any = ()
        if isinstance(value, dict):
            steps = value.items()
        elif isinstance(value, list):
            steps = enumerate(value)
        for step, inner in steps:
            self._found.setdefault((*path, step), lines)
            self._note((*path, step), inner, lines)


def names_of(header: Any) -> list[str]:
    """Return the names in a header, from what it parses to."""
    names: list[str] = []
    while header:
        if isinstance(header, list):
            [header] = header
        else:
            [(name, header)] = header.items()
            names.append(name)
    return names


def within(lines: list[str], path: Steps) -> int:
    """Find the key's own line in a statement of several."""
    keys = [step for step in path if isinstance(step, str)]
    own = re.compile(rf"""(^|[\s{{,."']){re.escape(keys[-1])}["']?\s*=""") if keys else None
    found = [at for at, line in enumerate(lines) if own and own.search(line)]
    heads = [at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    return (found or heads or [0])[0]


class JsonLines:
    """The line on which each key of a JSON text stands; the text has been parsed without error."""

    def __init__(self, text: str) -> None:
        self._found: dict[Steps, int] = {}
        self._note(text)

    def line_of(self, path: Steps) -> int:
        """Return the line of a path, from 1, or of the nearest path above it in the text."""
        while path and path not in self._found:
            path = path[:-1]
        return self._found.get(path, 1)

    def _note(self, text: str) -> None:
        at, line = 0, 1
        path: list[Any] = []  # the step into each open object and array
        for found in TOKENS.finditer(text):
            line += text.count("\n", at, found.start())
            token, at = found[0], found.end()
            if token[0] == '"':
                if KEY.match(text, at):
                    path[-1] = json.loads(token)
                    self._found[tuple(path)] = line
            elif token in "{[":
                if path and type(path[-1]) is int:
                    self._found[tuple(path)] = line
                path.append(0 if token == "[" else "")
            elif token == ",":
                path[-1] = path[-1] + 1 if type(path[-1]) is int else ""
            else:
                path.pop()


TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]')
KEY = re.compile(r"\s*:")
