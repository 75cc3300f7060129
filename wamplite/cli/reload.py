"""Have a router read its file again, and tell whether it did: exit code 0, or 1 and why not.

Realms, roles, users, listeners and limits become what the file says now, all of it or nothing.
Sessions that could still join stay. The router is found by `pid_file` of [router] in the file, or
as it is told. `kill -HUP` does the same, and only the router's log tells what came of it.
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from ..configuration import places
from ..core.errors import UsageError
from ..file_errors import doing
from .common import positive, seconds
from .reloading import OK, ReloadQuestion
from .streams import complain

SECONDS = 30.0
BLOCKED = "SigBlk:"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite reload`."""
    add = parser.add_argument
    add("-c", "--config", metavar="FILE", help="the router's file, which names its pid_file")
    add("--pid", type=positive, metavar="N", help="the router's process")
    add("--pid-file", metavar="FILE", help="where its number stands")
    add("-W", "--timeout", type=seconds, default=SECONDS, help="default: %(default)g seconds")


def run(options: argparse.Namespace) -> int:
    """Ask a router to read its file again."""
    pid = options.pid or pid_of(options.pid_file or named_by(options.config))
    if not waits_for_hangup(pid):
        raise UsageError(f"process {pid} is no router: SIGHUP would end it")
    with ReloadQuestion(pid) as question:
        try:
            os.kill(pid, signal.SIGHUP)
        except ProcessLookupError:
            raise UsageError(f"there is no process {pid}: no router runs there") from None
        except PermissionError:
            raise UsageError(f"process {pid} is another user's: reload it as that one") from None
        told = question.wait(options.timeout)
    first, _, rest = told.partition("\n")
    if first != OK:
        complain(f"nothing has changed: {told}")
        return 1
    print(rest)
    return 0


def waits_for_hangup(pid: int) -> bool:
    """Tell whether a process waits for SIGHUP, as a router does: its threads block it (proc(5)).

    Its main thread does not while it waits (sigtimedwait(2)).
    """
    try:
        states = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/status")]
    except OSError:
        return True  # it ends just now, or is another user's: kill will tell
    masks = [line.split()[1] for text in states for line in text.splitlines() if BLOCKED in line]
    return not masks or any(int(mask, 16) >> signal.SIGHUP - 1 & 1 for mask in masks)


def named_by(given: str | None) -> str:
    """Return the pid file that a router's file names."""
    from ..configuration import files

    path = places.find(given)
    if path is None:
        raise UsageError("which router? give --pid, --pid-file, or -c FILE that has a pid_file")
    found = files.pid_file(path)
    if not found:
        raise UsageError(f"{path}: [router] has no pid_file: put one there, or give --pid")
    return found


def pid_of(path: str) -> int:
    """Return the number in a file."""
    with doing("read the pid_file", path):
        try:
            return int(Path(path).read_text())
        except FileNotFoundError:
            raise UsageError(f"{path} is not there: no router runs that has written it") from None
        except ValueError:
            raise UsageError(f"{path} holds no number of a process") from None
