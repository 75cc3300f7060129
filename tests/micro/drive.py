"""Run board.py on CPython, and feed it the bytes of a TCP connection or of a serial port.

    python drive.py KIND PORT DIRECTORY...    RawSocket: a TCP port; Serial: a path

The DIRECTORIES hold uwamp.py and board.py. It ends with its stdin.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

kind, port, *directories = sys.argv[1:]
sys.path[:0] = directories

import board  # type: ignore[import-not-found]  # noqa: E402

REST = 0.1  # seconds between two attempts to connect
PACE = 0.01  # seconds between two looks at the clock


def now() -> int:
    return int(time.monotonic() * 1000)


def carry(number: int) -> None:
    """Carry bytes until the router has gone, or the session has ended."""
    board.begin(kind, now())
    while not board.is_lost():
        ready, _, _ = select.select([number, sys.stdin], [], [], PACE)
        if sys.stdin in ready:
            sys.exit()
        data = os.read(number, 4096) if number in ready else None
        if data == b"":
            return
        view = memoryview(board.step(data, now()))
        while view:
            view = view[os.write(number, view) :]


while True:
    if kind == "Serial":
        carry(os.open(port, os.O_RDWR | os.O_NOCTTY))
    try:
        with socket.create_connection(("127.0.0.1", int(port))) as link:
            carry(link.fileno())
    except OSError:
        time.sleep(REST)
