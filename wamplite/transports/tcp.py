"""What every TCP connection is set to: no delay, and an end for a peer that vanished.

The kernel asks a silent peer's kernel, which answers for a process that is stopped, too. That needs
nothing of WAMP: many RawSocket peers ignore a PING or die of it.
"""

from __future__ import annotations

import socket
from contextlib import suppress

OPTIONS = (
    ("TCP_NODELAY", 1),
    ("TCP_KEEPIDLE", 30),
    ("TCP_KEEPINTVL", 10),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)
LONGEST = 32767  # seconds; the kernel takes no more, and would refuse them


def tune(sock: socket.socket) -> None:
    """Set what every TCP connection needs; nothing on a Unix socket."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        _set(sock, OPTIONS)


def keep_alive(sock: socket.socket, interval: float) -> None:
    """Find a peer that vanished within twice so many seconds of silence, of 1 s at least."""
    interval = min(max(interval, 1.0), LONGEST)
    options = (
        ("TCP_KEEPIDLE", int(interval)),
        ("TCP_KEEPINTVL", max(1, int(interval / 4))),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", int(1750 * interval)),  # ms; kept by the next probe, so a bit early
    )
    if sock.family != socket.AF_UNIX:
        with suppress(OSError):  # a lost connection: recv will tell
            _set(sock, options)


def _set(sock: socket.socket, options: tuple[tuple[str, int], ...]) -> None:
    for name, value in options:
        option = getattr(socket, name, None)  # not every system has them all
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
