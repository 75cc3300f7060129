"""A file that is put into its place at once: whoever reads it sees the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path

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
