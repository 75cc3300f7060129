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
CLOSING = re.compile(
    """[]}]|\"""|\'''"""
)  # a statement of several lines ends on a line with one of these


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
        begin = 0
        for end, line in enumerate(self._lines, 1):
            if end > begin + 1 and not CLOSING.search(line):
                continue
            try:
                data = parse("\n".join(self._lines[begin:end]))
            except error:
                continue
            yield begin, end, data
            begin = end

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
