"""A file that is put into its place at once: whoever reads it sees the old one or the new one.

And what is asked of files that others write so: whether they have changed, and who may read them.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .core.errors import UsageError
from .file_errors import why

PRIVATE, PUBLIC = 0o600, 0o644


def put(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file, to the disk, and put it in the place of the one that has its name.

    That one's owner keeps it: a router's account reads what root has written. OSError where it
    cannot be written: the old one is as it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        written = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(written, "wb") as file:
            if path.exists():
                told = path.stat()
                os.fchown(written, told.st_uid, told.st_gid)
            os.fchmod(written, mode)  # whatever the umask is
            file.write(data)
            file.flush()
            os.fsync(written)
        draft.replace(path)
        os.fsync(folder)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    finally:
        os.close(folder)


def stamp(path: str | Path) -> tuple[int, ...]:
    """Return what changes when a file is written anew, or opened to others; () where none is."""
    try:
        told = os.stat(path)
    except OSError:
        return ()
    return told.st_ino, told.st_mtime_ns, told.st_size, told.st_mode


def check_private(path: str | Path, what: str, forbidden: int = 0o077) -> None:
    """Refuse a file that others may read, or that is not there: UsageError."""
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError as exc:
        raise UsageError(f"{what} {path}: {why(exc)}") from exc
    if mode & forbidden:
        raise UsageError(f"{what} {path}: others may read it: chmod 600 {path}")
