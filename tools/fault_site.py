"""What `tools/faults bridge` plays with: devices that speak or answer, a router that remembers."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import wamplite  # noqa: E402 - found through ROOT
from tests.bridge.framing.devices import telegram  # noqa: E402
from tests.bridge.modbus_slave import Registers  # noqa: E402
from tests.bridge.pseudo import PseudoDevice, sentence  # noqa: E402
from tests.bridge.responder import checksum  # noqa: E402

CONFIGURATION = """
[session]
url = "rs://127.0.0.1:{port}"
serializer = "msgpack"
[buffer]
max_messages = {most}
path = "{disk}/outbox"
"""
PORT = """
[[port]]
name = "p{number}"
device = "{device}"
baudrate = 115200
silence = {silence}
{kind}
"""
PUBLISH = """
  [[port.publish]]
  topic = "faults.p{number}"
  timestamp = true
"""
# How the devices speak: a sentence, a frame with a CRC after it was told to, a block of lines
KINDS = (
    'decode = {kind = "nmea"}' + PUBLISH,
    'framing = {kind = "fixed", start = "\\u00aa\\u00c0", size = 6, checksum = {kind ='
    ' "crc16-modbus", byteorder = "little"}}\ndecode = {kind = "struct", format = "<IH",'
    ' fields = ["n", ""]}\n  [[port.init]]\n  write = "GO\\n"\n  pause = 0.01' + PUBLISH,
    'framing = {kind = "block", begin = "^/", end = "^!", checksum = {kind = "crc16-arc", format ='
    ' "hex"}}\ndecode = {kind = "pairs", rename = {N = "n"}, types = {n = "int"}}' + PUBLISH,
    """
  [[port.poll]]
  every = 0.1
  timeout = 0.1
  retries = 1
  topic = "faults.p{number}"
  timestamp = true
  modbus = {unit = 1, function = 3, address = 0, type = "uint32", name = "n"}
  [[port.poll]]
  every = 0.1
  timeout = 0.1
  topic = "faults.constant"
  timestamp = true
  modbus = {unit = 1, function = 3, address = 2, type = "uint32", name = "n"}
  [[port.procedure]]
  uri = "faults.call"
  timeout = 0.3
  modbus = {unit = 1, function = 16, address = 0, type = "uint32"}
  [[port.subscribe]]
  topic = "faults.event"
  timeout = 0.3
  modbus = {unit = 1, function = 16, address = 0, type = "uint32"}
""",
)
CONSTANT = 77_777_777
TOPICS = "faults.p0", "faults.p1", "faults.p2", "faults.p3", "faults.constant"


def configured(port: int, most: int, disk: Path, devices: list[str], silence: float) -> str:
    """Return the file of a bridge with a port for each device."""
    text = CONFIGURATION.format(port=port, most=most, disk=disk)
    for number, device in enumerate(devices):
        kind = KINDS[number].replace("{number}", str(number))
        text += PORT.format(number=number, device=device, silence=silence, kind=kind)
    return text


# A router that writes down what it hands on, line by line, before anybody can lose it.
ROUTER = """
import json, os, sys, threading, wamplite
seen = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(event: wamplite.Event):
    told = event.kwargs
    number = int(told["fields"][3]) if "fields" in told else told["n"]
    line = [event.topic, told["seq"], "_resent" in told, number, told["ts"]]
    os.write(seen, json.dumps(line).encode() + b"\\n")
router = wamplite.Router()
session = router.connect("realm1")
for topic in sys.argv[3:]:
    session.subscribe(topic, note)
router.listen("tcp://127.0.0.1:" + sys.argv[1])
print("ready", flush=True)
threading.Event().wait()
"""


DISK = 16 * 1024 * 1024  # bytes of the disk that the outbox is on; SQLite's log takes up to 4 MiB


class Disk:
    """A small disk of its own, which can be filled; it needs a mount namespace (`unshare -Urm`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "outbox", str(folder)]
        subprocess.run(words, check=True)

    def fill(self) -> None:
        """Leave no byte on it."""
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def empty(self) -> None:
        """Make room again."""
        self._filler.unlink()

    def end(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


def framed(number: int) -> bytes:
    """Return a frame with a CRC that holds a number."""
    whole = b"\xaa\xc0" + struct.pack("<I", number)
    return whole + checksum(whole[2:])


def block(number: int) -> bytes:
    """Return a block of lines with a CRC that holds a number."""
    return telegram(b"/ABC5", b"", b"N=%d" % number)


class Talker:
    """A device that sends numbered lines all the time, unless it is told to be silent."""

    pause = 0.05  # seconds

    def __init__(self, folder: Path, number: int, line: Callable[[int], bytes] = sentence) -> None:
        self.device = PseudoDevice(folder, f"tty{number}").plug()
        self.lock = threading.Lock()  # guards the device against being pulled while it speaks
        self.silent = False
        self.plugged = True
        self.number = 0
        self.line = line
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"talker-{number}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(self.pause):
            with self.lock:
                if self.plugged:
                    self.turn()

    def turn(self) -> None:
        """Do what is to be done now and then (the lock is held)."""
        if self.device.unheard():
            self.device.read()
        if not self.silent and self.device.unread() < 2000:
            self.say(2)

    def say(self, number: int) -> None:
        """Send so many lines (the lock is held)."""
        for _ in range(number):
            self.number += 1
            self.device.write(self.line(self.number))

    def pull(self) -> None:
        with self.lock:
            self.plugged = False
            self.device.pull()

    def plug(self) -> None:
        with self.lock:
            self.device.plug()
            self.plugged = True

    def end(self) -> None:
        self._ending.set()
        self._thread.join()
        self.device.pull()


class Slave(Talker):
    """A Modbus slave with a number that is written, and one that never changes.

    trouble: what becomes of the next reply: "late", "damaged", "cut" or "".
    """

    pause = 0.003
    delay = 0.25  # seconds until a late reply: past the timeout

    def __init__(self, folder: Path, number: int) -> None:
        high, low = divmod(CONSTANT, 0x10000)
        self.registers = Registers({1: {0: 0, 1: 0, 2: high, 3: low}})
        self.taken = {0}  # all numbers that were written to it
        self.trouble = ""
        self._rest = b""
        self._late: list[tuple[float, bytes]] = []
        super().__init__(folder, number, lambda number: self.reply(b"\x01\x03\0\0\0\x02"))

    def turn(self) -> None:
        if self.device.unheard():
            self._rest += self.device.read()
        while self._late and self._late[0][0] <= time.monotonic():
            self.device.write(self._late.pop(0)[1])
        while not self._late and len(self._rest) >= 8:  # a gateway answers in order
            size = 9 + self._rest[6] if self._rest[1] == 16 else 8
            if len(self._rest) < size:
                return
            request, self._rest = self._rest[:size], self._rest[size:]
            if checksum(request[:-2]) != request[-2:]:
                self._rest = b""
            elif not self.silent:
                self._answer(request[:-2])

    def _answer(self, request: bytes) -> None:
        trouble, self.trouble = self.trouble, ""
        reply = self.reply(request)
        if request[1] == 16:
            self.taken.add(int.from_bytes(request[7:], "big"))
        if trouble == "late":
            self._late.append((time.monotonic() + self.delay, reply))
        elif trouble == "damaged":
            self.device.write(reply[:-3] + bytes([reply[-3] ^ 0x55]) + reply[-2:])
        else:
            self.device.write(reply[:-1] if trouble == "cut" else reply)

    def reply(self, request: bytes) -> bytes:
        """Return the reply to a request, with its checksum."""
        body = self.registers.reply(request)
        return body + checksum(body)

    def say(self, number: int) -> None:
        """Say nothing: it is asked."""

    def plug(self) -> None:
        self._rest, self._late = b"", []
        super().plug()


def write_number(port: int, number: int) -> bool:
    """Write a number to the slave through a router; tell whether that was confirmed.

    An odd one by an event, which the router confirms; an even one by a call, which the slave does.
    """
    try:
        url = f"rs://127.0.0.1:{port}"
        with wamplite.connect(url, timeout=2.0, connect_timeout=2.0) as session:
            if number % 2:
                session.publish("faults.event", number, options={"acknowledge": True})
            else:
                session.call("faults.call", number)
    except wamplite.WampliteError:
        return False
    return True


def compare_values(
    seen: list[Any], talkers: list[Talker], slave: Slave, confirmed: set[int]
) -> None:
    """See that no value was seen that no device had, and that what was confirmed is written."""
    for topic, talker in zip(TOPICS, talkers, strict=False):
        told = [n for where, _, resent, n, _ in seen if where == topic and not resent]
        assert told == sorted(set(told)), f"{topic}: lines out of order, or twice"
        assert told and told[0] >= 1 and told[-1] <= talker.number, f"{topic}: not what was sent"
    held = {n for topic, _, _, n, _ in seen if topic == TOPICS[3]}
    assert held <= slave.taken, f"{held - slave.taken}: never written to the slave"
    constant = {n for topic, _, _, n, _ in seen if topic == TOPICS[4]}
    assert constant == {CONSTANT}, f"{constant - {CONSTANT}} or nothing: the slave has {CONSTANT}"
    assert confirmed <= slave.taken, "confirmed, and not written"
    print(
        f"the slave took {len(slave.taken) - 1} numbers, {len(confirmed)} were confirmed to calls"
    )
