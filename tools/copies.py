"""Copies of the tree in which tests are run, for tools that change the code and look what fails."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = (".git", ".venv", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "build")

# Not under a tracer: one would hang for ever, two count what is imported, one is slow as it is.
NOT_TRACED = ("an_interrupted_write_tears_nothing", "nothing_is_imported_for_it")
NOT_TRACED += ("by_the_first_use", "in_pure_python", "is_small_with")


class Copy:
    """A copy of the tree, in which some tests at a time are run; `log` is what they print."""

    def __init__(self, tree: Path, directory: Path, python: str) -> None:
        self.path, self.log = directory, directory / "tests.log"
        shared = os.environ.get("WAMPLITE_SHARED", str(tree.parent / "shared"))
        self._environment = os.environ | {"PYTHONPATH": str(directory), "WAMPLITE_SHARED": shared}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each run of tests would compile
        self._pytest = [python, "-m", "pytest", "-q", "-x", "--tb=short", "-p", "no:cacheprovider"]
        self._lock = threading.Lock()  # over what runs, and whether anything may
        self._running: subprocess.Popen[bytes] | None = None
        self._ended = False
        shutil.copytree(tree, directory, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)

    def passes(
        self,
        *tests: str,
        seconds: float,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> bool:
        """Run tests; False when one fails, or they are not done within the time."""
        with self._lock:
            if self._ended:
                return False
            with self.log.open("wb") as log:
                self._running = running = subprocess.Popen(
                    [*self._pytest, *tests],
                    cwd=self.path,
                    env=self._environment | dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        try:
            return running.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            self._stop(running)

    def _stop(self, running: subprocess.Popen[bytes]) -> None:
        """End tests and what they have started, if they have not ended."""
        for number, seconds in ((signal.SIGINT, 10), (signal.SIGKILL, None)):
            if running.poll() is None:
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(running.pid, number)
                    running.wait(seconds)

    def end(self) -> None:
        """Stop what runs; nothing more will."""
        with self._lock:
            self._ended = True
        if self._running is not None:
            self._stop(self._running)


@contextmanager
def scratch_copies(tree: Path, number: int = 1) -> Iterator[list[Copy]]:
    """Make copies that are gone at the end, also at the one by SIGINT or SIGTERM."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="copies-") as scratch:
        python = find_python()
        copies = [Copy(tree, Path(scratch, str(which)), python) for which in range(number)]
        try:
            yield copies
        finally:
            for copy in copies:
                copy.end()


def find_python() -> str:
    """Return an interpreter that has pytest."""
    if importlib.util.find_spec("pytest"):
        return sys.executable
    command = [str(ROOT / "tools" / "environment"), "test", "[test]"]
    return subprocess.check_output(command, text=True).strip()
