"""Disks that are full, or read-only, in a mount namespace of their own.

    unshare -Urm python -m tests.faults.disks SCENARIO

It prints `survived` and ends with 0, or says what was lost.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import wamplite
from tests.faults.witnesses import is_served_anew, witnessed
from tests.processes import RouterProcess

TOPIC = "faults.stored.news"
STORED = {"acknowledge": True, "retain": True}
KEPT = ("--history", "prefix:faults.stored", "--keep")


def mount(folder: Path, options: str) -> None:
    words = ["mount", "-t", "tmpfs", "-o", options, "faults", str(folder)]
    subprocess.run(words, check=True)


def start(folder: Path) -> RouterProcess:
    return RouterProcess(*KEPT, str(folder), listen=["tcp://127.0.0.1:0"], realms=["realm1"])


def publish(router: RouterProcess, first: int, last: int, size: int = 1) -> None:
    with wamplite.connect(router.rs) as session:
        for number in range(first, last):
            session.publish(TOPIC, number, "x" * size, options=STORED)


def kept(router: RouterProcess) -> list[int]:
    with wamplite.connect(router.rs) as session:
        return [event["args"][0] for event in session.meta.history(TOPIC)]


def retained(router: RouterProcess) -> list[int]:
    with wamplite.connect(router.rs) as session:
        found: list[int] = []
        session.subscribe(TOPIC, lambda n, _: found.append(n), options={"get_retained": True})
        session.subscribe(f"{TOPIC}.none", print)  # answered behind the event
        session.drain()
    return found


def end(router: RouterProcess) -> str:
    """End a router, which must end well; return its log."""
    assert router.process.poll() is None, router.stderr()
    router.interrupt(15)
    assert router.wait() == 0, router.stderr()
    log = router.stderr()
    router.stop()
    assert "Traceback" not in log, log
    return log


def not_stored(router: RouterProcess) -> dict[str, int]:
    """Return what the router counts of what it could not store."""
    with wamplite.connect(router.rs) as session:
        counters = session.call("wamplite.router.stats")["counters"]
    return {name: number for name, number in counters.items() if name.endswith("_not_stored")}


def full(folder: Path) -> None:
    """Fill the disk under a router, and make room again."""
    mount(folder, "size=600k")
    router = start(folder)
    router.await_ready()
    publish(router, 0, 3)
    assert not not_stored(router)
    with witnessed(router.port):
        filler = fill(folder)
        publish(router, 3, 30, 5000)
        router.await_stderr("could not be stored")
        assert kept(router) == list(range(30)) and is_served_anew(router.port)
        lost = not_stored(router)
        assert set(lost) == {"history_not_stored", "retained_not_stored"} and all(lost.values())
        filler.unlink()
        publish(router, 30, 31)
        assert not_stored(router) == lost, "there was room"
    end(router)
    again = start(folder)
    again.await_ready()
    assert kept(again) == list(range(31)), kept(again)
    assert retained(again) == [30] and not not_stored(again)
    end(again)


def full_at_the_start(folder: Path) -> None:
    """Start where there is no room at all: that is told, and nothing is left half made."""
    mount(folder, "size=600k")
    filler = fill(folder)
    refused = start(folder)
    assert refused.wait() == 2, refused.stderr()
    assert "disk" in refused.stderr() and str(folder) in refused.stderr(), refused.stderr()
    assert "Traceback" not in refused.stderr()
    refused.stop()
    filler.unlink()
    router = start(folder)
    router.await_ready()
    publish(router, 0, 3)
    end(router)
    again = start(folder)
    again.await_ready()
    assert kept(again) == [0, 1, 2] and retained(again) == [2]
    end(again)


def fill(folder: Path) -> Path:
    """Take all the room that a disk has, and return the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return filler


def read_only(folder: Path) -> None:
    """Start where nothing can be written, and lose the right to write while running."""
    mount(folder, "size=4m")
    router = start(folder)
    router.await_ready()
    publish(router, 0, 3)
    end(router)
    mount(folder, "remount,ro")
    refused = start(folder)
    assert refused.wait() == 2, refused.stderr()
    assert str(folder) in refused.stderr() and "Traceback" not in refused.stderr()
    refused.stop()
    mount(folder, "remount,rw")
    router = start(folder)
    router.await_ready()
    with witnessed(router.port):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], capture_output=True)
        publish(router, 3, 10)
        assert kept(router) == list(range(10)) and is_served_anew(router.port)
    end(router)


SCENARIOS: dict[str, Callable[[Path], None]] = {
    "full": full,
    "full_at_the_start": full_at_the_start,
    "read_only": read_only,
}


def main() -> None:
    """Run a scenario."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            SCENARIOS[sys.argv[1]](folder)
        finally:
            subprocess.run(["umount", "-l", name], capture_output=True)
    print("survived")


if __name__ == "__main__":
    main()
