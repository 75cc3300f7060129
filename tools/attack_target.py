"""Whom tools/attacks.py attacks, and what its attacks have in common."""

from __future__ import annotations

import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.sessions import Session, open_session  # noqa: E402 - found through ROOT
from tests.faults.wire import Closed, Wire  # noqa: E402

ADDRESSES = [f"127.0.0.{number}" for number in range(66, 74)]
TOPIC = "attacks.topic"
GONE = (Closed, ConnectionError, TimeoutError)
PAUSE = 0.02


class Target(NamedTuple):
    """The router: its ports, and the moment until which it is attacked."""

    port: int
    tls: int
    until: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    def hold(self) -> None:
        """Do nothing until the attack is over."""
        time.sleep(max(0.0, self.until - time.monotonic()))

    def session(self, number: int, dialect: str = "rs-msgpack") -> Session:
        """Join from one of the addresses."""
        return open_session(self.port, dialect, source=ADDRESSES[number % len(ADDRESSES)])


def ended(wire: Wire) -> bool:
    """Take what came; tell whether the router has closed, and close as well."""
    wire.sock.setblocking(False)
    try:
        if wire.sock.recv(65536):
            return False
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        pass
    wire.close()
    return True


def sent(wire: Wire, data: bytes) -> bool:
    """Send all of it without reading, for 3 s at most; tell whether it was taken."""
    wire.sock.settimeout(3)
    try:
        wire.sock.sendall(data)
    except OSError:
        return False
    return True


def count_ended(wires: list[Wire], target: Target) -> str:
    """Wait until the router has ended all; tell how many, and the last after how long."""
    number, began, last = len(wires), time.monotonic(), 0.0
    left = wires
    while True:
        after = [wire for wire in left if not ended(wire)]
        if len(after) < len(left):
            last = time.monotonic() - began
        left = after
        if not left or target.is_over:
            break
        time.sleep(PAUSE)
    return f"{number - len(left)} of {number} ended, the last after {last:.1f} s"


def run_all(work: Callable[[Wire], None], wires: list[Wire]) -> None:
    """Do it to all at once, each in a thread."""
    threads = [threading.Thread(target=work, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
