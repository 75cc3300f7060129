"""Programs that start warm: `python -m wamplite`, forked from a process that has imported it.

Imports are nine tenths of what a short program computes, and the suite starts thousands of them.
What is forked here is a process of its own all the same, and our child: it gets the arguments, the
environment, the directory and the three streams that Popen was given, and runs wamplite.__main__.

    the suite ──Popen──> python OPTIONS -m tests.warm: has imported wamplite, one for each OPTIONS
                            └─fork─> ends at once, whereby the next becomes a child of the suite
                                        └─fork─> the program

Whatever else is started is started as ever: other programs, another locale, a `preexec_fn`.
Without QUICK all starts as users start it, hence in CI: see tests/amounts.py.
"""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import gc
import io
import json
import os
import pkgutil
import re
import runpy
import socket
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.amounts import QUICK

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
# What is measured starts cold, too: the figures of a forked process would be lost.
COLD = not QUICK or any(name.startswith("COVERAGE_") for name in os.environ)
LONGEST = 64 * 1024  # bytes of arguments and environment that one packet of a socket surely takes
# What the interpreter reads at its start.
OF_THE_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_", "COVERAGE_")
OPTIONS = {("-W", "default"), ("-W", "error"), ("-X", "dev"), ()}
# What is imported where it is first needed.
LATER = ["simple_websocket", "websocket", "msgpack", "orjson", "serial", "ssl", "encodings.idna"]
OTHERS = re.compile(r"__main__|_program|\bmicro\.")  # programs, and what is for boards
PR_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans among our descendants become our children


def of_the_start(environment: Any) -> dict[str, str]:
    """Return what the interpreter reads at its start; the fault handler is switched on later."""
    given = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
    given.pop("PYTHONFAULTHANDLER", None)
    return {name: value for name, value in given.items() if name.startswith(OF_THE_START)}


GIVEN = of_the_start(os.environ)


class Source:
    """A process that programs are forked from, for one set of options of the interpreter."""

    def __init__(self, options: tuple[str, ...]) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONFAULTHANDLER"}
        with theirs:
            self.process = subprocess.Popen(
                [PYTHON, *options, "-m", "tests.warm", str(theirs.fileno())],
                cwd=ROOT, pass_fds=[theirs.fileno()], env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self.end)

    def fork(self, order: bytes, streams: list[int]) -> int:
        """Have a program forked, and return its process id."""
        with _lock:
            _adopt(True)
            try:
                socket.send_fds(self.socket, [order], streams)
                process = int(self.socket.recv(100))
                assert self.socket.recv(100) == b"adopted"
            finally:
                _adopt(False)
        return process

    def end(self) -> None:
        """Let the process end, which it does with its socket."""
        self.socket.close()
        self.process.wait()


sources: dict[tuple[str, ...], Source] = {}
_lock = threading.Lock()  # held from an order to its answer
_c_library = ctypes.CDLL(None)


def _adopt(orphans: bool) -> None:
    _c_library.prctl(PR_SET_CHILD_SUBREAPER, int(orphans), 0, 0, 0)


def descriptors() -> set[str]:
    """Return the numbers of our ends, which stay open from one test to the next."""
    return {str(source.socket.fileno()) for source in sources.values()}


def split(words: Any) -> tuple[tuple[str, ...], list[str]] | None:
    """Return the interpreter's options and the arguments, where a command starts wamplite."""
    if isinstance(words, (str, bytes, os.PathLike)):
        return None
    command = [os.fsdecode(word) for word in words]
    if command[0] != PYTHON or "-m" not in command:
        return None
    at = command.index("-m")
    options = tuple(command[1:at])
    if options not in OPTIONS or command[at + 1] != "wamplite":
        return None
    return options, command[at + 2 :]


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """A Popen that starts wamplite warm."""

    def __init__(self, args: Any, *more: Any, **named: Any) -> None:
        plain = {"stdin", "stdout", "stderr", "cwd", "env", "text", "bufsize"}
        plain |= {"encoding", "errors", "universal_newlines"}
        self._may_be_warm = not COLD and not more and plain.issuperset(named)
        super().__init__(args, *more, **named)

    def _execute_child(self, args: Any, *more: Any) -> None:
        # After args: executable, preexec_fn, close_fds, pass_fds, cwd, env, three that do not
        # matter here, and the pipes' ends: read and written for each stream.
        pipes = more[9:15]
        found = ordered(args, more[4], more[5]) if self._may_be_warm else None
        if found is None:
            super()._execute_child(args, *more)  # type: ignore[misc]
            return
        options, order = found
        theirs = (pipes[0], pipes[3], pipes[5])
        streams = [number if end == -1 else end for number, end in enumerate(theirs)]
        if options not in sources:
            sources[options] = Source(options)
        try:
            self.pid = sources[options].fork(order, streams)
            self._child_created = True
        finally:
            self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def ordered(args: Any, cwd: Any, env: Any) -> tuple[tuple[str, ...], bytes] | None:
    """Return the interpreter's options and what a source is told, where a program starts warm."""
    found, environment = split(args), os.environ if env is None else env
    if found is None or of_the_start(environment) != GIVEN:
        return None
    options, words = found
    folder = os.path.abspath(os.fsdecode(cwd or os.getcwd()))
    given = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
    order = json.dumps([words, folder, given]).encode()
    return (options, order) if len(order) <= LONGEST and os.path.isdir(folder) else None


def serve(number: int) -> None:
    """Fork what is ordered until the suite ends; returns in each child, ready to be run."""
    orders = socket.socket(fileno=number)
    while True:
        order, streams, *_ = socket.recv_fds(orders, LONGEST, 3)
        if not order:
            os._exit(0)
        if (between := os.fork()) == 0:
            if process := os.fork():
                orders.send(b"%d" % process)
                os._exit(0)
            orders.close()
            become(*json.loads(order), streams)
            return
        for stream in streams:
            os.close(stream)
        os.waitpid(between, 0)
        orders.send(b"adopted")


def become(words: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Take over what Popen was given."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        like = getattr(sys, name)
        opened = io.TextIOWrapper(
            open(number, "wb" if number else "rb", closefd=False),  # noqa: SIM115
            encoding=like.encoding, errors=like.errors, newline="\n",
            line_buffering=number == 2 or os.isatty(number),
        )  # fmt: skip
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if environment.get("PYTHONFAULTHANDLER"):
        faulthandler.enable()
    sys.path[0] = folder
    sys.argv[1:] = words


def main() -> None:
    """Import what programs need, and run those that are ordered."""
    import wamplite

    for module in pkgutil.walk_packages(wamplite.__path__, "wamplite."):
        if not OTHERS.search(module.name):
            import_module(module.name)
    for name in LATER:
        import_module(name)
    gc.collect()
    gc.freeze()  # so that a child's collector leaves these pages shared
    serve(int(sys.argv[1]))
    runpy.run_module("wamplite", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
