"""The end of a router's process: in time whatever its peers do, and at once when asked twice."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.processes import Program, RouterProcess, running, running_router

from .conftest import Wire, eventually

pytestmark = pytest.mark.usefixtures("either_reader")

SCRIPT = """
from wamplite.router import Router
router = Router()
print(router.listen("rs://127.0.0.1:0"), flush=True)
router.run_forever()
print("ended", flush=True)
"""


@contextmanager
def script() -> Iterator[tuple[Program, Wire]]:
    """Run the script, and join it once it waits for signals."""
    with running(sys.executable, "-c", SCRIPT) as program:
        url = program.line()
        eventually(lambda: catches(program.pid, signal.SIGTERM), 20)
        wire = Wire(url)
        try:
            yield program, wire.join()
        finally:
            wire.close()


def catches(pid: int, number: int) -> bool:
    """Tell whether a process handles a signal."""
    with open(f"/proc/{pid}/status") as status:
        caught = next(line.split()[1] for line in status if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_two_hundred_sessions_are_ended_in_five_seconds() -> None:
    with (
        running_router("--max-connections-per-address", "300") as router,
        ExitStack() as stack,
    ):
        wires = []
        for number in range(200):
            wire = Wire(router.ws if number % 4 == 0 else router.rs)
            stack.callback(wire.close)
            wires.append(wire.join())
        for wire in wires[:20]:  # these never read again
            wire.ask(32, 1, {"_overflow": "drop-oldest"}, "com.topic")
        publisher = wires[-1]
        for number in range(1, 101):
            publisher.send(16, number, {}, "com.topic", [b"x" * 50_000])
            publisher.channel.flush(10)
        assert publisher.ask(64, 101, {}, "com.procedure")[0] == 65
        begun = time.monotonic()
        router.interrupt(signal.SIGTERM)
        for wire in wires[150:]:  # these answer and close
            assert wire.receive() == [6, {}, "wamp.close.system_shutdown"]
            wire.close()
        assert router.wait(10) == 0
        assert time.monotonic() - begun < 5
        for wire in wires[20:150]:  # these have read nothing since, and are told all the same
            assert wire.receive() == [6, {}, "wamp.close.system_shutdown"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(number: signal.Signals) -> None:
    router = RouterProcess(listen=["tcp://127.0.0.1:0"], realms=["realm1"])
    try:
        router.await_ready()
        wire = Wire(router.rs).join()
        router.interrupt(signal.SIGTERM)
        assert wire.receive()[0] == 6  # and it does not close: the router would wait
        begun = time.monotonic()
        router.interrupt(number)
        assert router.wait(10) == -number
        assert time.monotonic() - begun < 1
        wire.close()
    finally:
        router.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_forever_ends_by_a_signal(number: signal.Signals) -> None:
    with script() as (program, wire):
        program.interrupt(number)
        assert wire.receive() == [6, {}, "wamp.close.system_shutdown"]
        wire.close()
        assert program.line() == "ended" and program.wait(10) == 0


def test_run_forever_ends_at_once_by_a_second_signal() -> None:
    with script() as (program, wire):
        program.interrupt(signal.SIGINT)
        assert wire.receive()[0] == 6
        program.interrupt(signal.SIGTERM)
        assert program.wait(2) == -signal.SIGTERM


def test_many_signals_are_as_good_as_one() -> None:
    with script() as (program, _):
        for _ in range(50):
            os.kill(program.pid, signal.SIGINT)
        assert program.wait(10) in (0, 1, -signal.SIGINT)
