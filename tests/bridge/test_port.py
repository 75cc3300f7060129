"""A port reads its device, and survives whatever happens to it."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.ports import Record, Told, settings
from tests.bridge.pseudo import Device
from tests.processes import running
from tests.waiting import until
from wamplite.bridge.port import FIRST_WAIT, LONGEST_WAIT, Port, PortDown, State


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path) as device:
        yield device


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def port(device: Device, record: Record) -> Iterator[Port]:
    port = Port(settings(device.path), record)
    yield port
    assert port.stop(5.0)


def test_bytes_arrive_as_they_came(device: Device, port: Port, record: Record) -> None:
    device.plug()
    port.start()
    until(lambda: record.opens == 1, "opened")
    data = bytes(range(256)) * 400
    device.write(data)
    until(lambda: len(record.data) == len(data), "all bytes")
    assert record.data == data


def test_a_device_that_is_not_there_yet_is_opened_once_it_comes(
    device: Device, port: Port, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    port.start()
    until(lambda: port._wait > 1, "some tries")
    assert caplog.text.count("not there; trying again until it works") == 1
    device.plug()
    until(lambda: record.opens == 1, "opened")


def test_a_port_in_its_longest_wait_notices_that_the_device_has_come(
    device: Device, port: Port, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    port._wait = LONGEST_WAIT
    port.start()
    until(lambda: "not there" in caplog.text, "it waits")
    device.plug()
    until(lambda: record.opens == 1, "opened", seconds=LONGEST_WAIT / 3)
    assert port._wait == FIRST_WAIT


def test_a_device_that_vanishes_is_closed_at_once_and_opened_again_wherever_its_link_points(
    device: Device, port: Port, record: Record
) -> None:
    device.plug()
    port.start()
    until(lambda: record.opens == 1, "opened")
    for number in range(2, 5):
        before = set(os.listdir("/proc/self/fd"))
        device.pull()
        until(lambda n=number: record.losses == n - 1, "lost")
        assert not [fd for fd in before & set(os.listdir("/proc/self/fd")) if is_deleted(fd)]
        device.plug()
        until(lambda n=number: record.opens == n, "opened again")
        device.write(b"%d" % number)
        until(lambda n=number: record.data.endswith(b"%d" % n), "read again")


def is_deleted(descriptor: str) -> bool:
    """Tell whether a descriptor still keeps a pseudo-terminal that is gone."""
    try:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return False
    return target.startswith("/dev/pts/") and target.endswith("(deleted)")


def test_a_port_that_waits_for_bytes_stops_at_once(
    device: Device, port: Port, record: Record
) -> None:
    device.plug()
    port.start()
    until(lambda: record.opens == 1, "opened")
    assert port.stop(1.0)
    assert record.losses == 1


def test_a_port_that_waits_for_its_device_stops_at_once(port: Port) -> None:
    port.start()
    until(lambda: port._wait > 0.5, "some tries")
    assert port.stop(1.0)


def test_a_port_that_was_stopped_before_it_began_ends() -> None:
    port = Port(settings("/dev/absent"), Record())
    port._stopping.set()
    port.start()
    assert port.stop(1.0)


def test_a_sink_that_fails_does_not_end_the_port(
    device: Device, port: Port, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    device.plug()
    port.start()
    until(lambda: record.opens == 1, "opened")
    device.write(b"raise")
    until(lambda: record.opens == 2, "opened again")
    device.write(b"fine")
    until(lambda: record.data.endswith(b"fine"), "read again")
    assert "a sink that fails" in caplog.text
    assert any(entry.exc_info for entry in caplog.records)


def test_a_device_in_use_is_waited_for_and_its_holder_named(
    device: Device, port: Port, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    code = (
        "import serial, sys; held = serial.Serial(sys.argv[1], exclusive=True)\n"
        "print('held', flush=True); input(); held.close(); print('free', flush=True); input()"
    )
    device.plug()
    with running(sys.executable, "-c", code, device.path, stdin=-1) as holder:
        assert holder.line() == "held"
        port.start()
        until(lambda: f"(pid {holder.pid})" in caplog.text, "the holder is named")
        assert record.opens == 0
        holder.process.stdin.write(b"\n")
        assert holder.line() == "free"
        until(lambda: record.opens == 1, "opened")


def test_something_that_is_no_serial_device_is_named_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = Port(settings("/dev/null"), Record())
    port.start()
    until(lambda: "/dev/null: not a serial device" in caplog.text, "told")
    assert port.stop(1.0)


def test_the_thread_bears_the_name_of_its_port(port: Port) -> None:
    port.start()
    assert "wamplite-port-test" in [thread.name for thread in threading.enumerate()]


def test_a_booting_device_is_not_heard(device: Device, record: Record) -> None:
    told = Told()
    port = Port(settings(device.path, settle=0.3), record, told)
    device.plug()
    port.start()
    until(lambda: State.SETTLING in told.states, "settling")
    device.write(b"boot garbage")
    with pytest.raises(PortDown, match="settling"):
        port.write(b"too early")
    until(lambda: record.opens == 1, "settled")
    device.write(b"fine")
    until(lambda: record.data, "read")
    assert port.stop(5.0)
    assert record.data == b"fine"
    assert told.states == [State.SETTLING, State.OPEN, State.STOPPED]


def test_a_device_that_vanishes_while_it_settles_is_lost_at_once(
    device: Device, record: Record
) -> None:
    told = Told()
    port = Port(settings(device.path, settle=30.0), record, told)
    device.plug()
    port.start()
    until(lambda: State.SETTLING in told.states, "settling")
    device.pull()
    until(lambda: State.CLOSED in told.states, "lost")
    assert port.stop(1.0)


def test_a_silent_device_is_opened_again_and_stays_silent_until_it_speaks(
    device: Device, record: Record
) -> None:
    told = Told()
    port = Port(settings(device.path, silence=0.2), record, told)
    device.plug()
    port.start()
    until(lambda: record.opens >= 3, "opened again and again")
    assert set(told.states) == {State.OPEN, State.SILENT} and told.states.count(State.OPEN) == 1
    device.write(b"here I am")
    until(lambda: port.state is State.OPEN, "heard")
    assert port.stop(5.0)
    assert "no frame for 0.2 s" in told.reasons[1]


def test_a_device_that_speaks_often_enough_is_left_alone(device: Device, record: Record) -> None:
    port = Port(settings(device.path, silence=0.5), record)
    device.plug()
    port.start()
    until(lambda: record.opens == 1, "opened")
    for number in range(12):
        device.write(b"!")
        until(lambda n=number: len(record.data) > n, "read")
        time.sleep(0.08)  # in all, twice the silence that is allowed
    assert port.stop(5.0)
    assert record.opens == 1


def test_reopen_closes_and_opens_at_once(device: Device, record: Record) -> None:
    told = Told()
    port = Port(settings(device.path), record, told)
    device.plug()
    port.start()
    until(lambda: port.is_ready, "opened")
    port.reopen("a person asked for it")
    until(lambda: record.opens == 2, "opened again", seconds=1.0)
    assert port.stop(5.0)
    assert told.states == [State.OPEN, State.CLOSED, State.OPEN, State.STOPPED]
    assert told.reasons[1].endswith("a person asked for it")


def test_what_is_written_reaches_the_device(device: Device, port: Port, record: Record) -> None:
    device.plug()
    port.start()
    until(lambda: port.is_ready, "opened")
    port.write(b"LED 1\n")
    assert device.read() == b"LED 1\n"


def test_a_device_that_takes_nothing_costs_the_deadline_and_no_reading(
    device: Device, record: Record
) -> None:
    port = Port(settings(device.path, write_timeout=0.3), record)
    device.plug()
    port.start()
    until(lambda: port.is_ready, "opened")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            port.write(b"x" * 1_000_000)
        except TimeoutError as exc:
            failed.append(exc)

    writer = threading.Thread(target=write, name="test-writer")
    writer.start()
    for number in range(20):
        device.write(b"!")
        until(lambda n=number: len(record.data) > n, "read while a write is stuck", seconds=1.0)
    writer.join(5.0)
    assert "not taken in 0.3 s" in str(failed[0])
    assert port.is_ready
    assert port.stop(5.0)


def test_writing_to_a_device_that_is_not_there_says_so(port: Port) -> None:
    with pytest.raises(PortDown, match="closed"):
        port.write(b"?")


def test_the_sink_is_woken_when_it_asks_for_it(device: Device, port: Port, record: Record) -> None:
    record.wanted = 0.05
    device.plug()
    port.start()
    until(lambda: record.idles >= 3, "woken")


def test_bytes_bear_the_time_they_came(device: Device, port: Port, record: Record) -> None:
    device.plug()
    port.start()
    until(lambda: port.is_ready, "opened")
    before = time.time()
    device.write(b"!")
    until(lambda: record.times, "read")
    assert before <= record.times[0] <= time.time()


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wamplite")


def test_a_silent_device_that_boots_at_each_opening_is_given_its_time(
    device: Device, record: Record
) -> None:
    port = Port(settings(device.path, silence=0.2, settle=0.4), record)
    device.plug()
    port.start()
    until(lambda: record.opens >= 3, "settled, silent and opened again")
    assert port.opens <= record.opens + 1
    assert port.stop(5.0)


@pytest.mark.parametrize("awaited", [True, False])
def test_a_busy_device_is_gathered_from_unless_somebody_waits_for_its_reply(
    device: Device, port: Port, record: Record, awaited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wamplite.bridge.port.BUSY", 60.0)
    monkeypatch.setattr("wamplite.bridge.port.GATHER", 3.0)
    device.plug()
    port.start()
    until(lambda: port.is_ready, "opened")
    device.write(b"reading")
    until(lambda: record.data, "read at once: it was not busy before")
    port.eager = awaited
    device.write(b"reply")
    began = time.monotonic()
    until(lambda: record.data == b"readingreply", "read")
    assert (time.monotonic() - began < 2.0) == awaited
