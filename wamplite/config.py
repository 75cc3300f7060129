"""Configuration files in TOML: every key checked, each complaint with its file and line.

A schema (`wamplite.schema`) reads a Document and notes each problem at its Location; then `finish`
raises all of them at once. The data may also be the dict of a script: then a complaint names only
the key.

Secrets are never written into such a file; `read_secret` reads each from a file of its own.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .core.errors import UsageError
from .file_errors import why
from .lines import JsonLines, KeyLines, Steps
from .whole_file import check_private

__all__ = [
    "BRIDGE",
    "ROUTER",
    "Document",
    "Location",
    "Steps",
    "check_purpose",
    "in_toml",
    "in_words",
    "load",
    "read_secret",
    "toml",
]

# One file may hold both: each reads its own tables, and leaves those of the other.
BRIDGE = ("session", "buffer", "port")
ROUTER = ("router", "listener", "realm")


@dataclass
class Document:
    """Data to be read by a schema, and its problems; made by `load` or from a dict."""

    data: dict[str, Any]
    name: str = ""  # of the file; "": the data are the dict of a script
    text: str = ""
    problems: list[tuple[Steps, str]] = field(default_factory=list)
    doubts: list[tuple[Steps, str]] = field(default_factory=list)  # what may be meant otherwise
    tables: dict[Steps, Any] = field(default_factory=dict)  # each `Table` that has been read
    _lines: Callable[[Steps], int] | None = None  # found when first asked for

    def root(self) -> Location:
        """Return the location where reading begins."""
        return Location(self, ())

    def finish(self) -> None:
        """Raise UsageError if there are problems, with a line for each."""
        if lines := self.complaints():
            raise UsageError("\n".join(lines))

    def complaints(self) -> list[str]:
        """Return a line for each problem, in the order of the text."""
        return self.in_lines(self.problems)

    def in_lines(self, said: Sequence[tuple[Steps, str]]) -> list[str]:
        """Return a line for each thing that is said of a place, in the order of the text."""
        told = sorted((self.line_of(path), self._told(path, text)) for path, text in said)
        return [(f"{self.name}:{line}: " if line else "") + text for line, text in told]

    def line_of(self, path: Steps) -> int:
        """Return the line of a key; 0: the data have no lines."""
        if not self.name:
            return 0
        if self._lines is None:
            self._lines = lines_of(self.name, self.text)
        return self._lines(path)

    def _told(self, path: Steps, text: str) -> str:
        return ": ".join([*in_words(path, self.data), text])


def check_purpose(
    documents: Sequence[Document], ours: Collection[str], others: Collection[str], text: str
) -> None:
    """Refuse a file with what it includes that says nothing of `ours`, but something of `others`.

    text: whose file it is then. UsageError.
    """
    said = {key for document in documents for key in document.data}
    if said.isdisjoint(ours) and (found := [key for key in others if key in said]):
        tables = " and ".join(f"[{key}]" for key in found)
        raise UsageError(f"{documents[0].name} has {tables} alone: {text}")


@dataclass(frozen=True)
class Location:
    """The path of a value within a document."""

    document: Document
    path: Steps

    def __truediv__(self, key: str | int) -> Location:
        return Location(self.document, (*self.path, key))

    def wrong(self, text: str) -> None:
        """Note a problem."""
        self.document.problems.append((self.path, text))

    def doubt(self, text: str) -> None:
        """Note what is taken as it stands, and may be meant otherwise."""
        self.document.doubts.append((self.path, text))

    def doubts(self) -> list[str]:
        """Return a line for each doubt of what stands within it."""
        inner = [said for said in self.document.doubts if said[0][: len(self.path)] == self.path]
        return self.document.in_lines(inner)

    def __str__(self) -> str:
        """Return file and line."""
        return f"{self.document.name}:{self.document.line_of(self.path)}"


def lines_of(name: str, text: str) -> Callable[[Steps], int]:
    """Return what finds the line of a key in the text of a file."""
    return JsonLines(text).line_of if is_json(name) else KeyLines(text, *toml()).line_of


def is_json(name: str) -> bool:
    """Tell whether a file is read as JSON, by its name."""
    return name.endswith(".json")


def in_words(path: Steps, data: Any) -> list[str]:
    """Return a path in words: port "weather", publish 1, topic."""
    words: list[str] = []
    for step in path:
        try:
            data = data[step]
        except (LookupError, TypeError):
            data = None
        if isinstance(step, str):
            words.append(step)
        else:
            name = data.get("name") if isinstance(data, dict) else None
            words[-1] += f' "{name}"' if isinstance(name, str) else f" {step + 1}"
    return words


def load(path: str | Path) -> Document:
    """Read a file; UsageError where it cannot be read, or is neither TOML nor, as .json, JSON."""
    try:
        text = Path(path).read_bytes().decode()
    except OSError as exc:
        raise UsageError(f"{path}: {why(exc)}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path}: not UTF-8 at byte {exc.start}") from exc
    parse, error = (json.loads, ValueError) if is_json(str(path)) else toml()
    try:
        data = parse(text)
    except error as exc:
        raise UsageError(f"{path}: {exc}{_hint(str(exc), text)}") from exc
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path}: expected an object, {{...}}")
    return Document(data, str(path), text)


def _hint(complaint: str, text: str) -> str:
    """Return what to write in place of an escape that TOML does not have; "" where it is none."""
    line = re.search(r"Unescaped .* line (\d+)", complaint)
    found = line and re.search(r"\\x([0-9a-fA-F]{2})", text.split("\n")[int(line[1]) - 1])
    return (
        f': TOML has no "{found[0]}", the byte {found[1].upper()} is "\\u00{found[1]}"'
        if found
        else ""
    )


def toml() -> tuple[Callable[[str], dict[str, Any]], type[ValueError]]:
    """Return what reads TOML, and what it raises."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    return tomllib.loads, tomllib.TOMLDecodeError


def read_secret(name: str) -> str:
    """Read a secret from its file: a path, or a name within $CREDENTIALS_DIRECTORY.

    A file that other users may read is refused: UsageError. In systemd's directory the bits of the
    group may stand for an access list (acl(5)), so only the bits of others are checked there.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not os.path.isabs(name) and not folder:
        raise UsageError(
            f"secret file {name}: neither a path that begins with / nor is there a"
            " $CREDENTIALS_DIRECTORY to find it in"
        )
    path = Path(folder, name)
    check_private(path, "secret file", 0o077 if os.path.isabs(name) else 0o007)
    try:
        secret = path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"secret file {path}: {why(exc)}") from exc
    if not secret:
        raise UsageError(f"secret file {path} is empty")
    return secret


def in_toml(value: Any) -> str:
    """Return a value as TOML has it: JSON, but for tables, and DEL."""
    if isinstance(value, dict):
        pairs = [f"{_key_in_toml(key)} = {in_toml(inner)}" for key, inner in value.items()]
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key_in_toml(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else in_toml(key)
