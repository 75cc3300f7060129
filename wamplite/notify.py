"""Tell systemd the state of this program: ready, alive, stopping (sd_notify(3)).

Without $NOTIFY_SOCKET nothing is sent and no socket is made. A name that begins with @ is an
abstract socket. Where systemd asks for signs of life ($WATCHDOG_USEC), two are sent in that time.
"""

from __future__ import annotations

import os
import time

PATIENCE = 1.0  # seconds for systemd to take a datagram


def tell(state: str) -> bool:
    """Send `READY=1`, `STOPPING=1` or `WATCHDOG=1`; tell whether it has been sent."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return False
    import socket

    address = "\0" + name[1:] if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        try:
            sock.sendto(state.encode(), address)
        except OSError:  # nobody listens: the program goes on
            return False
    return True


def interval() -> float:
    """Return the seconds between two signs of life; 0.0: systemd does not ask for any."""
    owner = os.environ.get("WATCHDOG_PID", "")
    if owner and owner != str(os.getpid()):
        return 0.0
    given = os.environ.get("WATCHDOG_USEC", "")
    return int(given) / 2e6 if given.isdigit() and "NOTIFY_SOCKET" in os.environ else 0.0


class Pulse:
    """Signs of life, sent by a loop that runs more often than they are due."""

    def __init__(self) -> None:
        self._interval = interval()
        self._last = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the next sign of life is due."""
        return 0 < self._interval <= time.monotonic() - self._last

    def beat(self) -> None:
        """Send a sign of life."""
        self._last = time.monotonic()
        tell("WATCHDOG=1")
