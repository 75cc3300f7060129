"""What a router's process is to the system: its descriptors, and the file with its number."""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..file_errors import doing

log = logging.getLogger(__name__)

SPARE = 64  # descriptors besides those of connections


def allow_descriptors(connections: int) -> None:
    """Raise the soft limit to what so many connections need, or warn that it cannot be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE
    if resource.RLIM_INFINITY != soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
        if allowed < wanted:
            log.warning(
                "max_connections is %d, but `ulimit -Hn` allows %d descriptors", connections, hard
            )


class PidFile:
    """A file with the number of this process, until the end of the block; "": there is none."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> PidFile:
        write(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        remove(self.path)

    @contextmanager
    def moving(self, path: str) -> Iterator[None]:
        """Have another one after the block; where that fails, the one that there is. UsageError."""
        if path == self.path:
            yield
            return
        write(path)
        try:
            yield
        except BaseException:
            remove(path)
            raise
        remove(self.path)
        self.path = path


def write(path: str) -> None:
    """Write the number of this process."""
    if path:
        with doing("write the pid_file", path):
            Path(path).write_text(f"{os.getpid()}\n")


def remove(path: str) -> None:
    """Remove the file, if it is there."""
    if path:
        Path(path).unlink(missing_ok=True)
