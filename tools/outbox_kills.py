#!/usr/bin/env python3
"""Kill an outbox with kill -9 while its disk is full: nothing that was stored may be lost.

    python tools/outbox_kills.py [KILLS]

The disk is a tmpfs in a mount namespace of its own (`unshare -Urm`). Each life is a process that
puts events without end into an outbox on that disk, and says after each step what it has stored and
what waits in memory. The disk is filled to the last byte at some moment, or was full already at the
start; the process is killed at some moment after it has noticed. Then the file is looked at: all
that the process said was stored has to be there. In the end there is room again, and what is left
comes out in order. Prints one line; exit 1 and what is wrong at the first loss.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.processes import Program  # noqa: E402 - found through ROOT

NAMESPACE = ("unshare", "-Urm")
DISK = 6 * 1024 * 1024
MOST_BYTES = 200 * 1024  # the outbox's max_bytes
GROWTH = 16 * 1024  # KiB by which a life may grow: the bound, Python's own, and SQLite's caches
PATIENCE = 20.0

LIFE = f"""
import os, resource, sys, time
from pathlib import Path
from tests.bridge.boxes import StoredBox
from wamplite.bridge.outbox import journal
journal.RETRY = 0.2
box = StoredBox(Path(sys.argv[1]), max_messages=10**6, max_bytes={MOST_BYTES}, write_every=0.02)
queue = box._queue
end_storing, drop_stored = queue.end_storing, queue.drop_stored

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole, whichever thread says it

def tell_stored(are_stored):
    batch = [entry.seq for entry in queue._storing]
    end_storing(are_stored)
    if are_stored:
        say("stored", *batch)

def tell_dropped(rows):
    if rows:
        say("dropped", rows[-1].seq)
    drop_stored(rows)

queue.end_storing, queue.drop_stored = tell_stored, tell_dropped
box.start()
while True:
    box.fill(*("x" * 200 for _ in range(20)))
    time.sleep(0.002)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    say("holds", queue.memory, resident, int(bool(box.trouble)))
"""


class Said:
    """What a life has said so far."""

    def __init__(self, found: list[int]) -> None:
        self.promised = set(found)  # numbers of events that are in the file
        self.stored = self.memory = self.resident = self.first_resident = 0
        self.is_full = False

    def take(self, line: str) -> None:
        """Take note of a line."""
        word, *numbers = line.split()
        values = [int(number) for number in numbers]
        if word == "stored":
            self.promised.update(values)
            self.stored += len(values)
        elif word == "dropped":
            self.promised = {seq for seq in self.promised if seq > values[0]}
        else:
            memory, self.resident, is_full = values
            self.memory, self.is_full = max(self.memory, memory), bool(is_full)
            self.first_resident = self.first_resident or self.resident


class Trial:
    """One disk, and the lives on it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path, self.filler = folder / "outbox", folder / "filler"
        self.random = random.Random(seed)
        self.stored = self.kills = 0

    def fill(self) -> None:
        """Leave no byte on the disk."""
        with self.filler.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def live(self) -> None:
        """Let a process live, and be killed while the disk is full; see what it has left."""
        said = Said(self.rows())
        life = Program(sys.executable, "-c", LIFE, str(self.path))
        try:
            self.hear(life, said, self.random.uniform(0.0, 0.4))
            deadline = time.monotonic() + PATIENCE
            while not self.stored and not said.stored:  # the first life, on a slow machine
                assert time.monotonic() < deadline, "it has stored nothing"
                self.hear(life, said, 0.05)
            while not said.is_full:
                assert time.monotonic() < deadline, "it never noticed"
                self.fill()
                self.hear(life, said, 0.05)
            self.hear(life, said, self.random.uniform(0.0, 0.6))
            life.process.kill()
            self.kills += 1
            while line := life.line(PATIENCE):
                said.take(line)
            assert "Traceback" not in life.stderr(), life.stderr()
        finally:
            life.stop()
        self.stored += said.stored
        assert said.memory <= MOST_BYTES, f"{said.memory} bytes in memory"
        assert said.resident - said.first_resident < GROWTH, "it has grown"
        missing = sorted(said.promised - set(self.rows()))
        assert not missing, f"{len(missing)} that were stored are not there, as {missing[0]}"
        if self.random.random() < 0.6:  # else the next life starts on a full disk
            self.filler.unlink()

    def hear(self, life: Program, said: Said, seconds: float) -> None:
        """Take note of what a life says within some time, of one line at least."""
        deadline = time.monotonic() + seconds
        said.take(life.line(PATIENCE))
        while time.monotonic() < deadline:
            said.take(life.line(PATIENCE))

    def rows(self) -> list[int]:
        """Return the numbers of the events in the file, read from a copy that has room."""
        if not self.path.exists():
            return []
        with tempfile.TemporaryDirectory() as folder:
            for part in ("", "-wal"):
                with suppress(FileNotFoundError):
                    shutil.copy(f"{self.path}{part}", folder)
            with closing(sqlite3.connect(Path(folder, self.path.name))) as database:
                return [seq for (seq,) in database.execute("SELECT seq FROM event ORDER BY seq")]

    def finish(self) -> int:
        """Make room and take out what is left; return how many that are."""
        from tests.bridge.boxes import StoredBox, all_of

        self.filler.unlink(missing_ok=True)
        expected = self.rows()
        box = StoredBox(self.path, max_messages=10**6, max_bytes=10**9, max_age=0)
        box.start()
        found = [entry.seq for entry in all_of(box)]
        box.end()
        assert found == expected, "not all of it came out, or not in order"
        assert self.rows() == [], "what came out is still there"
        return len(found)


def main() -> int:
    """Run the trial, in a namespace that it makes for itself."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kills", nargs="?", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        words = [*NAMESPACE, sys.executable, __file__, "--inside", *sys.argv[1:]]
        os.execvp(words[0], words)
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "outbox", folder]
        subprocess.run(mount, check=True)
        trial = Trial(Path(folder), options.seed)
        try:
            for _ in range(options.kills):
                trial.live()
            left = trial.finish()
        except AssertionError as exc:
            print(f"after {trial.kills} kills: {exc}")
            return 1
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    print(f"{options.kills} kills, {trial.stored} events stored, {left} left: nothing is lost")
    return 0 if trial.stored else 1


if __name__ == "__main__":
    sys.exit(main())
