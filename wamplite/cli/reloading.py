"""How a router reads its file again, at SIGHUP, and how `wamplite reload` learns what came of it.

    wamplite reload          binds a Unix socket of the name wamplite-reload-PID, sends SIGHUP
    the router               reads, changes, logs; connects there and says `ok` or why not
    wamplite reload          prints that: exit code 0 or 1

The name is an abstract one (unix(7)): no file is left over. Each side asks the kernel who the other
is: the router tells its own user and root alone, and an answer is taken of that process alone.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import notify
from ..core.errors import UsageError
from .process import PidFile, allow_descriptors

if TYPE_CHECKING:
    from ..configuration.build import Estate
    from ..configuration.files import Configuration

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds for whoever has asked to take the answer
LONGEST = 65536  # of an answer
OK = "ok"
NOTHING = "there is nothing to read again: this router has no file (wamplite router -c FILE)"
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: ucred of unix(7)
TROUBLES = (UsageError, OSError, ValueError)


class Reloader:
    """A router's file, and what is done when it, or a file of users, has changed."""

    def __init__(
        self, estate: Estate, read: Callable[[], Configuration], pid_file: PidFile
    ) -> None:
        self._estate, self._read, self._pid_file = estate, read, pid_file

    def reload(self) -> None:
        """Read the file again: all of it comes true, or nothing; the log and who asked are told."""
        notify.tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            told = self._change(self._read())
        except TROUBLES as error:
            log.error("the file was read again, and nothing has changed: %s", error)
            answer(str(error))
        else:
            log.info("the file was read again: %s", "; ".join(told))
            for warning in self._estate.configuration.warnings:
                log.warning("%s", warning)
            answer("\n".join([OK, *told]))
        notify.tell("READY=1")

    def _change(self, now: Configuration) -> list[str]:
        from ..configuration.reload import reload

        with self._pid_file.moving(now.router.pid_file):
            told = reload(self._estate, now)
        allow_descriptors(self._estate.router.limits.max_connections)
        return told

    def notice(self) -> None:
        """Take users' files that have changed."""
        from ..configuration.reload import notice

        try:
            for line in notice(self._estate):
                log.info("%s", line)
        except TROUBLES as error:
            log.error("the users stay as they are: %s", error)


def decline() -> None:
    """Tell whoever asks a router that has no file so, and the log."""
    log.warning("SIGHUP: %s", NOTHING)
    answer(NOTHING)


def name_of(pid: int) -> str:
    """Return the name of the socket at which the answer of a router is waited for."""
    return f"\0wamplite-reload-{pid}"


def peer_of(sock: socket.socket) -> tuple[int, int]:
    """Return process and user at the other end."""
    pid, uid, _ = _CREDENTIALS.unpack(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return pid, uid


def answer(text: str) -> None:
    """Tell whoever waits for it what came of a reload; nobody need."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE)
        try:
            sock.connect(name_of(os.getpid()))
            if peer_of(sock)[1] in (0, os.geteuid()):
                sock.sendall(text.encode()[:LONGEST])
        except OSError as error:
            log.debug("nobody has asked: %s", error)


class ReloadQuestion:
    """Waits for the answer of one router."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(name_of(pid))
        except OSError as error:
            self._socket.close()
            raise UsageError(f"somebody else reloads process {pid} just now: {error}") from error
        self._socket.listen()

    def __enter__(self) -> ReloadQuestion:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait(self, seconds: float) -> str:
        """Return the answer; TimeoutError where none comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            sock, _ = self._socket.accept()
            with sock, sock.makefile("rb") as told:
                if peer_of(sock)[0] == self._pid:
                    sock.settimeout(left)
                    return told.read(LONGEST).decode(errors="replace")
        raise TimeoutError(f"process {self._pid} has not answered within {seconds:g} s")
