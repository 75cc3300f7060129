"""Other people's routers in processes of their own, ended with all their children."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.interop.peers import ROUTERS, Words, installed

START_SECONDS = 140.0
STOP_SECONDS = 10.0


class Foreign:
    """A router's process group; `port` is where it serves a transport."""

    def __init__(self, command: Words, ports: dict[str, int], log: Path) -> None:
        self.port, self.log = ports, log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def url(self, transport: str) -> str:
        """Wait until the router serves a transport and return its URL."""
        deadline = time.monotonic() + START_SECONDS
        while not listens(self.port[transport]):
            story = self.log.read_text(errors="replace")[-2000:]
            assert self.process.poll() is None, f"the router ended: {story}"
            assert time.monotonic() < deadline, f"no router after {START_SECONDS} s: {story}"
            time.sleep(0.05)
        path = "/ws" if transport == "ws" else ""
        return f"{transport}://127.0.0.1:{self.port[transport]}{path}"

    def stop(self) -> None:
        """End the router, then whatever is left of its process group: Crossbar has workers."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports() -> dict[str, int]:
    """Two ports that nobody has: these routers cannot be asked for port 0.

    They lie below those that Linux gives to outgoing connections, so that none of these takes one
    before its router has started.
    """
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < 2:
            probe = stack.enter_context(socket.socket())
            port = random.randrange(12000, 32000)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return dict(zip(("ws", "rs"), found, strict=True))


@contextmanager
def start_all(directory: Path) -> Iterator[dict[str, Foreign]]:
    """Start each router that is installed, without waiting for it."""
    with ExitStack() as stack:
        routers = {}
        for name, router in ROUTERS.items():
            peer = installed()[router.peer]
            if peer["state"] != "present":
                continue
            ports, own = free_ports(), directory / name
            own.mkdir()
            command = router.command(Path(peer["place"]), own, ports)
            routers[name] = Foreign(command, ports, directory / f"{name}.log")
            stack.callback(routers[name].stop)
        yield routers
