"""List the serial devices: their lasting names, who holds each, and what to do about permissions.

Use the name after `use` in configurations: it stays when the device is plugged in elsewhere. Where
two adapters have the same id, it stays as long as each is in its socket. When piped, one JSON value
per line: {"device", "use", "by_id", "by_path", "usb", "product", "held_by", "advice"}.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from ..bridge.device import names, sysfs
from ..core.words import printable
from .common import emit

BY_ID = Path("dev/serial/by-id")
BY_PATH = Path("dev/serial/by-path")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite ports`."""
    parser.add_argument("--json", action="store_true", help="JSON lines on a terminal too")
    parser.add_argument("--root", type=Path, default=sysfs.ROOT, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Print the devices."""
    rows = found(options.root)
    as_json = options.json or not sys.stdout.isatty()
    for row in rows:
        if as_json:
            emit(row)
        else:
            print("\n".join(map(printable, in_words(row))))
    if not rows:
        print("no serial devices found", file=sys.stderr)
    return 0


def found(root: Path) -> list[dict[str, Any]]:
    """Return a row for each device."""
    ttys = sysfs.ttys(root)
    adapters = [tty.usb for tty in ttys if tty.usb]
    return [row_of(tty, root, is_unique=adapters.count(tty.usb) == 1) for tty in ttys]


def row_of(tty: sysfs.Tty, root: Path, is_unique: bool) -> dict[str, Any]:
    """Describe a device; `is_unique`: no other has its USB id and serial number."""
    by_id = names.stable_name(tty.device, (root / BY_ID,))
    by_path = names.stable_name(tty.device, (root / BY_PATH,))
    use = (by_id if is_unique else None) or by_path or by_id or tty.device
    return {
        "device": tty.device,
        "use": use,
        "by_id": by_id,
        "by_path": by_path,
        "usb": tty.usb or None,
        "product": tty.product or None,
        "held_by": [{"pid": pid, "program": program} for pid, program in names.holding(tty.device)],
        "advice": advice(tty.device),
    }


def advice(device: str) -> str | None:
    """Return what prevents this user from opening a device."""
    may = os.access(device, os.R_OK | os.W_OK)
    return None if may else names.denied(device)


def in_words(row: dict[str, Any]) -> list[str]:
    """Return the lines for a person."""
    holders = ", ".join(
        f"{process['program']} (pid {process['pid']})" for process in row["held_by"]
    )
    facts = {
        "use": row["use"],
        "by id": row["by_id"],
        "by path": row["by_path"],
        "usb id": row["usb"],
        "held by": holders,
        "advice": row["advice"],
    }
    head = row["device"] + (f"  {row['product']}" if row["product"] else "")
    return [head, *(f"    {name:8} {text}" for name, text in facts.items() if text)]
