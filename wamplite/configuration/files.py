"""The file of a router, and those that it includes, read whole: all complaints at once.

`include = "conf.d/*.toml"`, before the first table, reads others, in
the order of their names, from the folder of the file that says it; none may be read twice. Their
listeners and realms are added; a limit may be said once.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import BRIDGE, Document, Location, load
from ..core.errors import UsageError
from ..keys import section
from ..schema import Text, Texts
from ..tables import Table, Tables
from . import whole
from .kinds import AnyOf
from .limits import RouterSettings, RouterTable
from .settings import ListenerSettings, RealmSettings

MOST_FILES = 256

LISTENER = section(ListenerSettings)
REALM = section(RealmSettings)
LIMITS = RouterTable()
FILE = Table(
    {
        "include": AnyOf(((str,), Text()), ((list,), Texts())),
        "router": LIMITS,
        "listener": Tables(LISTENER),
        "realm": Tables(REALM),
    },
    elsewhere=BRIDGE,
)


@dataclass(frozen=True)
class Configuration:
    """What a file and those that it includes say. warnings: what is perhaps not meant."""

    files: tuple[str, ...] = ()
    router: RouterSettings = RouterSettings()
    listeners: tuple[ListenerSettings, ...] = ()
    realms: tuple[RealmSettings, ...] = ()
    warnings: tuple[str, ...] = ()


def read(path: str) -> Configuration:
    """Read a file with what it includes; UsageError has a line for each complaint."""
    reading = FileReading()
    reading.add(path)
    return reading.finish()


class FileReading:
    """The files that have been read so far."""

    def __init__(self) -> None:
        self._documents: list[Document] = []
        self._failed: list[str] = []  # complaints about files that cannot be read at all
        self._seen: dict[str, str] = {}  # real path -> as it was named
        self._limits: dict[str, Location] = {}
        self._found: dict[str, Any] = {"listener": [], "realm": []}
        self._router: dict[str, Any] = {}

    def add(self, path: str, by: Location | None = None) -> None:
        """Read a file and what it includes; by: where it is included."""
        real = os.path.realpath(path)
        if real in self._seen:
            assert by is not None
            by.wrong(f"{path} is read twice: {self._seen[real]} is the same file")
            return
        if len(self._seen) >= MOST_FILES:
            if by is not None and len(self._seen) == MOST_FILES:
                by.wrong(f"more than {MOST_FILES} files")
            return
        self._seen[real] = path
        try:
            document = load(path)
        except UsageError as error:
            self._failed.append(str(error))
            return
        self._documents.append(document)
        root = document.root()
        found = FILE.read(document.data, root)
        # What is sound is read, though another part of the file is not: more complaints at once
        self._take(found if isinstance(found, dict) else {})
        self._include(document)

    def _take(self, found: dict[str, Any]) -> None:
        for name in ("listener", "realm"):
            self._found[name] += found.get(name, ())
        router = found.get("router")
        if router is None:
            return
        for name, value in router.said.items():
            if name in self._limits:
                (router.at / name).wrong(f"it is said in {self._limits[name]} already")
            self._limits[name] = router.at / name
            self._router[name] = value

    def _include(self, document: Document) -> None:
        given = document.data.get("include", ())
        patterns = [given] if isinstance(given, str) else given
        at = document.root() / "include"
        for pattern in patterns if isinstance(patterns, (list, tuple)) else ():
            if not isinstance(pattern, str):
                continue
            folder = Path(document.name).parent
            paths = sorted(glob.glob(str(folder / pattern)))
            if not paths and not glob.has_magic(pattern):
                at.wrong(f"there is no file {pattern}")
            for path in paths:
                self.add(path, at)

    def finish(self) -> Configuration:
        """Check all of it together; UsageError has a line for each complaint."""
        listeners, realms = self._found["listener"], self._found["realm"]
        sound = not any(document.problems for document in self._documents) and not self._failed
        warnings = whole.check(listeners, realms) if sound else []
        complaints = [*self._failed]
        for document in self._documents:
            complaints += document.complaints()
        if complaints:
            raise UsageError("\n".join(complaints))
        return Configuration(
            tuple(self._seen.values()),
            RouterSettings(said=self._router),
            tuple(listeners),
            tuple(realms),
            tuple(warnings),
        )


def pid_file(path: str) -> str:
    """Return the pid_file that a file names, whatever else is wrong with it; "": none."""
    document = load(path)
    router = document.data.get("router")
    named = router.get("pid_file") if isinstance(router, dict) else None
    kind = LIMITS.keys["pid_file"]
    return "" if named is None else str(kind.read(named, document.root() / "router" / "pid_file"))
