"""A router in a box of little memory, and what is done to it there.

The box is a memory cgroup of its own, version 1 or 2, where one can be made. Elsewhere the router
is told how much it may buffer, and its address space is limited: what it has resident at most is
not bounded then, only what it has afterwards.
"""

from __future__ import annotations

import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.faults.sessions import Session, dumps, open_session
from tests.faults.wire import Closed
from tests.processes import RouterProcess

MIB = 2**20
SIZE = 64 * MIB
ROOMY = 2**31  # bytes of address space, without a cgroup: 300 threads have large stacks
EVENTS = 20  # that each of many sessions hears
QUIET = 1.0  # seconds in which nobody is ended
SETTLING = 5.0  # seconds for the memory to come back
PARTS = ("memory.max", "memory.limit_in_bytes")  # of a cgroup, version 2 and 1


class Outcome(NamedTuple):
    """What a row of attacks did: counts, and megabytes resident before, at most and afterwards."""

    what: str
    before: float
    most: float
    after: float
    counts: str


def make_cgroup(size: int) -> Path | None:
    """Return a new memory cgroup, or None where none can be made."""
    for base, part in zip(
        (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory")), PARTS, strict=True
    ):
        group = base / _own(part) / f"wamplite-box-{os.getpid()}-{time.monotonic_ns()}"
        with suppress(OSError):
            group.mkdir()
            try:
                if (group / part).exists():
                    (group / part).write_text(str(size))
                    return group
            except OSError:
                pass
            group.rmdir()
    return None


def _own(part: str) -> str:
    controller = "" if part == PARTS[0] else "memory"
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return ""


class BoxedRouter(RouterProcess):
    """A router in a box; `group` is its cgroup."""

    def __init__(self, *options: str, listen: Sequence[str], group: Path | None) -> None:
        self.group = group
        super().__init__(*options, listen=listen, realms=["realm1"])

    def status(self, name: str) -> float:
        """Return a line of /proc/PID/status in megabytes."""
        return self.status_kib(name) / 1024

    @property
    def resident(self) -> float:
        return self.status("VmRSS")

    @property
    def unix(self) -> str:
        return next(url for url in self.urls if url.startswith("unix")).removeprefix("unix://")

    def port_of(self, scheme: str) -> int:
        """Return the port of a listener."""
        url = next(url for url in self.urls if url.startswith(f"{scheme}:"))
        return int(url.rpartition(":")[2].partition("/")[0])

    def settle(self, below: float) -> float:
        """Wait for the memory to come back; return what is resident then."""
        deadline = time.monotonic() + SETTLING
        while (resident := self.resident) > below and time.monotonic() < deadline:
            time.sleep(0.05)
        return resident

    def forget_most(self) -> None:
        """Begin anew to note what is resident at most."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def boxed(folder: Path, cert: str, key: str, size: int = SIZE) -> Iterator[BoxedRouter]:
    """Run a router in a box, as a unit of systemd runs it, which listens on every transport."""
    group = make_cgroup(size)
    options = ["--max-connections-per-address", "400", "--cert", cert, "--key", key]
    if group is None:
        options += ["--max-buffered", str(size // 8)]
    enter = f"echo $$ > {group}/cgroup.procs" if group else f"ulimit -v {ROOMY // 1024}"
    listen = ["tcp://127.0.0.1:0", f"unix://{folder}/socket", "tls://127.0.0.1:0"]
    before = sys.executable
    script = folder / "python"
    script.write_text(f'#!/bin/sh\n{enter}\nexport MALLOC_ARENA_MAX=2\nexec {before} "$@"\n')
    script.chmod(0o755)
    sys.executable = str(script)
    try:
        router = BoxedRouter(*options, listen=listen, group=group)
    finally:
        sys.executable = before
    try:
        router.await_ready()
        yield router
    finally:
        router.stop()
        if group is not None:
            group.rmdir()


# What is done to it


Act = Callable[[BoxedRouter, ExitStack, int], str]


def opened(router: BoxedRouter, stack: ExitStack, transport: str, number: int) -> list[Session]:
    """Open so many sessions over a transport."""
    context = ssl.create_default_context() if transport.startswith("tls") else None
    if context is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    scheme, _, dialect = transport.partition(" ")
    where = router.unix if scheme == "unix" else router.port_of(scheme)
    found = []
    for _ in range(number):
        found.append(open_session(where, f"{dialect}-msgpack", context=context))
        stack.callback(found[-1].close)
    return found


def fan_out(transport: str) -> Act:
    """Let so many sessions hear what one of them publishes."""

    def act(router: BoxedRouter, _: ExitStack, number: int) -> str:
        with ExitStack() as stack:  # they leave at the end
            sessions = opened(router, stack, transport, number)
            for session in sessions:
                session.subscribe("com.box.news")
            publisher = opened(router, stack, transport, 1)[0]
            for _ in range(EVENTS):
                answer = publisher.ask(16, {"acknowledge": True}, "com.box.news", ["x" * 100])
                assert answer[0] == 17, answer
                for session in sessions:
                    assert session.hear()[0] == 36
        return f"{EVENTS * number} events heard"

    return act


def half_sent(router: BoxedRouter, stack: ExitStack, number: int) -> str:
    """Let so many send nine tenths of a message, and no more."""
    part = (MIB - 1).to_bytes(4, "big") + bytes(900_000)
    sessions = opened(router, stack, "tcp rs", number)
    for session in sessions:
        session.transport.send(part)
    return f"of {number} {ended(router)}"


def unread(router: BoxedRouter, stack: ExitStack, number: int) -> str:
    """Let so many subscribe to topics of their own, be sent 8 MB each, and read nothing."""
    sessions = opened(router, stack, "tcp rs", number)
    for at, session in enumerate(sessions):
        session.subscribe(f"com.box.topic{at}")
    publisher = opened(router, stack, "tcp rs", 1)[0]
    for _ in range(80):
        for at in range(number):
            payload = dumps("msgpack", [16, 1, {}, f"com.box.topic{at}", [b"x" * 100_000]])
            publisher.put(payload)
    assert publisher.is_served()
    return f"of {number} {ended(router)}"


def bombs(router: BoxedRouter, stack: ExitStack, number: int) -> str:
    """Let so many publish 100,000 elements each, and then say nothing."""
    sessions = opened(router, stack, "tcp rs", number)
    many = [{"": None}] * 24_900
    payload = dumps("msgpack", [16, 1, {}, "com.box.bomb", many, {"more": many}])
    for session in sessions:
        session.put(payload)
    served = sum(map(is_served, sessions))
    return f"of {number} {served} served, {ended(router)}"


def is_served(session: Session) -> bool:
    try:
        return session.is_served()
    except Closed:
        return False


ROWS: dict[str, tuple[Act, int]] = {
    "RawSocket, fan-out": (fan_out("tcp rs"), 300),
    "WebSocket, fan-out": (fan_out("tcp ws"), 300),
    "Unix socket, fan-out": (fan_out("unix rs"), 300),
    "TLS RawSocket, fan-out": (fan_out("tls rs"), 300),
    "0.9 MB half sent": (half_sent, 100),
    "8 MB unread": (unread, 100),
    "100,000 elements": (bombs, 60),
}


def ended(router: BoxedRouter) -> str:
    """Tell how many the router says it has ended, once it ends no more."""
    number, since = 0, time.monotonic()
    while time.monotonic() - since < QUIET:
        now = router.stderr().count("is disconnected: ")
        if now != number:
            number, since = now, time.monotonic()
        time.sleep(0.05)
    return f"{number} ended"


def run(router: BoxedRouter, what: str, number: int | None = None) -> Outcome:
    """Do one row; the router must serve newcomers afterwards."""
    act, usual = ROWS[what]
    before = router.resident
    router.forget_most()
    with ExitStack() as stack:
        counts = act(router, stack, number or usual)
        fresh = open_session(router.port_of("tcp"), "rs-msgpack")
        assert fresh.is_served()
        fresh.close()
        after = router.settle(45.0)
        most = router.status("VmHWM")
    return Outcome(what, before, most, after, counts)
