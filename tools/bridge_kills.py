"""Kill a bridge with kill -9 at random moments: nothing that was stored may be lost, or be wrong.

The devices and the ports are those of `tools/faults bridge`. The router is there in about every
other life of the bridge; what the outbox's file holds at each kill must arrive, in order, nothing
twice but what is marked. No event may hold a value that no device had, and what a call was told is
written the slave must have.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import sqlite3
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.processes import Program  # noqa: E402 - found through ROOT
from tests.processes import wamplite as command  # noqa: E402
from tests.waiting import until  # noqa: E402
from tools.fault_site import (  # noqa: E402
    ROUTER,
    TOPICS,
    Slave,
    Talker,
    block,
    compare_values,
    configured,
    framed,
    sentence,
    write_number,
)

MOST = 100_000  # events that the outbox holds
LONGEST = 1.5  # seconds of a life
PATIENCE = 60.0  # seconds until all has arrived


class Killed:
    """A bridge with many lives, its devices and its router."""

    def __init__(self, folder: Path, chance: random.Random, stack: ExitStack) -> None:
        self.folder = folder
        self.chance = chance
        self.outbox = folder / "outbox"
        self.seen = folder / "seen"
        lines = sentence, framed, block
        self.talkers = [Talker(folder, number, line) for number, line in enumerate(lines)]
        self.slave = Slave(folder, len(lines))
        self.devices = [*self.talkers, self.slave]
        for device in self.devices:
            stack.callback(device.end)
        self.port = free_port()
        paths = [device.device.path for device in self.devices]
        for name, port in (("there", self.port), ("away", free_port())):
            text = configured(port, MOST, folder, paths, 0.0)
            text = text.replace("max_messages", "max_bytes = 100_000_000\nmax_messages")
            (folder / f"{name}.toml").write_text(text)
        self.router = Program(sys.executable, "-c", ROUTER, str(self.port), str(self.seen), *TOPICS)
        stack.callback(self.router.stop)
        assert self.router.line() == "ready", self.router.stderr()
        self.stored: set[int] = set()
        self.asked = 0
        self.confirmed: set[int] = set()

    def live(self) -> None:
        """Let the bridge live for a while, kill it, and note what it has stored."""
        is_there = self.chance.random() < 0.5
        bridge = self.begin(is_there)
        try:
            if self.chance.random() < 0.8:  # else it may be killed while it begins
                self.await_word(bridge, ": open at")
            time.sleep(self.chance.uniform(0.0, LONGEST))
            if is_there:
                self.write()
            assert bridge.process.poll() is None, f"it has ended: {bridge.stderr()}"
            bridge.process.kill()
            bridge.wait()
            assert "Traceback" not in bridge.stderr(), bridge.stderr()
        finally:
            bridge.stop()
        self.stored |= self.rows()

    def rows(self) -> set[int]:
        """Return the numbers of the events in the file, where it has been made yet."""
        if not self.outbox.exists():
            return set()
        with closing(sqlite3.connect(self.outbox)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            if "event" not in tables:
                return set()
            return {seq for (seq,) in database.execute("SELECT seq FROM event")}

    def begin(self, is_there: bool) -> Program:
        file = self.folder / ("there.toml" if is_there else "away.toml")
        return Program(*command("bridge", str(file)))

    def await_word(self, bridge: Program, word: str) -> None:
        """Wait until the bridge has said something."""
        said, ended = bridge.stderr, bridge.process.poll
        until(lambda: word in said() or ended() is not None, said, PATIENCE)
        assert ended() is None, f"it has ended: {said()}"

    def write(self) -> None:
        """Write the next number to the slave, whether the bridge is up or not."""
        self.asked += 1
        if write_number(self.port, self.asked) and not self.asked % 2:
            self.confirmed.add(self.asked)

    def finish(self) -> None:
        """Let all that was stored arrive, and see that it is right."""
        bridge = self.begin(True)
        try:
            self.await_word(bridge, "joined")
            until(self.is_there, "all that was stored is there", PATIENCE)
            for device in self.devices:
                device.silent = True
            bridge.interrupt(signal.SIGTERM)
            assert bridge.wait() == 0, bridge.stderr()
        finally:
            bridge.stop()
        seen = self.arrived()
        fresh = [seq for _, seq, resent, *_ in seen if not resent]
        assert fresh == sorted(set(fresh)), "out of order, or twice without a mark"
        compare_values(seen, self.talkers, self.slave, self.confirmed)
        print(f"{len(self.stored)} events were in the file at a kill, {len(seen)} arrived in all")

    def is_there(self) -> bool:
        """Tell whether all that was stored has arrived, and something of each topic."""
        seen = self.arrived()
        return self.stored <= {seq for _, seq, *_ in seen} and {*TOPICS} <= {one[0] for one in seen}

    def arrived(self) -> list[Any]:
        if not self.seen.exists():
            return []
        whole, _, _ = self.seen.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def run(folder: Path, chance: random.Random, kills: int) -> int:
    """Kill a bridge so often; return the exit code."""
    began = time.monotonic()
    with ExitStack() as stack:
        killed = Killed(folder, chance, stack)
        try:
            for number in range(1, kills + 1):
                killed.live()
                if not number % 20:
                    print(f"{number} kills, {len(killed.stored)} stored", flush=True)
            killed.finish()
        except (AssertionError, OSError, TimeoutError) as exc:
            print(f"FAILED: {exc}")
            return 1
    print(f"{kills} kills in {time.monotonic() - began:.0f} s: all is well")
    return 0
