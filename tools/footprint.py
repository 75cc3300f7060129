#!/usr/bin/env python3
"""Print what wamplite costs: import time and memory, the router's start, memory and threads.

    python tools/footprint.py              figures beside their goals
    python tools/footprint.py --check      exit 1 when one is beyond its goal
    python tools/footprint.py --sessions 200

Run it with the interpreter that has wamplite; times depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import base64
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

RUNS = 15  # of what takes little time and varies
SETTLING = 0.5  # seconds until a process has come to rest
HELLO = b'[1,"realm1",{"roles":{"subscriber":{}}}]'
IMPORT = """
import sys, time
def resident():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1])
before, modules, start = resident(), set(sys.modules), time.perf_counter()
import wamplite
if sys.argv[1:]:
    wamplite.connect
took = time.perf_counter() - start
new = {name.split(".")[0] for name in set(sys.modules) - modules} - {"wamplite"}
foreign = [name for name in new if name not in sys.stdlib_module_names or name == "asyncio"]
print(took * 1000, (resident() - before) / 1024, len(foreign))
"""


class Figure(NamedTuple):
    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def is_beyond(self) -> bool:
        return self.goal is not None and self.value > self.goal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit 1 beyond a goal")
    parser.add_argument("--sessions", type=int, default=1000, help="default: %(default)s")
    options = parser.parse_args()
    allow_files(2 * options.sessions + 100)
    beyond = 0
    for figure in figures(options.sessions):
        goal = f"goal {figure.goal:g}" if figure.goal is not None else ""
        mark = "  BEYOND" if figure.is_beyond else ""
        print(f"{figure.name:44}{figure.value:9.1f} {figure.unit:4} {goal}{mark}", flush=True)
        beyond += figure.is_beyond
    return 1 if beyond and options.check else 0


def figures(sessions: int) -> Iterator[Figure]:
    """Measure, one figure after another."""
    times, sizes, foreign = zip(*(measured_import() for _ in range(RUNS)), strict=True)
    yield Figure("import wamplite, time", statistics.median(times), "ms", 25)
    yield Figure("import wamplite, memory", statistics.median(sizes), "MB", 3)
    yield Figure("import wamplite, foreign modules", max(foreign), "", 0)
    times, sizes, _ = zip(*(measured_import("connect") for _ in range(RUNS)), strict=True)
    yield Figure("with wamplite.connect, time", statistics.median(times), "ms")
    yield Figure("with wamplite.connect, memory", statistics.median(sizes), "MB")
    yield Figure("router, exec to ready", statistics.median(start_times()), "ms", 500)
    with router(sessions) as (process, port), ExitStack() as clients:
        clients.enter_context(rawsocket(port))
        yield Figure("router, one RawSocket session", resident(process) / 1024, "MB", 24)
        clients.enter_context(websocket(port))
        yield Figure("router, and one WebSocket session", resident(process) / 1024, "MB", 34)
    yield from per_session("RawSocket", rawsocket, sessions, 8)
    yield from per_session("WebSocket", websocket, sessions, 12)


def per_session(
    name: str, connect: Callable[[int], socket.socket], sessions: int, goal: float
) -> Iterator[Figure]:
    """Measure what further idle sessions of one kind cost."""
    with router(sessions) as (process, port), ExitStack() as clients:
        clients.enter_context(connect(port))
        before, threads = resident(process), status(process, "Threads")
        for _ in range(sessions):
            clients.enter_context(connect(port))
        grown = (resident(process) - before) / sessions
        more = (status(process, "Threads") - threads) / sessions
    yield Figure(f"router, each of {sessions} {name} sessions", grown, "KB", goal)
    yield Figure(f"threads, each of {sessions} {name} sessions", more, "", 0)


def measured_import(*used: str) -> tuple[float, float, int]:
    """Return milliseconds, MB and the number of foreign modules of one import, and one use."""
    said = subprocess.run(
        [sys.executable, "-c", IMPORT, *used], capture_output=True, text=True, check=True
    ).stdout.split()
    return float(said[0]), float(said[1]), int(said[2])


def start_times() -> Iterator[float]:
    """Give the milliseconds from exec to `ready`, for several starts."""
    for _ in range(RUNS):
        started = time.perf_counter()
        with router(1):
            yield (time.perf_counter() - started) * 1000


@contextmanager
def router(sessions: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a router that has said `ready`; gives the process and its port."""
    most = str(sessions + 100)
    command = [sys.executable, "-m", "wamplite", "router", "--listen", "tcp://127.0.0.1:0"]
    command += ["--max-connections", most, "--max-connections-per-address", most]
    command += ["--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            listening, ready = process.stdout.readline(), process.stdout.readline()
            if ready != "ready\n":
                sys.exit(f"the router has ended with {process.wait()}")
            yield process, int(listening.rpartition(":")[2])
        finally:
            process.send_signal(signal.SIGTERM)


def resident(process: subprocess.Popen[str]) -> int:
    """Return the resident memory in KiB, once the process has come to rest."""
    time.sleep(SETTLING)
    return status(process, "VmRSS")


def status(process: subprocess.Popen[str], key: str) -> int:
    """Return a number of /proc/PID/status."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise KeyError(key)


def rawsocket(port: int) -> socket.socket:
    """Join over RawSocket with JSON."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(b"\x7f\xf1\0\0" + len(HELLO).to_bytes(4, "big") + HELLO)
    await_text(client, b"[2,")
    return client


def websocket(port: int) -> socket.socket:
    """Join over WebSocket with JSON."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    key = base64.b64encode(os.urandom(16)).decode()
    request = f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    request += f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    request += "Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
    client.sendall(request.encode())
    await_text(client, b"\r\n\r\n")
    # A text frame, masked with zeros.
    client.sendall(bytes((0x81, 0x80 | len(HELLO), 0, 0, 0, 0)) + HELLO)
    await_text(client, b"[2,")
    return client


def await_text(client: socket.socket, text: bytes) -> None:
    """Read until a text has come."""
    data = b""
    while text not in data:
        more = client.recv(65536)
        if not more:
            client.close()
            raise ConnectionError(f"expected {text!r}, got {data!r} and the end")
        data += more


def allow_files(number: int) -> None:
    """Raise the soft limit of open files, which the router inherits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(number, 1024)), hard))


if __name__ == "__main__":
    sys.exit(main())
