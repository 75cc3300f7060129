"""Replies of Modbus slaves that come late, damaged, or not at all: no value under another's name.

WAMPLITE_MODBUS_REQUESTS=10000 asks so often in each of the first tests: minutes (--timeout 3600).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bridge.meter import CELLS, LATE, REQUESTS, VALUES, poll, right
from tests.bridge.modbus_slave import RtuSlave
from tests.bridge.polled_port import PolledPort
from tests.bridge.responder import checksum
from tests.waiting import until
from wamplite.bridge.asking import raw
from wamplite.bridge.asking.modbus import Modbus, ModbusSettings
from wamplite.bridge.asking.rtu import with_checksum
from wamplite.bridge.device.device import DeviceState
from wamplite.client.results import Invocation
from wamplite.core.errors import ApplicationError, CallTimeout

Polled = Callable[..., PolledPort]


@pytest.mark.sampled
@pytest.mark.parametrize("number", [3, 4])
@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("every", [0.05, 0.3])
def test_one_reply_in_ten_is_late_and_no_value_has_another_ones_name(
    polled: Polled, tmp_path: Path, every: float, retries: int, number: int
) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "late" if n % 10 == 3 else "", LATE)
    names = list(VALUES)[:number]
    world = polled(slave, *(poll(name, every=every, retries=retries) for name in names))
    until(lambda: len(slave.asked) >= REQUESTS, "asked", max(60.0, REQUESTS * 0.5))
    assert world.events and right(world.events)
    assert world.port.figures()["late_replies"] >= REQUESTS // 10 - 1


@pytest.mark.parametrize("trouble", ["silent", "damaged", "cut"])
def test_whatever_happens_to_one_reply_in_ten_no_value_has_another_ones_name(
    polled: Polled, tmp_path: Path, trouble: str
) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: trouble if n % 10 == 3 else "")
    world = polled(slave, *(poll(name, retries=1) for name in VALUES))
    until(lambda: len(slave.asked) >= 25 and len(world.events) >= 15, "polled", 60)
    assert right(world.events)


@pytest.mark.parametrize("trouble", ["echo", "noise"])
def test_what_comes_before_a_reply_does_it_no_harm(
    polled: Polled, tmp_path: Path, trouble: str
) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: trouble)
    world = polled(slave, *(poll(name, timeout=5) for name in VALUES))
    until(lambda: len(world.events) >= 25, "polled")
    assert right(world.events)
    assert not world.port.figures()["failed_requests"]


def test_a_repetition_waits_for_the_late_reply_too(polled: Polled, tmp_path: Path) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "late" if n == 0 else "", LATE)
    world = polled(slave, poll("volt", every=3600, retries=1), poll("amp", every=3600))
    until(lambda: len(world.events) == 2, "both values")
    assert sorted(world.events) == [("t.amp", 4.75), ("t.volt", 230.5)]
    assert world.port.figures()["late_replies"] == 1
    assert len(slave.asked) == 3


def test_a_slave_that_is_switched_off_does_not_hold_up_the_others(
    polled: Polled, tmp_path: Path
) -> None:
    """It is asked each second at most, for so long it may owe a reply; the other one meanwhile."""
    slave = RtuSlave(tmp_path, {1: CELLS})
    dead = [poll(name, unit=2, retries=3) for name in list(VALUES)[:3]]
    world = polled(slave, *dead, poll("volt"))
    until(lambda: world.port.commands.raw.is_mute(2) and world.events, "unit 2 is mute", 30)
    asked = len(slave.asked)
    until(lambda: sum(request[0] == 2 for request in slave.asked[asked:]) >= 4, "asked", 30)
    assert sum(request[0] == 1 for request in slave.asked[asked:]) >= 9
    assert right(world.events)


def test_a_slave_that_is_switched_on_again_is_polled_as_before(
    polled: Polled, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {})
    world = polled(slave, poll("volt"), poll("amp"))
    until(lambda: len(slave.asked) >= 3, "asked", 30)
    slave.registers.units[1] = CELLS
    until(lambda: len(world.events) >= 20, "polled", 30)
    assert right(world.events)


def test_the_late_reply_of_a_mute_unit_is_thrown_away_while_another_is_asked(
    polled: Polled, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {2: CELLS})
    world = polled(slave, poll("volt", unit=1), poll("amp", unit=2))
    line = world.port.commands.raw
    until(lambda: line.is_mute(1), "unit 1 is mute", 30)
    slave.registers.units[1] = CELLS
    slave.delay = LATE
    slave.trouble = lambda n: "late" if slave.asked[-1:] and n % 2 else ""
    until(lambda: len(world.events) >= 20 and world.port.figures()["late_replies"], "polled", 60)
    assert right(world.events)


BEYOND = 0.35  # seconds: past all patience, where that is a fifth of a second


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have late replies be waited for a fifth of a second."""
    monkeypatch.setattr(raw, "LATE_AT_LEAST", 0.2)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("retries", "delay"), [(0, 0.23), (1, 0.43), (2, BEYOND)])
def test_a_reply_that_is_later_than_all_patience_has_no_other_ones_name(
    polled: Polled, tmp_path: Path, retries: int, delay: float
) -> None:
    """It comes when another request has just been written."""
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "late" if n % 10 == 3 else "", delay)
    world = polled(slave, *(poll(name, retries=retries) for name in VALUES))
    until(lambda: len(slave.asked) >= 42, "asked", 60)
    assert right(world.events)
    assert len(world.events) >= 12, "most are there"


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("retries", [0, 1])
def test_a_slave_that_is_always_too_late_gives_no_value_at_all(
    polled: Polled, tmp_path: Path, retries: int
) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "late", 0.22)
    world = polled(slave, *(poll(name, retries=retries) for name in VALUES))
    until(lambda: len(slave.asked) >= 20, "asked", 60)
    assert right(world.events)


@pytest.mark.usefixtures("hasty")
def test_a_write_is_not_confirmed_by_the_reply_to_an_earlier_one(
    polled: Polled, tmp_path: Path
) -> None:
    """The second one is written again when no other confirmation can come, and is done then."""
    slave = RtuSlave(tmp_path, {1: {0: 0}}, lambda n: "late" if n == 0 else "", BEYOND)
    world = polled(slave)
    until(lambda: world.port.device.state is DeviceState.OPEN, "open")
    settings = ModbusSettings(unit=1, function=16, address=0)
    modbus = Modbus(settings, world.port.commands, 115200)

    def write(value: int, timeout: float = 0.4) -> None:
        world.port.commands.run("a write", lambda: modbus.write([value], timeout, 0))

    with pytest.raises(CallTimeout):
        write(1, 0.06)
    until(lambda: world.port.commands.raw.not_before(1) == 0.0, "its time is over")
    slave.registers.units[1] = {0: 0}
    write(2)
    assert slave.registers.units[1] == {0: 2}
    assert len(slave.asked) == 3
    write(3)
    assert len(slave.asked) == 4, "it is believed again"


@pytest.mark.usefixtures("hasty")
def test_a_reply_of_another_shape_is_believed_at_once(polled: Polled, tmp_path: Path) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "silent" if n == 0 else "")
    world = polled(slave)
    until(lambda: world.port.device.state is DeviceState.OPEN, "open")
    line = world.port.commands.raw
    assert line.exchange(with_checksum(bytes.fromhex("010400000002")), 0.06) == b""
    line.await_late(1)
    assert line.is_mute(1)
    assert len(line.exchange(with_checksum(bytes.fromhex("010400000004")), 5.0)) == 13
    assert not line.is_mute(1)


def test_what_a_reply_to_a_hand_written_request_says_is_nobodys(
    polled: Polled, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "late" if n == 1 else "", LATE)
    world = polled(slave, poll("volt", every=0.2, timeout=5))
    until(lambda: len(world.events) == 1, "polled")
    uri, request = "wamplite.bridge.test.write", bytes.fromhex("010400020002d00b")
    world.port.procedures[uri](Invocation(uri, [request], {}, {}, 1, 1))
    until(lambda: len(world.events) >= 4, "polled on")
    assert right(world.events)
    assert world.port.figures()["late_replies"] == 1


def test_the_loss_of_the_device_ends_the_wait_for_what_it_owed(
    polled: Polled, tmp_path: Path
) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "silent" if n == 0 else "")
    world = polled(slave, poll("volt", every=3600))
    line = world.port.commands.raw
    until(lambda: len(slave.asked) == 1, "asked")
    until(lambda: world.port.figures()["failed_requests"] == 1, "given up")
    world.port.device.reopen()
    line.await_late()
    assert not line.is_mute(1)


def test_a_stop_ends_the_wait_for_what_is_owed(polled: Polled, tmp_path: Path) -> None:
    slave = RtuSlave(tmp_path, {1: CELLS}, lambda n: "silent")
    world = polled(slave, poll("volt"))
    until(lambda: world.port.figures()["failed_requests"] >= 1, "given up")
    assert world.port.commands.stop(5)
    with pytest.raises(ApplicationError):
        world.port.commands.raw.exchange(bytes.fromhex("010400020002d00b"), 5.0)


def test_between_a_reply_and_the_next_request_is_a_pause(polled: Polled, tmp_path: Path) -> None:
    times: list[float] = []

    def trouble(number: int) -> str:
        times.append(time.monotonic())
        return ""

    slave = RtuSlave(tmp_path, {1: CELLS}, trouble)
    world = polled(slave, *(poll(name, timeout=5) for name in VALUES), pause=0.1)
    until(lambda: len(world.events) >= 5, "polled")
    assert all(later - earlier >= 0.1 for earlier, later in zip(times, times[1:], strict=False))


BODY = bytes.fromhex("01060000002a")
ONE_REGISTER = BODY + checksum(BODY)  # its reply is the same


def test_an_adapter_that_echoes_confirms_nothing(polled: Polled, tmp_path: Path) -> None:
    slave = RtuSlave(tmp_path, {1: {0: 0}}, lambda n: "echo")
    world = polled(slave, echo=True)
    until(lambda: world.port.device.state is DeviceState.OPEN, "open")
    assert world.port.commands.raw.exchange(ONE_REGISTER, 5.0) == ONE_REGISTER
    slave.registers.units.clear()
    slave.trouble = lambda n: "only echo"
    assert world.port.commands.raw.exchange(ONE_REGISTER, 0.3) == b""
    assert slave.registers.units == {}
