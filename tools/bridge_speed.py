#!/usr/bin/env python3
"""Print what a bridge costs: its memory while idle, its processor time while devices speak.

    python tools/bridge_speed.py            three quiet ports; four with 2,000 lines a second
    python tools/bridge_speed.py --seconds 60 --rate 4000
    python tools/bridge_speed.py --check    exit 1 when a figure is beyond its goal

Devices are pseudo-terminals, the router is a process of its own. Each line has a checksum, which is
verified, and becomes an event that the router confirms: half of the ports send NMEA, the others
lines of values with a CRC-16. Processor time is that of the bridge alone, divided by the time that
passed; what else the machine does matters little to it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.bridge.pseudo import PseudoDevice, sentence  # noqa: E402 - found through ROOT
from tests.bridge.responder import checksum  # noqa: E402
from tests.processes import Program, running_router  # noqa: E402
from tests.processes import wamplite as command  # noqa: E402
from tests.waiting import until  # noqa: E402

IDLE_PORTS, IDLE_GOAL = 3, 30.0  # MB
LOADED_PORTS, LOADED_GOAL = 4, 40.0  # percent of a core
SETTLING = 2.0  # seconds until a process has come to rest
STEP = 0.02  # seconds between two writes to a device
TICKS = os.sysconf("SC_CLK_TCK")
SESSION = """
[session]
url = "{url}"
serializer = "{serializer}"
"""
PORT = """
[[port]]
name = "p{number}"
device = "{device}"
baudrate = 115200
{kind}
  [[port.publish]]
  topic = "speed.p{number}"
"""
KINDS = (
    'decode = "nmea"',
    'framing = {kind = "lines", checksum = {kind = "crc16-modbus", format = "hex"}}\n'
    "decode = {kind = \"regex\", pattern = 'T=(?P<t>[0-9.]+) H=(?P<h>[0-9]+) ',"
    ' types = {t = "float", h = "int"}}',
)


def values(number: int) -> bytes:
    """Return a line of values that holds a number, with its checksum and its end."""
    body = b"T=%d.5 H=%d " % (number, number % 100)
    return body + b"%04X\r\n" % int.from_bytes(checksum(body), "little")


SAID: tuple[Callable[[int], bytes], ...] = (sentence, values)


class Site:
    """A bridge of some ports with their devices, and its router."""

    def __init__(self, stack: ExitStack, ports: int, serializer: str) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        router = stack.enter_context(running_router())
        devices = [PseudoDevice(folder, f"tty{number}").plug() for number in range(ports)]
        self.devices = [stack.enter_context(device) for device in devices]
        text = SESSION.format(url=router.rs, serializer=serializer)
        for number, device in enumerate(self.devices):
            kind = KINDS[number % len(KINDS)]
            text += PORT.format(number=number, device=device.path, kind=kind)
        (folder / "bridge.toml").write_text(text)
        words = command("bridge", str(folder / "bridge.toml"), "--figures", "0.5")
        self.bridge = Program(*words)
        stack.callback(self.bridge.stop)
        until(lambda: self.bridge.stderr().count(": open at") == ports, "the ports are open")
        until(lambda: "joined" in self.bridge.stderr(), "the bridge has joined")

    def resident(self) -> float:
        """Return its resident memory in MB."""
        text = Path(f"/proc/{self.bridge.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", text)
        return int(found[1]) / 1024 if found else 0.0

    def used(self) -> float:
        """Return the seconds of processor time that it has used."""
        words = Path(f"/proc/{self.bridge.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def published(self) -> int:
        """Return how many events the router has confirmed, as the log says last of each port."""
        found = re.findall(r"(tty\d): frames=.* published=(\d+)", self.bridge.stderr())
        return sum(int(number) for number in dict(found).values())

    def speak(self, rate: float, seconds: float) -> int:
        """Let all devices speak at a rate, in lines a second; return how many there were."""
        counts = [0] * len(self.devices)
        threads = [
            threading.Thread(target=self._speak, args=(at, rate / len(counts), seconds, counts))
            for at in range(len(counts))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts)

    def _speak(self, at: int, rate: float, seconds: float, counts: list[int]) -> None:
        device, began = self.devices[at], time.monotonic()
        say = SAID[at % len(SAID)]
        while (passed := time.monotonic() - began) < seconds:
            due = int(rate * passed)
            device.write(b"".join(map(say, range(counts[at], due))))
            counts[at] = due
            time.sleep(STEP)


def idle(serializer: str) -> float:
    """Return the memory of a bridge whose devices are silent, in MB."""
    with ExitStack() as stack:
        site = Site(stack, IDLE_PORTS, serializer)
        time.sleep(SETTLING)
        return site.resident()


def loaded(serializer: str, rate: float, seconds: float) -> tuple[float, float, float]:
    """Return percent of a core, lines a second (all were published), and MB."""
    with ExitStack() as stack:
        site = Site(stack, LOADED_PORTS, serializer)
        sent = site.speak(rate, 1.0)
        used, began = site.used(), time.monotonic()
        sent += site.speak(rate, seconds)
        passed = time.monotonic() - began
        percent = 100 * (site.used() - used) / passed
        until(lambda: site.published() >= sent - LOADED_PORTS, "all but first lines are published")
        return percent, sent / (seconds + 1.0), site.resident()


def main() -> int:
    """Measure, and print a line for each figure."""
    options = parse()
    memory = idle(options.serializer)
    print(f"idle, {IDLE_PORTS} ports:  {memory:.1f} MB  (goal {IDLE_GOAL:g})", flush=True)
    percent, lines, grown = loaded(options.serializer, options.rate, options.seconds)
    print(
        f"{LOADED_PORTS} ports, {options.rate:g} lines/s asked, {lines:.0f} published:"
        f"  {percent:.0f} % of a core, {percent / options.rate * 1e4:.0f} us a line, {grown:.1f} MB"
        f"  (goal {LOADED_GOAL:g} % at 2,000)"
    )
    is_beyond = memory > IDLE_GOAL or percent > LOADED_GOAL
    return 1 if options.check and is_beyond else 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=2000.0, metavar="N", help="lines a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of load (default: 10)")
    parser.add_argument("--serializer", default="json", help="default: json")
    parser.add_argument("--check", action="store_true", help="exit 1 beyond a goal")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
