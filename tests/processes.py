"""Programs that tests start, `python -m wamplite` above all: waits bounded, ended by their pid."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parent.parent
TROUBLE = ("Traceback (most recent call last)", "ResourceWarning")


class Program:
    """A process whose stdout is read line by line, and whose stderr is kept in a file."""

    def __init__(self, *command: str, stdin: int = subprocess.DEVNULL) -> None:
        self.log = tempfile.TemporaryFile("ab+")  # noqa: SIM115 - closed by stop()
        self._unread = b""
        self.process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=ROOT,
            bufsize=0,
            env=os.environ | {"PYTHONFAULTHANDLER": "1"},
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def stderr(self) -> str:
        """Return all that the process wrote to stderr so far."""
        descriptor = self.log.fileno()  # whose offset is the process's, too: it is left alone
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")

    def await_stderr(self, text: str, times: int = 1) -> None:
        """Wait until stderr holds a text so often: a log is written by a thread of its own."""

        def is_there() -> bool:
            has_ended = self.process.poll() is not None
            found = self.stderr().count(text) >= times
            assert found or not has_ended, f"it has ended without {text!r}: {self.stderr()}"
            return found

        until(is_there, lambda: f"{text!r} {times} times in {self.stderr()}")

    def line(self, seconds: float = PATIENCE) -> str:
        """Return the next line of stdout without its end; "" when stdout has ended."""
        deadline = time.monotonic() + seconds
        stdout = self.process.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"no line within {seconds} s; stderr: {self.stderr()}")
                data = os.read(stdout.fileno(), 65536)
                if not data:
                    break
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def lines(self, number: int) -> list[str]:
        """Return the next lines of stdout."""
        return [self.line() for _ in range(number)]

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for the end and return the exit code; tells where a program is that hangs."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler writes its stacks
            self.process.wait(5)
            raise TimeoutError(f"no end within {seconds} s: {self.stderr()}") from None

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send a signal, SIGINT as Ctrl-C does; after SIGSTOP no thread runs any more."""
        self.process.send_signal(number)
        if number == signal.SIGSTOP:  # kill(2) returns before threads on other cores have stopped
            until(lambda: set(self.states()) == {"T"}, "all threads are stopped")

    def states(self) -> list[str]:
        """Return the state of each thread, a letter as in proc(5)."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process by a signal unless it has ended, and return its exit code."""
        try:
            if self.process.poll() is None:
                self.process.send_signal(number)
            return self.wait()
        finally:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout, self.log):
                if pipe is not None:
                    pipe.close()


class RouterProcess(Program):
    """A `wamplite router`; `urls` are its listeners' real URLs, in the order asked for."""

    def __init__(self, *options: str, listen: Sequence[str], realms: Sequence[str]) -> None:
        command = [sys.executable, "-W", "default", "-m", "wamplite", "router", *options]
        command += [word for url in listen for word in ("--listen", url)]
        command += [word for realm in realms for word in ("--realm", realm)]
        super().__init__(*command)
        self.urls: list[str] = []

    def await_ready(self) -> None:
        """Read stdout up to `ready`, which is the last that a router prints there."""
        while (line := self.line()) != "ready":
            word, _, url = line.partition(" ")
            assert word == "listening", f"expected `listening URL`, not {line!r}; {self.stderr()}"
            self.urls.append(url)

    @property
    def port(self) -> int:
        """The port of the first listener."""
        port = urlsplit(self.urls[0]).port
        assert port is not None
        return port

    @property
    def rs(self) -> str:
        """The first listener's URL for a RawSocket client."""
        return f"rs://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """The first listener's URL for a WebSocket client."""
        return f"ws://127.0.0.1:{self.port}/ws"

    def resident_kib(self) -> int:
        """Return the resident memory of the process in KiB."""
        return self.status_kib("VmRSS")

    def status_kib(self, name: str) -> int:
        """Return a line of /proc/PID/status that is told in KiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise ProcessLookupError(f"the router has ended: {self.process.poll()}, {self.stderr()}")


@contextmanager
def running_router(
    *options: str,
    listen: Sequence[str] = ("tcp://127.0.0.1:0",),
    realms: Sequence[str] = ("realm1",),
) -> Iterator[RouterProcess]:
    """Run a router in a process of its own; it must end with 0 and without trouble in its log."""
    with serving(RouterProcess(*options, listen=listen, realms=realms)) as router:
        yield router


@contextmanager
def serving(router: RouterProcess, trouble: Sequence[str] = TROUBLE) -> Iterator[RouterProcess]:
    """Wait until a router is ready; it must end with 0 and without trouble in its log."""
    try:
        router.await_ready()
        yield router
        router.process.send_signal(signal.SIGTERM)
        code = router.wait()
        log = router.stderr()
        assert code == 0, f"the router ended with {code}: {log}"
        assert not any(word in log for word in trouble), log
    finally:
        router.stop()


@contextmanager
def running(*command: str, stdin: int = subprocess.DEVNULL) -> Iterator[Program]:
    """Run a program, and end it with SIGTERM when it has not ended by itself."""
    program = Program(*command, stdin=stdin)
    try:
        yield program
    finally:
        program.stop()


def wamplite(*arguments: str) -> list[str]:
    """Return the command line that runs this tree's `wamplite`."""
    return [sys.executable, "-m", "wamplite", *arguments]
