"""WAMP over a serial line, with sessions on a network that must not notice: items 96 to 102.

97 is `tools/serial_noise`, 99 tests/test_serial_healing.py and the bridge's own tests.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest

from tests.faults.conftest import Bystander, Holdings
from tests.faults.scale import scaled
from tests.faults.sessions import Session, Stopwatch
from tests.processes import Program, RouterProcess, running
from tests.processes import wamplite as command
from tests.serial_cable import Cable
from tests.serial_end import End
from tests.waiting import until

Connect = Callable[..., Session]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    with Cable(tmp_path_factory.mktemp("line")) as cable:
        yield cable


@pytest.fixture(scope="module")
def listen(line: Cable) -> list[str]:
    """Listen at one end of the cable as well."""
    return ["tcp://127.0.0.1:0", line.host_url]


@pytest.fixture
def board(line: Cable) -> Iterator[End]:
    with End(line.device) as end:
        yield end
        end.reset()


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(8))
def test_96_after_garbage_the_first_whole_frame_is_read(line: Cable, board: End, seed: int) -> None:
    chance = random.Random(seed)
    noise = chance.randbytes(chance.choice([1, 10, 1000, 100_000]))
    board.write(noise.replace(b"\0", b"x") if seed % 2 else noise)
    board.write(b"\0")  # with which a device begins: it ends whatever came before
    assert board.join(seed % 4)[0] == 2


def test_98_a_lost_answer_ends_the_call_by_its_timeout(
    connect: Connect, board: End, bystander: Bystander
) -> None:
    board.join(1)
    board.send(1, 64, 1, {}, "faults.board")
    assert board.message(1)[0] == 65
    caller = connect()
    caller.say(48, 1, {"timeout": 300}, "faults.board")
    assert board.message(1)[0] == 68
    answer = caller.hear()
    assert answer[:3] == [8, 48, 1] and answer[4] in ("wamp.error.timeout", "wamp.error.canceled")
    board.send(1, 70, 1, {}, ["late"])
    caller.request = 1
    assert caller.is_served()


def test_98_a_frame_that_comes_twice_counts_once(connect: Connect, board: End) -> None:
    board.join(2)
    board.send(2, 64, 1, {}, "faults.board")
    assert board.message(2)[0] == 65
    caller, callee = connect(), connect()
    callee.register("faults.once")
    caller.say(48, 1, {}, "faults.board")
    invocation = board.message(2)[1]
    for _ in range(2):
        board.send(2, 70, invocation, {}, ["answer"])
    assert caller.hear() == [50, 1, {}, ["answer"]]
    caller.request = 1
    assert caller.is_served(), "a second RESULT came"
    for _ in range(2):
        board.send(2, 48, 2, {}, "faults.once")
    assert callee.hear()[0] == 68
    assert callee.is_served(), "it ran twice"


def test_98_answers_out_of_order_reach_their_callers(connect: Connect, board: End) -> None:
    board.join(3)
    board.send(3, 64, 1, {}, "faults.board")
    assert board.message(3)[0] == 65
    callers = [connect() for _ in range(5)]
    for number, caller in enumerate(callers):
        caller.say(48, 1, {}, "faults.board", [number])
    asked = [board.message(3) for _ in callers]
    for invocation in reversed(asked):
        board.send(3, 70, invocation[1], {}, [invocation[4][0] * 10])
    for number, caller in enumerate(callers):
        assert caller.hear() == [50, 1, {}, [number * 10]]


def test_100_a_device_that_floods_is_bounded(
    board: End, line: Cable, bystander: Bystander, holdings: Holdings
) -> None:
    board.join(0)
    ending = threading.Event()

    def flood() -> None:
        number = 0
        with suppress(OSError):
            while not ending.is_set():
                number += 1
                board.send(0, 16, number, {}, "faults.flood", ["x" * 200])
                board.write(os.urandom(100))

    thread = threading.Thread(target=flood)
    thread.start()
    watch = Stopwatch()
    try:
        while watch.seconds < scaled(2, 30):
            bystander.noticed_nothing()
            assert holdings.grown() < 8 * 1024
    finally:
        ending.set()
        thread.join(20)


def test_101_a_device_that_takes_nothing_loses_its_session_alone(
    connect: Connect, board: End, line: Cable, router: RouterProcess
) -> None:
    welcome = board.join(1)
    board.send(1, 32, 1, {}, "faults.board")
    assert board.message(1)[0] == 33
    line.held = line.host  # as where CTS is low
    publisher = connect()
    watch = Stopwatch()
    while publisher.ask(48, {}, "wamp.session.get", [welcome[1]])[0] == 50:
        publisher.ask(16, {"acknowledge": True}, "faults.board", ["x" * 1000])
        board.keep_alive(1)
        assert watch.seconds < 20
    line.held = ""
    assert board.join(2)[0] == 2


def test_102_a_second_program_is_told_that_the_port_is_in_use(
    board: End, line: Cable, router: RouterProcess
) -> None:
    board.join(3)
    second = command("router", "--listen", line.host_url, "--listen", "tcp://127.0.0.1:0")
    third = command("serial", line.host, "--publish", "faults.line", "--url", router.rs)

    def is_told(program: Program) -> bool:
        board.keep_alive(3)  # the programs may be slow to start
        return "in use" in program.stderr()

    for words in (second, third):
        with running(*words) as program:
            until(partial(is_told, program), program.stderr)
    board.send(3, 32, 1, {}, "faults.board")
    assert board.message(3)[0] == 33
