"""Whoever connects and says nothing, from one address, keeps nobody else out.

WAMPLITE_SILENT_SECONDS makes it last longer: 25 shows a whole round of handshake deadlines.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import wamplite
from tests.faults.conftest import Bystander
from tests.faults.sessions import Stopwatch
from tests.processes import RouterProcess

SECONDS = float(os.environ.get("WAMPLITE_SILENT_SECONDS", "2"))
SILENT = 70
GREEDY = "127.0.0.66"


@pytest.fixture(scope="module")
def listen(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Listen on a Unix socket as well."""
    return ["tcp://127.0.0.1:0", f"unix://{tmp_path_factory.mktemp('silent')}/socket"]


class Silent:
    """So many sockets of one address that say nothing, each opened again once it is closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.opened = 0
        self._ending = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for _ in range(SILENT):
            self._open()
        while not self._ending.is_set():
            for key, _ in self._selector.select(0.05):
                self._close(key.fileobj)  # type: ignore[arg-type]
                self._open()

    def _open(self) -> None:
        with suppress(OSError):
            sock = socket.create_connection(("127.0.0.1", self.port), 5, (GREEDY, 0))
            self._selector.register(sock, selectors.EVENT_READ)
            self.opened += 1

    def _close(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)
        sock.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep them open while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._ending.set()
            self._thread.join(20)
            for key in list(self._selector.get_map().values()):
                self._close(key.fileobj)  # type: ignore[arg-type]
            self._selector.close()


def is_healthy(url: str) -> bool:
    """Let two fresh sessions join, one serve and the other call."""
    with wamplite.connect(url, timeout=5) as callee, wamplite.connect(url, timeout=5) as caller:
        callee.register("faults.silent.health", lambda number: number + 1)
        return bool(caller.call("faults.silent.health", 1) == 2)


def test_silent_sockets_of_one_address_keep_nobody_out(
    router: RouterProcess, bystander: Bystander
) -> None:
    path = Path(urlsplit(router.urls[1]).path)
    urls = [router.rs, router.ws, f"unix://{path}"]
    silent, watch = Silent(router.port), Stopwatch()
    with silent.running():
        while watch.seconds < SECONDS:
            for url in urls:
                assert is_healthy(url), url
            bystander.publish(bystander.witness)
    assert silent.opened >= SILENT
    log = router.stderr()
    assert f"{GREEDY}:" in log and "have not joined yet (max_handshaking_per_address: 16)" in log
    assert log.count("have not joined yet") < 10 + SECONDS / 5, "told too often"
