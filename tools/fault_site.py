"""What `tools/faults` plays with: devices that speak all the time, a router that remembers."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.bridge.pseudo import PseudoDevice, sentence  # noqa: E402 - found through ROOT

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
silence = {silence}
decode = {{kind = "nmea"}}
  [[port.publish]]
  topic = "faults.p{number}"
  timestamp = true
"""

# A router that writes down what it hands on, line by line, before anybody can lose it.
ROUTER = """
import json, os, sys, threading, wamplite
seen = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def note(event: wamplite.Event):
    told = event.kwargs
    line = [event.topic, told["seq"], "_resent" in told, told["fields"][3], told["ts"]]
    os.write(seen, json.dumps(line).encode() + b"\\n")
router = wamplite.Router()
session = router.connect("realm1")
for number in range(3):
    session.subscribe(f"faults.p{number}", note)
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


class Talker:
    """A device that sends numbered sentences all the time, unless it is told to be silent."""

    def __init__(self, folder: Path, number: int) -> None:
        self.device = PseudoDevice(folder, f"tty{number}").plug()
        self.lock = threading.Lock()  # guards the device against being pulled while it speaks
        self.silent = False
        self.plugged = True
        self.number = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"talker-{number}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(0.05):
            with self.lock:
                if self.plugged and not self.silent and self.device.unread() < 2000:
                    self.say(2)

    def say(self, number: int) -> None:
        """Send so many sentences (the lock is held)."""
        for _ in range(number):
            self.number += 1
            self.device.write(sentence(self.number))

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
