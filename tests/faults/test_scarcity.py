"""Resources of the system: items 75 and 76 of the catalogue. 77 is `tools/small_box`."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Bystander, Holdings, warm_up
from tests.faults.wire import Wire, upgrade
from tests.faults.witnesses import is_served_anew
from tests.processes import RouterProcess, running_router, serving

TROUBLE = ("ResourceWarning",)  # that no thread can be started is logged as the fault it is
PIDS = Path("/sys/fs/cgroup/pids")  # of version 1; of version 2 there is one for all controllers


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    """Give a router of which faults are expected."""
    process = RouterProcess(listen=["tcp://127.0.0.1:0"], realms=["realm1"])
    with serving(process, TROUBLE):
        warm_up(process.port)
        yield process


@contextmanager
def limited(router: RouterProcess, kind: int, soft: int) -> Iterator[None]:
    """Lower a limit of the router while the block runs."""
    before = resource.prlimit(router.pid, kind)
    resource.prlimit(router.pid, kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.prlimit(router.pid, kind, before)


def descriptors(router: RouterProcess) -> int:
    return len(os.listdir(f"/proc/{router.pid}/fd"))


def ticks(router: RouterProcess) -> int:
    """Return the time that the router has computed, in 1/100 s."""
    fields = Path(f"/proc/{router.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_75_at_the_limit_of_files_accepting_pauses_and_goes_on(
    router: RouterProcess, bystander: Bystander
) -> None:
    with limited(router, resource.RLIMIT_NOFILE, descriptors(router)):
        waiting = [socket.create_connection(("127.0.0.1", router.port), 10) for _ in range(20)]
        router.await_stderr("accept failed")
        before = ticks(router)
        for _ in range(50):
            bystander.publish(bystander.witness)
        assert ticks(router) - before < 100, "it accepts without a pause"
    for sock in waiting:
        sock.sendall(b"\x7f\xf2\0\0")
        assert sock.recv(4)[:1] == b"\x7f"
        sock.close()
    assert is_served_anew(router.port)
    assert router.stderr().count("accept failed") < 5


@contextmanager
def at_most_threads(router: RouterProcess, number: int) -> Iterator[None]:
    """Let the router have so many threads while the block runs."""
    group = PIDS / f"wamplite-faults-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("needs a cgroup for pids")
    home = next(
        line.split(":", 2)[2]
        for line in Path(f"/proc/{router.pid}/cgroup").read_text().splitlines()
        if ":pids:" in line
    )
    try:
        (group / "cgroup.procs").write_text(str(router.pid))
        (group / "pids.max").write_text(str(number))
        yield
    finally:
        (PIDS / home.lstrip("/") / "cgroup.procs").write_text(str(router.pid))
        group.rmdir()


def test_76_where_no_thread_can_be_started_the_connection_is_closed() -> None:
    threads = ("--readers", "threads")
    process = RouterProcess(*threads, listen=["tcp://127.0.0.1:0"], realms=["realm1"])
    with serving(process, TROUBLE) as router:
        bystander = Bystander(router.port)
        holdings = Holdings(router)  # before any thread is kept for the next connection
        bystander.noticed_nothing()
        for _ in range(3):
            assert not holdings.leftovers()
            with at_most_threads(router, holdings.value("Threads")):
                for said in (b"\x7f\xf2\0\0", upgrade(router.port)) * 10:
                    wire = Wire(router.port)
                    wire.send(said)
                    assert wire.rest() == b""
                    wire.close()
                    bystander.publish(bystander.witness)
            assert is_served_anew(router.port)
        router.await_stderr("no thread for the connection")
        bystander.close()


def test_76_where_no_thread_can_be_started_the_shared_reader_serves_all_the_same() -> None:
    with running_router("--readers", "shared") as router:
        assert is_served_anew(router.port)
        with at_most_threads(router, Holdings(router).value("Threads")):
            for _ in range(10):
                assert is_served_anew(router.port)
