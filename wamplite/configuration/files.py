"""The file of a router, and those that it includes, read whole: all complaints at once.

The listeners and realms of all files are added; a limit may be said once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..config import BRIDGE, ROUTER, Document, Location, check_purpose, load
from ..includes import INCLUDE, LoadedFiles
from ..keys import section
from ..tables import Table, Tables
from . import whole
from .limits import RouterSettings, RouterTable
from .settings import ListenerSettings, RealmSettings

LISTENER = section(ListenerSettings)
REALM = section(RealmSettings)
LIMITS = RouterTable()
FILE = Table(
    {
        "include": INCLUDE,
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
    files = LoadedFiles(path)
    check_purpose(files.documents, ROUTER, BRIDGE, f"it is a bridge's file: wamplite bridge {path}")
    reading = FileReading()
    for document in files.documents:
        reading.add(document)
    return reading.finish(files)


class FileReading:
    """What has been read so far of a file and those that it includes."""

    def __init__(self) -> None:
        self._limits: dict[str, Location] = {}
        self._found: dict[str, Any] = {"listener": [], "realm": []}
        self._router: dict[str, Any] = {}

    def add(self, document: Document) -> None:
        """Read a file."""
        found = FILE.read(document.data, document.root())
        # What is sound is read, though another part of the file is not: more complaints at once
        self._take(found if isinstance(found, dict) else {})

    @property
    def realms(self) -> list[RealmSettings]:
        """The realms that were read so far."""
        return [*self._found["realm"]]

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

    def finish(self, files: LoadedFiles) -> Configuration:
        """Check all of it together; UsageError has a line for each complaint."""
        listeners, realms = self._found["listener"], self._found["realm"]
        warnings = whole.check(listeners, realms) if files.are_sound else []
        files.finish()
        return Configuration(
            files.names,
            RouterSettings(said=self._router),
            tuple(listeners),
            tuple(realms),
            tuple(warnings),
        )


def realms(path: str) -> list[RealmSettings]:
    """Return the realms of a file and those that it includes, whatever is wrong with them else.

    None of a file of which a part cannot be read.
    """
    files = LoadedFiles(path)
    reading = FileReading()
    for document in files.documents:
        reading.add(document)
    return reading.realms


def pid_file(path: str) -> str:
    """Return the pid_file that a file names, whatever else is wrong with it; "": none."""
    document = load(path)
    router = document.data.get("router")
    named = router.get("pid_file") if isinstance(router, dict) else None
    kind = LIMITS.keys["pid_file"]
    return "" if named is None else str(kind.read(named, document.root() / "router" / "pid_file"))
