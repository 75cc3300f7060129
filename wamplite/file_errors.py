"""What is said where a file or a folder cannot be read, written or made.

What was to be done, with which path, why not, and what to do: `cannot write x/a.toml: Permission
denied: run it as somebody who may, or name another place`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .core.errors import UsageError

OTHERWISE = "run it as somebody who may, or name another place"
ADVICE = {
    errno.EACCES: OTHERWISE,
    errno.EPERM: OTHERWISE,
    errno.EROFS: "name another place",
    errno.ENOTDIR: "what its path goes through must be folders",
    errno.EISDIR: "it is a folder, not a file",
}


def why(error: Exception, path: str | os.PathLike[str] | None = None) -> str:
    """Return why something cannot be done with a file, and what to do.

    path: of that file, where the error may name another one.
    """
    text = getattr(error, "strerror", None) or str(error)
    advice = ADVICE.get(getattr(error, "errno", None) or 0, "")
    path = path or getattr(error, "filename", None)
    if path and isinstance(error, FileNotFoundError):
        folder = os.path.dirname(os.path.abspath(os.fsdecode(path)))
        advice = "" if os.path.isdir(folder) else f"there is no folder {folder}"
    return f"{text}: {advice}" if advice else text


@contextmanager
def doing(what: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Have an OSError of the block told as a UsageError.

    what: such as "write the unit"; the path follows.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot {what} {os.fspath(path)}: {why(error, path)}") from error
