"""What stands at a path where a serial device should.

No waiting makes a serial device of something else that stands there; a path with nothing at it is
waited for, since the cable may be plugged in later.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from ..core.errors import UsageError

KINDS = Path("/sys/dev/char")  # what the kernel takes each character device for (sysfs)


def check(path: str) -> None:
    """Raise UsageError where something else than a serial device stands at a path."""
    if wrong := no_device(path):
        raise UsageError(f"{path}: {wrong}")


def no_device(path: str, kinds: Path = KINDS) -> str:
    """Say what stands at a path where a device should; "" for a device, and for nothing.

    The device is not opened: that resets many a board.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: the path has a NUL
        return ""
    if not stat.S_ISCHR(found.st_mode):
        return f"{'a directory' if stat.S_ISDIR(found.st_mode) else 'a file'}, not a serial device"
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    with suppress(OSError):  # a pty has no entry, and is a tty
        if (kind := (kinds / number / "subsystem").resolve(strict=True).name) != "tty":
            return f"a device of the kind {kind!r}, not a serial device"
    return ""
