"""Do to a running bridge what time does to it, at random, and see that its counts still add up.

    tools/faults bridge                          200 faults in about ten minutes
    tools/faults bridge --faults 20 --stop 1 --hurry
    tools/faults bridge --seed 7                 the same faults in the same order

A `wamplite bridge` with four ports, which are pseudo-terminals, and a router that keeps what it
saw. Three devices speak all the time: sentences, frames with a CRC (after an `init`), blocks of
lines with a CRC. The fourth is a Modbus slave, which is polled and written to. The faults: see
`Bridge.FAULTS`. In the end the bridge must be the process it was, hold no more files, threads or
memory, and its counts must say: read = published + dropped, by reason + waiting; what it says it
published has been seen by the router, in order, nothing twice but what is marked; what is missing
it counted; no event holds a value that no device had, or says that it was heard in 1970; what a
call was told is written the slave has. Exit 1 otherwise. It runs in a mount namespace (`unshare
-Urm`), for the outbox's disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import wamplite  # noqa: E402 - found through ROOT
from tests.processes import Program  # noqa: E402
from tests.waiting import until  # noqa: E402
from tools import bridge_kills  # noqa: E402
from tools.fault_site import (  # noqa: E402
    ROUTER,
    TOPICS,
    Disk,
    Slave,
    Talker,
    block,
    compare_values,
    configured,
    framed,
    sentence,
    write_number,
)
from wamplite.version import MADE  # noqa: E402

PORTS = 4
MOST = 500  # events that the outbox holds
SILENCE = 1.5
HOUR = 3600.0
WRITTEN_AGAIN = 8.0  # seconds in which a disk with room again is noticed
NAMESPACE = ("unshare", "-Urm")
KILL_WINDOW = 50  # events that a router may have confirmed and not written down when it is killed


class Bridge:
    """The bridge, its router, its devices, and what is done to them."""

    def __init__(
        self, folder: Path, chance: random.Random, stop: float, hurry: bool = False
    ) -> None:
        self.folder = folder
        self.chance = chance
        self.stop = stop
        self.silent = SILENCE / 2 if hurry else SILENCE
        self.haste = 0.25 if hurry else 1.0
        self.seen = folder / "seen"
        self.kills = 0
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        lines = sentence, framed, block
        self.talkers = [Talker(folder, number, line) for number, line in enumerate(lines)]
        self.slave = Slave(folder, len(lines))
        self.devices = [*self.talkers, self.slave]
        self.asked = 0  # the last number that was to be written to the slave
        self.confirmed: set[int] = set()  # numbers that are written, as calls were told
        self.disk = Disk(folder / "disk")
        self.clock = folder / "clock"
        self.set_clock(0.0)
        paths = [device.device.path for device in self.devices]
        text = configured(self.port, MOST, self.disk.folder, paths, self.silent)
        (folder / "bridge.toml").write_text(text)
        self.router = self.start_router()
        words = (str(ROOT / "tools" / "moved_clock.py"), str(self.clock), "bridge")
        self.program = Program(sys.executable, *words, str(folder / "bridge.toml"))

    def start_router(self) -> Program:
        words = ("-c", ROUTER, str(self.port), str(self.seen), *TOPICS)
        router = Program(sys.executable, *words)
        assert router.line() == "ready", router.stderr()
        return router

    def close(self) -> None:
        for program in (self.program, self.router):
            with suppress(ProcessLookupError):
                program.interrupt(signal.SIGCONT)
            program.stop()
        for device in self.devices:
            device.end()
        self.disk.end()

    # ---- faults

    def unplug(self) -> None:
        talker = self.chance.choice(self.devices)
        talker.pull()
        self.pause(0.1, 1.5)
        talker.plug()

    def renumber(self) -> None:
        """Two devices are pulled and come back as each other's numbers."""
        first, second = self.chance.sample(self.devices, 2)
        first.pull()
        second.pull()
        second.plug()
        first.plug()

    def garbage(self) -> None:
        talker = self.chance.choice(self.devices)
        with talker.lock:
            talker.device.write(self.chance.randbytes(self.chance.randint(1, 3000)))

    def half_line(self) -> None:
        talker = self.chance.choice(self.devices)
        with talker.lock:
            line = talker.line(0)
            talker.device.write(line[: self.chance.randint(1, len(line) - 1)])
            if self.chance.random() < 0.5:
                talker.plugged = False
                talker.device.pull()
        if not talker.plugged:
            talker.plug()

    def silence(self) -> None:
        talker = self.chance.choice(self.devices)
        talker.silent = True
        time.sleep(self.chance.uniform(self.silent, 2 * self.silent))
        talker.silent = False

    def second_reader(self) -> None:
        """Another program opens the device, asks nobody, and takes what comes."""
        talker = self.chance.choice(self.devices)
        reader = os.open(talker.device.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            with suppress(OSError):
                os.read(reader, 4096)
            time.sleep(0.005)
        os.close(reader)

    def bad_reply(self) -> None:
        """A reply of the slave is late, damaged, or cut; then another."""
        for _ in range(3):
            self.slave.trouble = self.chance.choice(("late", "damaged", "cut"))
            self.pause(0.1, 0.4)

    def kill_router(self) -> None:
        self.kills += 1
        self.router.process.kill()
        self.router.stop()
        self.pause(0.0, 1.5)
        self.router = self.start_router()

    def stop_router(self) -> None:
        self.router.interrupt(signal.SIGSTOP)
        time.sleep(self.stop)
        self.router.interrupt(signal.SIGCONT)

    def fill_outbox(self) -> None:
        self.kills += 1
        self.router.process.kill()
        self.router.stop()
        for talker in self.talkers:
            with talker.lock:
                for _ in range(MOST // 20):
                    talker.say(10)
        self.pause(0.0, 0.5)
        self.router = self.start_router()

    def stop_bridge(self) -> None:
        self.program.interrupt(signal.SIGSTOP)
        self.pause(0.1, 1.5)
        self.program.interrupt(signal.SIGCONT)

    def set_clock(self, seconds: float) -> None:
        """Let the clock that the bridge reads be off by so many seconds, from one moment on."""
        new = self.clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.clock)

    def move_clock(self) -> None:
        """The clock goes forward or back by hours, with or without the router; then it is right."""
        self.set_clock(self.chance.choice((-30, -7, -1, 1, 7, 30)) * HOUR)
        if self.chance.random() < 0.5:
            self.kill_router()
        self.pause(0.2, 2.0)
        self.set_clock(0.0)

    def lose_clock(self) -> None:
        """It is 1970, and then it is not."""
        self.set_clock(-time.time() + 60)
        if self.chance.random() < 0.5:
            self.kill_router()
        self.pause(0.2, 2.0)
        self.set_clock(0.0)

    def fill_disk(self) -> None:
        """The outbox's disk is full while the router is away, and has room again."""
        self.disk.fill()
        self.kill_router()
        self.pause(0.5, 2.0)
        self.disk.empty()

    def pause(self, least: float, most: float) -> None:
        time.sleep(self.haste * self.chance.uniform(least, most))

    FAULTS: tuple[tuple[Callable[[Bridge], None], int], ...] = (
        (unplug, 10),
        (renumber, 10),
        (garbage, 10),
        (half_line, 10),
        (silence, 8),
        (second_reader, 8),
        (bad_reply, 10),
        (kill_router, 8),
        (stop_router, 2),
        (fill_outbox, 5),
        (stop_bridge, 8),
        (move_clock, 8),
        (lose_clock, 5),
        (fill_disk, 5),
    )

    # ---- what must be so

    def run(self, faults: int) -> None:
        until(lambda: self.seen.exists() and self.seen.stat().st_size > 1000, "events arrive")
        until(lambda: self.write() and self.write(), "the slave is written to")
        before, pid = self.holds(), self.program.pid
        kinds = [kind for kind, _ in self.FAULTS]
        weights = [weight for _, weight in self.FAULTS]
        for number in range(faults):
            kind = kinds[number] if number < len(kinds) else self.chance.choices(kinds, weights)[0]
            kind(self)
            self.write()
            self.pause(0.05, 0.8)
            if self.program.process.poll() is not None:
                raise AssertionError(f"after {kind.__name__} the bridge has ended")
            if number % 10 == 9:
                print(f"{number + 1} faults, {self.events()} events", flush=True)
        until(lambda: self.stats()["waiting"] == 0, "nothing waits", 60.0)
        for device in self.devices:
            device.silent = True
        until(self.is_quiet, "all has been published", 60.0)
        until(lambda: not self.is_in_trouble(), "the outbox is written again", WRITTEN_AGAIN)
        after = self.holds()
        print(f"held before: {before}, after: {after}")
        assert self.program.pid == pid
        assert after["files"] <= before["files"] + 2, "files leak"
        assert after["threads"] <= before["threads"] + 1, "threads leak"
        assert after["KiB"] <= before["KiB"] + 10_000, "memory leaks"
        self.settle()

    def write(self) -> bool:
        """Write the next number to the slave, by a call or an event; tell whether that was said."""
        self.asked += 1
        confirmed = write_number(self.port, self.asked)
        if confirmed and not self.asked % 2:
            self.confirmed.add(self.asked)
        return confirmed

    def is_quiet(self) -> bool:
        told = self.stats()
        gone = told["published"] + sum(told["dropped"].values())
        return bool(told["waiting"] == 0 and told["read"] == gone)

    def is_in_trouble(self) -> bool:
        """Tell whether the outbox has said of its disk that it fails, and not yet that it works."""
        log = self.program.stderr()
        return log.count("kept in memory until it works") != log.count("written again")

    def stats(self) -> dict[str, Any]:
        """Return the counts of all ports together, asked for through the router."""
        total: dict[str, Any] = {"waiting": 0, "read": 0, "published": 0, "dropped": {}}
        try:
            with wamplite.connect(f"rs://127.0.0.1:{self.port}") as session:
                for number in range(PORTS):
                    told = session.call(f"wamplite.bridge.p{number}.stats")
                    for key in ("waiting", "read", "published"):
                        total[key] += told[key]
                    for reason, count in told["dropped"].items():
                        total["dropped"][reason] = total["dropped"].get(reason, 0) + count
        except wamplite.WampliteError:
            return {"waiting": -1, "read": 0, "published": 0, "dropped": {}}
        return total

    def events(self) -> int:
        return self.seen.read_bytes().count(b"\n")

    def holds(self) -> dict[str, int]:
        """Return what the bridge's process holds."""
        process = Path(f"/proc/{self.program.pid}")
        found = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())
        return {
            "files": len(os.listdir(process / "fd")),
            "threads": len(os.listdir(process / "task")),
            "KiB": int(found[1]) if found else 0,
        }

    def settle(self) -> None:
        """End the bridge and compare its counts with what the router saw."""
        self.program.interrupt(signal.SIGTERM)
        assert self.program.wait() == 0, self.program.stderr()
        log = self.program.stderr()
        assert "Traceback" not in log, log
        assert "expired: " not in log, "a clock that was set has made events too old"
        published = dropped = 0
        for line in log.splitlines()[-PORTS:]:
            print(re.sub(r".*(tty\d)", r"\1", line))
            counts = {key: int(number) for key, number in re.findall(r"(\w+)=(\d+)", line)}
            gone = counts["published"] + counts["dropped"] + counts["waiting"]
            assert counts["read"] == gone, "the counts do not add up"
            assert counts["waiting"] == 0
            published += counts["published"]
            dropped += sum(map(int, re.findall(r"(?:overflow|expired|refused): (\d+)", line)))
        self.compare([json.loads(line) for line in self.seen.open()], published, dropped)

    def compare(self, seen: list[Any], published: int, lost: int) -> None:
        """See that all that was published was seen, in order, and what was not was counted."""
        untrue = [ts for *_, ts in seen if ts is not None and ts < MADE]
        assert not untrue, f"{len(untrue)} say that they were heard in 1970"
        fresh = [seq for _, seq, resent, *_ in seen if not resent]
        assert fresh == sorted(set(fresh)), "out of order, or twice without a mark"
        compare_values(seen, self.talkers, self.slave, self.confirmed)
        every = {seq for _, seq, *_ in seen}
        missing = published - len(every)
        print(
            f"published {published}, seen {len(every)}, seen again {len(seen) - len(every)},"
            f" lost and counted {lost}, gaps {max(every) - len(every)},"
            f" the router was killed {self.kills} times"
        )
        assert 0 <= missing <= KILL_WINDOW * self.kills, f"{missing} published and never seen"
        assert max(every) - len(every) - missing <= lost, "lost and not counted"


def main(words: list[str]) -> int:
    """Run what the words of a command line say."""
    options = parse(words)
    if not options.inside:
        again = [*NAMESPACE, sys.executable, str(ROOT / "tools" / "faults"), "bridge", "--inside"]
        os.execvp(again[0], [*again, *words])
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.kills:
            return bridge_kills.run(folder, random.Random(options.seed), options.kills)
        bridge = Bridge(folder, random.Random(options.seed), options.stop, options.hurry)
        stack.callback(bridge.close)
        try:
            bridge.run(options.faults)
        except (AssertionError, OSError, TimeoutError) as exc:
            print(f"FAILED: {exc}\nthe bridge said:\n{bridge.program.stderr()[-5000:]}")
            return 1
    print(f"{options.faults} faults in {time.monotonic() - began:.0f} s: all is well")
    return 0


def parse(words: list[str]) -> argparse.Namespace:
    """Read the words of a command line."""
    parser = argparse.ArgumentParser(
        prog="tools/faults bridge",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faults", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--kills", type=int, metavar="N", help="kill the bridge so often instead")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), metavar="N")
    parser.add_argument(
        "--stop", type=float, default=30.0, metavar="SECONDS", help="how long a router is stopped"
    )
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--hurry", action="store_true", help="shorter pauses between the faults")
    return parser.parse_args(words)
