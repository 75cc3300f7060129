"""A slow line with delays and losses, in front of a router: what TCP makes of one.

There is no lossy network here: what is lost is sent again by TCP, so a loss is a pause.
"""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections import deque
from contextlib import suppress

PIECE = 128  # octets at a time
PAUSE = 0.6  # seconds until what was lost is sent again, twice that with the next loss in a row


class BadLine:
    """Carries connections to a port, `rate` octets a second each way, each `delay` seconds late."""

    def __init__(self, port: int, rate: int, delay: float, loss: float) -> None:
        self._target, self._rate, self._delay, self._loss = port, rate, delay, loss
        self._chance = random.Random(93)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.stalls = 0
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._accept, name="bad-line")]

    def __enter__(self) -> BadLine:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(10)
        self._server.close()

    def _accept(self) -> None:
        while not self._ending.is_set():
            if not select.select([self._server], [], [], 0.1)[0]:
                continue
            near, _ = self._server.accept()
            far = socket.create_connection(("127.0.0.1", self._target))
            thread = threading.Thread(target=self._carry_both, args=(near, far), name="bad-line")
            self._threads.append(thread)
            thread.start()

    def _carry_both(self, near: socket.socket, far: socket.socket) -> None:
        ways = [
            threading.Thread(target=self._carry, args=pair) for pair in ((near, far), (far, near))
        ]
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        near.close()
        far.close()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        """Carry one way to its end; the order is kept, as TCP keeps it."""
        under_way: deque[tuple[float, bytes]] = deque()
        free, ended = time.monotonic(), False
        with suppress(OSError):
            while not self._ending.is_set() and not (ended and not under_way):
                wait = 0.05 if not under_way else max(0.0, under_way[0][0] - time.monotonic())
                if not ended and select.select([source], [], [], min(wait, 0.05))[0]:
                    data = source.recv(PIECE)
                    ended = not data
                    free = max(free, time.monotonic()) + len(data) / self._rate + self._lost()
                    under_way.append((free + self._delay, data))
                while under_way and under_way[0][0] <= time.monotonic():
                    target.sendall(under_way.popleft()[1])
        for sock in (source, target):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _lost(self) -> float:
        """Return for how long a piece is held up: it is lost again and again."""
        pause = 0.0
        while self._chance.random() < self._loss:
            self.stalls += 1
            pause = 2 * pause + PAUSE
        return pause
