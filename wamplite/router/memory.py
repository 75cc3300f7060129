"""How much memory this process may use: its cgroup's limit, or the machine's.

A bound that is larger than the memory is none: the kernel ends the process, and all sessions with
it, before such a bound is reached.
"""

from __future__ import annotations

from pathlib import Path

KIB, MIB = 2**10, 2**20
PLENTY = 2**40  # bytes, where nothing tells; a cgroup without a limit tells of even more

CONTROLLERS = {  # as /proc/self/cgroup names them -> where they are mounted, and the file to read
    "": ("", "memory.max"),  # version 2: one tree for all
    "memory": ("memory", "memory.limit_in_bytes"),
}


def available(root: Path = Path("/")) -> int:
    """Return how many bytes of memory there are for this process, used or not."""
    return min(_machine(root), *_cgroups(root), PLENTY)


def _machine(root: Path) -> int:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * KIB
    return PLENTY


def _cgroups(root: Path) -> list[int]:
    """Return the limits of this process's cgroups, and of all above them."""
    found = [PLENTY]
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in CONTROLLERS:
                mount, name = CONTROLLERS[controller]
                found += _limits(root / "sys/fs/cgroup" / mount, path, name)
    return found


def _limits(mount: Path, path: str, name: str) -> list[int]:
    """Return the limits on the way up; in a container the lower part of the way may be missing."""
    steps = [step for step in path.split("/") if step]
    ways = ["/".join(steps[:number]) for number in range(len(steps) + 1)]
    texts = [_read(mount / way / name).strip() for way in ways]
    return [int(text) for text in texts if text.isdecimal()]  # else "max", or not there


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
