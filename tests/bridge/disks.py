"""Outboxes on disks that are full or read-only, in a mount namespace of their own.

    unshare -Urm python -m tests.bridge.disks SCENARIO

It prints `survived` and ends with 0, or says what was lost.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bridge.boxes import StoredBox, all_of, rows
from tests.bridge.events import numbers
from tests.bridge.pseudo import PseudoDevice, feed
from tests.waiting import until
from wamplite.bridge import Bridge
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.outbox import journal
from wamplite.bridge.settings import (
    BridgeSettings,
    BufferSettings,
    PortSettings,
)
from wamplite.bridge.shaping import PublishSettings


class Lines(logging.Handler):
    """What was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"


LOG = Lines()
ENOUGH = "size=8m"


def mount(folder: Path, options: str) -> None:
    words = ["mount", "-t", "tmpfs", "-o", options, "outbox", str(folder)]
    subprocess.run(words, check=True)


def fill(folder: Path) -> Path:
    """Leave no byte on a disk; return what takes them."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filler


def started(path: Path, **more: Any) -> StoredBox:
    box = StoredBox(path, write_every=0.05, **more)
    box.start()
    return box


def left_by_a_crash(path: Path, *values: int) -> None:
    """Leave events in a file as kill -9 leaves it."""
    box = started(path)
    box.fill(*values)
    box.await_stored()
    box.crash()


def full_at_start(folder: Path) -> None:
    """What is in the file comes out all the same; what comes meanwhile is written later."""
    mount(folder, ENOUGH)
    path = folder / "outbox"
    left_by_a_crash(path, *range(10))
    filler = fill(folder)
    box = started(path, max_messages=100_000, max_bytes=1 << 24)
    assert "full" in box.trouble and LOG.text.count("kept in memory until it works") == 1
    assert box.found == {"a": 10}
    first = box.take(5)
    assert numbers(first) == list(range(5))
    box.confirm(first)
    box.fill(*range(10, 3000))
    filler.unlink()
    until(lambda: not box.trouble, "written again")
    box.await_stored()
    box.crash()
    again = started(path, max_messages=100_000, max_bytes=1 << 24)
    found = all_of(again)
    assert numbers(found) == list(range(5, 3000)) and not again.dropped
    assert [entry.seq for entry in found] == sorted({entry.seq for entry in found})
    again.end()
    assert rows(path) == []


def full_before_there_is_a_file(folder: Path) -> None:
    """A file that cannot even be made is made later."""
    mount(folder, ENOUGH)
    path, filler = folder / "outbox", fill(folder)
    box = started(path)
    assert box.trouble
    box.fill(1, 2, 3)
    assert numbers(taken := box.take(1)) == [1]
    box.confirm(taken)
    filler.unlink()
    box.await_stored()
    box.end()
    assert len(rows(path)) == 2


def read_only_at_start(folder: Path) -> None:
    """Nothing can be read then, so what is in the file comes out once the disk can be written."""
    mount(folder, ENOUGH)
    path = folder / "outbox"
    left_by_a_crash(path, *range(10))
    mount(folder, "remount,ro")
    box = started(path)
    assert box.trouble and LOG.text.count("kept in memory until it works") == 1
    box.fill(10)
    (new,) = taken = box.take(10)
    box.fill(11, 12)
    mount(folder, "remount,rw")
    box.confirm(taken)
    until(lambda: box.found, "opened at last")
    found = all_of(box)
    assert numbers(found) == [*range(10), 11, 12] and not box.dropped
    assert [entry.seq for entry in found] == sorted({entry.seq for entry in found})
    assert new.seq not in {entry.seq for entry in found}
    box.end()
    assert rows(path) == []


def read_only_under_a_bridge(folder: Path) -> None:
    """The whole bridge starts on a read-only disk, publishes, and ends well."""
    mount(folder, "size=4m,ro")
    events: list[Any] = []
    with tempfile.TemporaryDirectory() as elsewhere, PseudoDevice(Path(elsewhere)) as device:
        device.plug()
        port = PortSettings(
            name="p0",
            device=device.path,
            decode=DECODERS["nmea"].made(),
            publish=(PublishSettings(topic="test.p0"),),
        )
        buffer = BufferSettings(path=str(folder / "outbox"))
        with Bridge(BridgeSettings(buffer=buffer, ports=(port,)), sink=events.extend) as bridge:
            until(lambda: bridge.ports["p0"].device.is_ready, "open")
            feed(device, range(3))
            until(lambda: len(events) == 3, "published")
            assert bridge.report()["outbox"]["trouble"]
    assert LOG.text.count("kept in memory until it works") == 1, LOG.text


def bounds_hold(folder: Path) -> None:
    """The bound in bytes holds while the disk is full, in memory and in all, and then again."""
    mount(folder, ENOUGH)
    path, most = folder / "outbox", 1 << 20
    box = started(path, max_messages=10**6, max_bytes=most)
    box.fill(*("x" * 3000 for _ in range(60)))
    box.await_stored()
    filler = fill(folder)
    for number in range(600):
        box.fill(*("y" * 3000 for _ in range(10)))
        with box._changed:
            assert box._queue.memory <= most, f"{box._queue.memory} bytes in memory"
        if number % 100 == 0:
            until(lambda: box.trouble, "the disk is full")
    until(lambda: box._queue.size <= most, "within the bound in all")
    dropped = box.dropped["overflow"]
    assert len(box) + dropped == 6060 and dropped > 5000
    filler.unlink()
    until(lambda: not box.trouble, "written again")
    found = all_of(box)
    assert len(found) == 6060 - dropped
    assert [entry.seq for entry in found][-1] == 6060
    box.end()


SCENARIOS: dict[str, Callable[[Path], None]] = {
    scenario.__name__: scenario
    for scenario in (
        full_at_start,
        full_before_there_is_a_file,
        read_only_at_start,
        read_only_under_a_bridge,
        bounds_hold,
    )
}


def main() -> None:
    """Run a scenario."""
    logging.getLogger().addHandler(LOG)
    journal.RETRY = 0.1
    with tempfile.TemporaryDirectory() as name:
        try:
            SCENARIOS[sys.argv[1]](Path(name))
        finally:
            subprocess.run(["umount", "-l", name], capture_output=True)
    print("survived")


if __name__ == "__main__":
    main()
