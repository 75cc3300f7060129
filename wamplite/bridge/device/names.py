"""Facts about a serial device: its stable name, the process that holds it, why it cannot be opened.

They are read from /dev, /sys and /proc; where these cannot be read, nothing is reported.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from . import sysfs

__all__ = [
    "advice",
    "denied",
    "explain",
    "holders",
    "holding",
    "identity",
    "resolve",
    "stable_name",
]

_BARE = ("/dev/ttyUSB", "/dev/ttyACM")
_STABLE = (Path("/dev/serial/by-id"), Path("/dev/serial/by-path"))


def stable_name(device: str, folders: tuple[Path, ...] = _STABLE) -> str | None:
    """Find the name below /dev/serial that stays with this device; None: there is none."""
    target = os.path.realpath(device)
    for folder in folders:
        with suppress(OSError):
            for link in sorted(folder.iterdir()):
                if os.path.realpath(link) == target:
                    return str(link)
    return None


def advice(device: str, folders: tuple[Path, ...] = _STABLE) -> str:
    """Recommend the stable name for a device that gets a new number each time it is plugged in."""
    name = stable_name(device, folders) if device.startswith(_BARE) else None
    return f"; its number may change, {name} will not" if name else ""


def resolve(device: str, root: Path = sysfs.ROOT) -> str:
    """Return the path or URL to open: a USB id is looked up, all else is returned as it is."""
    return sysfs.find_usb(device, root) if device.startswith(sysfs.USB) else device


def identity(device: str) -> tuple[str, int, int] | None:
    """Return a value that changes with the device behind a path or its rights; None: no device."""
    try:
        found = os.stat(device)
    except OSError:
        return None
    return os.path.realpath(device), found.st_rdev, found.st_ctime_ns


def holders(device: str) -> Iterator[str]:
    """Find the other processes that have the device open: "minicom (pid 812)"."""
    return (f"{program} (pid {pid})" for pid, program in holding(device))


def holding(device: str) -> Iterator[tuple[int, str]]:
    """Find the other processes that have the device open: pid and program."""
    target = os.path.realpath(device)
    for pid in _others():
        with suppress(OSError):  # the process has ended, or is another user's (proc(5))
            if any(
                os.readlink(f"/proc/{pid}/fd/{n}") == target for n in os.listdir(f"/proc/{pid}/fd")
            ):
                yield int(pid), Path(f"/proc/{pid}/comm").read_text().strip()


def _others() -> Iterator[str]:
    own = str(os.getpid())
    with suppress(OSError):
        yield from (name for name in os.listdir("/proc") if name.isdigit() and name != own)


def explain(device: str, number: int | None, text: str) -> str:
    """Say why a device could not be opened, and what to do about it; `number`: the errno."""
    if number in (errno.EACCES, errno.EPERM):
        return f"{device}: {denied(device)}"
    if number in (errno.EAGAIN, errno.EBUSY):
        return f"{device}: in use by {', '.join(holders(device)) or 'another program'}"
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return f"{device}: not there"
    if number in (errno.ENOTTY, errno.EISDIR):
        return f"{device}: not a serial device"
    return f"{device}: {text}"


def denied(device: str) -> str:
    """Say what to do about a device that this user may not open."""
    group = _group(device)
    if is_member(group):
        return f"permission denied; you are in the group {group} now: log in again"
    return (
        f"permission denied; add yourself to the group that owns it"
        f" (sudo usermod -aG {group} $USER) and log in again"
    )


def is_member(group: str) -> bool:
    """Tell whether the group database lists this user; that counts from the next login on."""
    with suppress(OSError, KeyError, ImportError):
        import grp
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name in grp.getgrnam(group).gr_mem
    return False


def _group(device: str) -> str:
    with suppress(OSError, KeyError, ImportError):
        import grp

        return grp.getgrgid(os.stat(device).st_gid).gr_name
    return "dialout"
