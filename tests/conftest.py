"""What every test gets: the shared material, routers in processes, and a guard against leaks."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import readers
from tests.amounts import QUICK, is_left_out, some
from tests.interop.peers import installed
from tests.processes import RouterProcess, running_router
from tests.serial_cable import Cable
from tests.shared import NOT_HERE, SHARED, is_here
from tests.shuffling import SEED, shuffled
from tests.transports.streams import Certificate, make_certificate
from tests.turns import turn

# Properties are tried on the same few examples each time; HYPOTHESIS_PROFILE=long tries more.
settings.register_profile(
    "short",
    derandomize=True,
    max_examples=some(150),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long", settings.get_profile("short"), derandomize=False, max_examples=20_000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

# Where the suite was started in the background SIGINT is ignored, by nohup SIGHUP is, and its
# programs inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

SETTLING = 5.0  # seconds for threads to end and descriptors to close after a test
# Opened once by a library and kept for good; libffi maps its own file for ctypes, see trimming.py.
STANDING = re.compile(r"/dev/urandom|/dev/null|.*/libffi[^/]*")


def pytest_report_header() -> str | None:
    """Tell how to have this order, and these readers, again, and what is left out."""
    order = f"order: drawn by SHUFFLE={SEED}" if SEED else ""
    kind = f"readers: {readers.GIVEN}, by READERS" if readers.GIVEN else ""
    amount = "quick: without what is marked long, with a third of what is marked sampled, by QUICK"
    return "; ".join(filter(None, [order, kind, amount if QUICK else ""])) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, and change the order of the rest, where that is asked for."""
    left_out = [item for item in items if QUICK and is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    if SEED:
        items[:] = shuffled(items, SEED)


def pytest_collection_finish() -> None:
    """Keep all that collecting has made out of what is searched for garbage during the tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let one process of several run what belongs together."""
    from tests.together import Together

    return Together(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # so that waiting is no part of a test's timeout
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that is marked `alone` be so, where several run at once."""
    if not hasattr(item.config, "workerinput"):  # not a worker of pytest-xdist
        return (yield)
    with turn(item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell once, after interop has run, which peers were used and which were not."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    if not any(getattr(report, "nodeid", "").startswith("tests/interop/") for report in reports):
        return
    peers = installed()
    used = [name for name, peer in peers.items() if peer["state"] == "present"]
    unused = [f"{name} ({peer['state']})" for name, peer in peers.items() if name not in used]
    terminalreporter.write_line(f"peers used: {', '.join(used) or 'none'}")
    terminalreporter.write_line(f"peers not used: {', '.join(unused) or 'none'}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the directory of vectors, probe, captures and bench beside the project."""
    if not is_here():
        pytest.skip(NOT_HERE)
    return SHARED


@pytest.fixture
def start_router() -> Iterator[Callable[..., RouterProcess]]:
    """Give `start(*options, listen=URLS)`; every router started is stopped, and must end well."""
    with ExitStack() as stack:
        yield lambda *options, **more: stack.enter_context(running_router(*options, **more))


@pytest.fixture
def router_process(start_router: Callable[..., RouterProcess]) -> RouterProcess:
    """Return a running `wamplite router` with realm1 on one TCP port."""
    return start_router()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Give a stack that ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """Give a serial cable with two ends."""
    with Cable(tmp_path) as cable:
        yield cable


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Give a certificate for localhost, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["threads", "shared"])
def either_reader(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have routers read by a thread for each connection, then by one for all; gives which."""
    before = readers.use(request.param)
    yield request.param
    readers.use(before)


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let threads take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Fail a test that leaves a thread or an open file behind."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    deadline = time.monotonic() + SETTLING
    while left := leftovers(threads, files):
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: {', '.join(left)}")
        gc.collect()
        time.sleep(0.01)


def leftovers(threads: set[threading.Thread], files: dict[str, str]) -> list[str]:
    """Name the threads and files that were not there before."""
    left = [f"thread {thread.name}" for thread in set(threading.enumerate()) - threads]
    left += [
        f"file {number} -> {target}"
        for number, target in open_files().items()
        if files.get(number) != target and not STANDING.match(target)
    ]
    return left


def open_files() -> dict[str, str]:
    """Return this process's descriptors and what they stand for."""
    files = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            files[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the listing's own descriptor
            continue
    return files
