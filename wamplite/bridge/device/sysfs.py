"""The serial devices that the kernel lists in /sys, and the device that a USB id means.

`root`: the directory that holds /sys and /dev.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["USB", "Tty", "find_usb", "ttys"]

USB = "usb:"
ROOT = Path("/")


class Tty(NamedTuple):
    """A serial device; facts that are not known are ""."""

    device: str  # /dev/ttyUSB0
    vid: str = ""  # four hexadecimal digits
    pid: str = ""
    serial: str = ""
    product: str = ""

    @property
    def usb(self) -> str:
        """usb:VID:PID[:SERIAL], or "" for a device that is not USB."""
        words = [word for word in (self.vid, self.pid, self.serial) if word]
        return USB + ":".join(words) if self.vid else ""


def ttys(root: Path = ROOT) -> list[Tty]:
    """Return the serial devices that are plugged in, in the order of their names."""
    found = []
    with suppress(OSError):
        for entry in sorted((root / "sys/class/tty").iterdir()):
            device = root / "dev" / entry.name
            # Without `device`: a console or a pty. Type 0, PORT_UNKNOWN: an 8250 without hardware.
            if (entry / "device").exists() and _line(entry / "type") != "0" and device.exists():
                found.append(_described(str(device), Path(os.path.realpath(entry / "device"))))
    return found


def _described(device: str, place: Path) -> Tty:
    for folder in (place, *place.parents):
        if (folder / "idVendor").exists():
            names = ("idVendor", "idProduct", "serial", "product")
            return Tty(device, *(_line(folder / name) for name in names))
    return Tty(device)


def _line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def find_usb(name: str, root: Path = ROOT) -> str:
    """Find the device that usb:VID:PID[:SERIAL] means; OSError unless there is exactly one."""
    vid, _, rest = name.removeprefix(USB).partition(":")
    pid, _, serial = rest.partition(":")
    fitting = [
        tty.device
        for tty in ttys(root)
        if (tty.vid, tty.pid) == (vid.lower(), pid.lower()) and serial in ("", tty.serial)
    ]
    if not fitting:
        raise FileNotFoundError(errno.ENOENT, "no such device is plugged in", name)
    if len(fitting) > 1:
        text = f"{' and '.join(fitting)} have this id; use a name below /dev/serial/by-path"
        raise OSError(errno.ENOTUNIQ, text, name)
    return fitting[0]
