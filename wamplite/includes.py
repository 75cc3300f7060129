"""A configuration file and those that it includes: `include = "conf.d/*.toml"`, above all tables.

Included files are read in the order of their names, from the folder of the file that says it; none
may be read twice.
"""

from __future__ import annotations

import glob
import os
from pathlib import Path

from .config import Document, Location, load
from .core.errors import UsageError
from .schema import AnyOf, Text, Texts

__all__ = ["INCLUDE", "LoadedFiles"]

MOST_FILES = 256
INCLUDE = AnyOf(((str,), Text()), ((list,), Texts()))


class LoadedFiles:
    """A file and what it includes, as documents to be read by a schema."""

    def __init__(self, path: str) -> None:
        self.documents: list[Document] = []
        self._failed: list[str] = []  # complaints about files that cannot be read at all
        self._seen: dict[str, str] = {}  # real path -> as it was named
        self._add(path)

    @property
    def names(self) -> tuple[str, ...]:
        """The files, as they are named."""
        return tuple(self._seen.values())

    @property
    def are_sound(self) -> bool:
        """Whether there are no complaints so far."""
        return not self._failed and not any(document.problems for document in self.documents)

    def finish(self) -> None:
        """Raise UsageError if there are complaints, with a line for each."""
        complaints = [*self._failed]
        for document in self.documents:
            complaints += document.complaints()
        if complaints:
            raise UsageError("\n".join(complaints))

    def _add(self, path: str, by: Location | None = None) -> None:
        """Load a file and what it includes; by: where it is included."""
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
        self.documents.append(document)
        self._include(document)

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
                self._add(path, at)
