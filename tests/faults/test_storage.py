"""What a router keeps in files: items 103 to 109 of the catalogue.

What is documented of a disk that fails: PUBLISHED is sent all the same, the event is in memory, and
the counters and the log tell that it was not stored.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.disks import end, kept, publish, start
from tests.faults.scale import scaled
from tests.faults.witnesses import witnessed
from tests.processes import ROOT, Program, RouterProcess

NAMES = ("history-realm1.db", "retained-realm1.db")
NAMESPACE = ["unshare", "-Urm"]
STRACE = ("strace", "-f", "-e", "trace=fsync,fdatasync")


@pytest.fixture(autouse=True)
def bystander() -> None:
    """Each test has routers of its own."""


@contextmanager
def running(folder: Path) -> Iterator[RouterProcess]:
    router = start(folder)
    try:
        router.await_ready()
        yield router
    finally:
        router.stop()


def refused(folder: Path, text: str) -> None:
    """See that a router does not start on these files, says why, and leaves them alone."""
    before = {name: (folder / name).read_bytes() for name in NAMES}
    router = start(folder)
    try:
        assert router.wait() == 2, router.stderr()
        assert text in router.stderr()
    finally:
        router.stop()
    assert {name: (folder / name).read_bytes() for name in NAMES} == before


@pytest.mark.long
@pytest.mark.timeout(scaled(120, 7200))
def test_103_nothing_acknowledged_is_lost_by_kill_9() -> None:
    words = [sys.executable, ROOT / "tools" / "store_kills.py", str(scaled(20, 1000))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=scaled(110, 7100))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_104_a_full_disk_costs_no_session_and_is_made_up_for() -> None:
    survive("full")


def test_104_a_disk_that_is_full_at_the_start_is_told() -> None:
    survive("full_at_the_start")


def test_107_a_read_only_file_system_is_refused_or_costs_no_session() -> None:
    survive("read_only")


def survive(scenario: str) -> None:
    """Run a scenario of tests/faults/disks.py, where there can be mounts of its own."""
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACE, "true"]).returncode:
        pytest.skip("needs mount namespaces")
    words = [*NAMESPACE, sys.executable, "-m", "tests.faults.disks", scenario]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "survived\n", done.stderr


@pytest.mark.sampled
@pytest.mark.parametrize("when", ["1+", "2+3"])
def test_105_an_fsync_that_fails_is_told_and_costs_nothing(tmp_path: Path, when: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    trace, kept_in = tmp_path / "trace", tmp_path / "kept"
    with running(kept_in) as router, witnessed(router.port):
        inject = ["-e", f"inject=fsync,fdatasync:error=EIO:when={when}"]
        with traced([*STRACE, *inject, "-o", str(trace), "-p", str(router.pid)]) as strace:
            strace.await_stderr("attached")
            first = 0
            while "could not be stored" not in router.stderr():
                publish(router, first, first + 20, 20_000)
                first += 20
                assert first < 2000, "nobody tells of it"
        assert "INJECTED" in trace.read_text()
        assert kept(router)[-20:] == list(range(first - 20, first))
    with running(kept_in) as router:
        assert kept(router)[-20:] == list(range(first - 20, first))


@contextmanager
def traced(words: list[str]) -> Iterator[Program]:
    """Run strace on a process, and let go of it."""
    strace = Program(*words)
    try:
        yield strace
    finally:
        strace.stop(signal.SIGINT)


@pytest.mark.long
def test_106_a_damaged_file_is_set_aside_and_the_router_starts(tmp_path: Path) -> None:
    chance = random.Random(106)
    for damage in ("truncated", "flipped", "emptied", "overwritten") * scaled(1, 10):
        folder = tmp_path / f"{damage}-{chance.random()}"
        with running(folder) as router:
            publish(router, 0, 40, 1000)
            end(router)
        for name in NAMES:
            data = bytearray((folder / name).read_bytes())
            if damage == "truncated":
                del data[chance.randrange(100, len(data)) :]
            elif damage == "flipped":
                for _ in range(200):
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            elif damage == "emptied":
                data = bytearray()
            else:
                data[:4096] = chance.randbytes(4096)
            (folder / name).write_bytes(data)
        with running(folder) as router, witnessed(router.port):
            publish(router, 100, 103)
            assert kept(router)[-3:] == [100, 101, 102]
            if damage != "emptied":
                assert "is damaged" in router.stderr() or kept(router)[:40] == list(range(40))
        with running(folder) as router:
            assert kept(router)[-3:] == [100, 101, 102]


def test_108_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with running(tmp_path) as router:
        publish(router, 0, 3)
        end(router)
    for name in NAMES:
        database = sqlite3.connect(tmp_path / name)
        database.execute("PRAGMA user_version=99")
        database.close()
        refused(tmp_path, "written by a newer wamplite")
        database = sqlite3.connect(tmp_path / name)
        database.execute("PRAGMA user_version=1")
        database.close()
    with running(tmp_path) as router:
        assert kept(router) == [0, 1, 2]


@pytest.mark.sampled
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_109_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    with running(tmp_path) as router:
        publish(router, 0, 3)
        end(router)
    for name in NAMES:
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        (tmp_path / name).chmod(mode)
        refused(tmp_path, "others may read it: chmod 600")
        (tmp_path / name).chmod(0o600)
