"""Files of SQLite that are ours alone: how one is opened, and set aside where it is damaged.

WAL, and an exclusive lock, so that two processes never share a file. Nothing is written to a file
that is as it should be: it can be opened, and read, while the disk is full.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..core.errors import UsageError
from .private_file import make_private

KEPT = 3  # damaged files that stay beside the one in use
PARTS = ("", "-wal", "-shm")  # the file, and what SQLite keeps beside it


class FileFormat(NamedTuple):
    """What a file of ours is known by, and holds."""

    application: int  # PRAGMA application_id
    version: int  # PRAGMA user_version
    schema: str  # CREATE TABLE IF NOT EXISTS ...
    synchronous: str  # "FULL": a power cut loses no commit; "NORMAL": the last moments at most
    upgrades: Mapping[int, str] = {}  # version -> what is executed before `schema` to leave it


def open_private(path: str, form: FileFormat) -> sqlite3.Connection:
    """Open a file, or make it; any thread may use the connection, one at a time.

    Raises UsageError for what is not ours to use, sqlite3.OperationalError where the disk or
    another process prevents it, and sqlite3.DatabaseError where the file is damaged.
    """
    make_private(path)
    database = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        version = _version(database, path, form)
        for pragma in ("cache_size=-512", "journal_mode=WAL", "journal_size_limit=4194304"):
            database.execute(f"PRAGMA {pragma}")
        database.execute(f"PRAGMA synchronous={form.synchronous}")
        script = form.schema
        if version != form.version:
            script = f"{form.upgrades.get(version, '')} {script}"
            script += f"PRAGMA application_id={form.application};"
            script += f"PRAGMA user_version={form.version};"
        database.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    except BaseException:
        database.close()
        raise
    return database


def _version(database: sqlite3.Connection, path: str, form: FileFormat) -> int:
    """Return the version of a file, 0 for a new one; UsageError where we cannot use it."""
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application != form.application:
        raise UsageError(f"{path}: the database of another program")
    if version > form.version:
        raise UsageError(
            f"{path}: written by a newer wamplite (format {version});"
            f" this one knows format {form.version}"
        )
    return version


def unusable(path: str) -> str:
    """Return what prevents a file from being made or written, or ""."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if is_read_only(path):
        return "its file system is read-only"
    for place in (folder, Path(path)):
        if place.exists() and not os.access(place, os.W_OK):
            return f"{place} cannot be written"
    return "it is a folder" if Path(path).is_dir() else ""


def is_read_only(path: str) -> bool:
    """Tell whether the file system of a file is read-only, for now."""
    with suppress(OSError):
        return bool(os.statvfs(Path(path).absolute().parent).f_flag & os.ST_RDONLY)
    return False


def is_damage(error: Exception) -> bool:
    """Tell whether an error is of the file itself, and not of a disk, a lock or a folder."""
    outside = isinstance(error, sqlite3.OperationalError)
    return not outside or str(error) == "unsupported file format"


def set_aside(path: str) -> Path:
    """Give a damaged file another name; the KEPT latest stay, PATH.damaged-1 is the newest."""
    names = [path, *(f"{path}.damaged-{number}" for number in range(1, KEPT + 1))]
    for older, newer in reversed(list(zip(names, names[1:], strict=False))):
        for part in PARTS:
            with suppress(FileNotFoundError):
                os.unlink(newer + part)
            with suppress(FileNotFoundError):
                os.rename(older + part, newer + part)
    return Path(names[1])
