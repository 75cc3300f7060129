"""Serve a procedure by running a command for each call: wamplite register PROCEDURE -- CMD ...

The call's arguments follow CMD as words, and [args, kwargs] is JSON on its stdin. Its output is the
result: JSON where it parses as JSON, else text, else (where it is not UTF-8) bytes; no output is
null. An exit code other than 0 is the error wamplite.error.command_failed. The caller chooses the
words: where CMD takes options, end it with `--`. WAMPLITE_PROCEDURE in its environment is what was
called, which --match leaves open. --invoke lets several register the same, of which one is called.

It comes back when the router does. Commands that run when a session is lost are ended.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from .. import signals
from ..core import uris
from ..core.errors import (
    ApplicationError,
    InvalidArgument,
    TransportLost,
    UsageError,
    WampliteError,
)
from ..locks import Lock
from .comebacks import Comebacks, add_comebacks
from .common import TIMEOUT, shown, text, to_json, value_of
from .connection import add_connection, connect
from .past import add_match
from .streams import complain

if TYPE_CHECKING:
    from ..client.results import Invocation

TAKES_REST = True
HINTS = {"": "put -- before the command"}
ENDING = 1.0  # seconds for the commands that run when the service ends
COMPLAINT = 500  # characters of stderr that are sent to the caller


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite register`."""
    parser.usage = "wamplite register [options] PROCEDURE -- CMD ..."
    parser.add_argument("procedure", type=text, metavar="PROCEDURE")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="say on stderr when it is registered"
    )
    add_match(parser, "PROCEDURE matches")
    parser.add_argument(
        "--invoke",
        metavar="POLICY",
        help="whom of several a call goes to: roundrobin, random, first, last (default: single,"
        " there is only one)",
    )
    add_comebacks(parser)
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; -W bounds each run of the command."""
    if not options.rest:
        raise UsageError("register: expected PROCEDURE -- CMD ..., but there is no command")
    if shutil.which(options.rest[0]) is None:
        raise UsageError(
            f"register: {options.rest[0]}: there is no such command, or it may not run"
        )
    comebacks = Comebacks(options)
    while True:
        try:
            serve_session(options, comebacks)
        except WampliteError as error:
            time.sleep(comebacks.delay(error))


def serve_session(options: argparse.Namespace, comebacks: Comebacks) -> NoReturn:
    """Serve in one session, and raise how it ended."""
    command = Command(options.rest, options.timeout or TIMEOUT)
    with connect(options, code=0) as session:
        try:
            asked = {"match": options.match, "invoke": options.invoke}
            wishes = {key: value for key, value in asked.items() if value}
            session.register(options.procedure, command.serve, options=wishes)
            comebacks.served()
            if options.verbose:
                print(f"registered {options.procedure}", file=sys.stderr, flush=True)
            while not session.lost.wait(signals.HEARING):
                continue
        finally:
            command.stop()
        raise session.error or TransportLost(f"{options.url}: the session has ended")


class Command:
    """A command that is run once for each call; `stop` ends the runs that are left."""

    def __init__(self, words: list[str], timeout: float) -> None:
        self.words = words
        self.timeout = timeout
        self._lock = Lock()  # guards _running and _stopping
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopping = False

    def serve(self, invocation: Invocation) -> Any:
        """Run the command for one call and return its result."""
        args = list(invocation.args)
        words: list[str | bytes] = [*self.words, *(shown(arg).encode() for arg in args)]
        process = self._start(words, invocation.procedure)
        try:
            stdin = to_json([args, invocation.kwargs]).encode()
            out, err = process.communicate(stdin, self.timeout)
        except subprocess.TimeoutExpired:
            raise self._failed(f"no end within {self.timeout:g} s") from None
        finally:
            self._finish(process)
        if process.returncode:
            complaint = err.decode(errors="replace").strip()[-COMPLAINT:]
            raise self._failed(complaint, code=process.returncode)
        return result_of(out) if out else None

    def _start(self, words: list[str | bytes], procedure: str) -> subprocess.Popen[bytes]:
        pipe, around = subprocess.PIPE, {**os.environ, "WAMPLITE_PROCEDURE": procedure}
        try:
            with self._lock:  # over the start: stop() must not miss the process
                if self._stopping:
                    raise self._failed("the service is ending")
                process = subprocess.Popen(
                    words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=around
                )
                self._running.add(process)
        except ValueError as error:  # a word with a NUL
            raise InvalidArgument(uris.INVALID_ARGUMENT, str(error)) from error
        except OSError as error:
            raise self._failed(f"{error.strerror}: {self.words[0]}") from error
        return process

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        if process.returncode is None:
            signal_all(process, signal.SIGKILL)
            process.wait()
        with self._lock:
            self._running.discard(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def _failed(self, *args: Any, **kwargs: Any) -> ApplicationError:
        error = ApplicationError(uris.COMMAND_FAILED, *args, **kwargs)
        if not self._stopping:
            complain(str(error))
        return error

    def stop(self) -> None:
        """End what is still running: by SIGTERM, and after ENDING seconds by SIGKILL."""
        with self._lock:
            self._stopping = True
            running = list(self._running)
        deadline = time.monotonic() + ENDING
        for process in running:
            signal_all(process, signal.SIGTERM)
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                signal_all(process, signal.SIGKILL)


def result_of(out: bytes) -> Any:
    """Return what a command has printed, without its last newlines unless it is bytes."""
    result = value_of(out.rstrip(b"\n"))
    return out if isinstance(result, bytes) else result


def signal_all(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a process and its children: it leads its own process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
