"""A device is read, and survives whatever happens to it."""

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
from tests.bridge.pseudo import PseudoDevice
from tests.processes import running
from tests.waiting import until
from wamplite.bridge.device.device import FIRST_WAIT, LONGEST_WAIT, Device, DeviceDown, DeviceState


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def device(pseudo: PseudoDevice, record: Record) -> Iterator[Device]:
    device = Device(settings(pseudo.path), record)
    yield device
    assert device.stop(5.0)


def test_bytes_arrive_as_they_came(pseudo: PseudoDevice, device: Device, record: Record) -> None:
    pseudo.plug()
    device.start()
    until(lambda: record.opens == 1, "opened")
    data = bytes(range(256)) * 400
    pseudo.write(data)
    until(lambda: len(record.data) == len(data), "all bytes")
    assert record.data == data


def test_a_device_that_is_not_there_yet_is_opened_once_it_comes(
    pseudo: PseudoDevice, device: Device, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    device.start()
    until(lambda: device._wait > 1, "some tries")
    assert caplog.text.count("not there; trying again until it works") == 1
    pseudo.plug()
    until(lambda: record.opens == 1, "opened")


def test_a_port_in_its_longest_wait_notices_that_the_device_has_come(
    pseudo: PseudoDevice, device: Device, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    device._wait = LONGEST_WAIT
    device.start()
    until(lambda: "not there" in caplog.text, "it waits")
    pseudo.plug()
    until(lambda: record.opens == 1, "opened", seconds=LONGEST_WAIT / 3)
    assert device._wait == FIRST_WAIT


def test_a_device_that_vanishes_is_closed_at_once_and_opened_again_wherever_its_link_points(
    pseudo: PseudoDevice, device: Device, record: Record
) -> None:
    pseudo.plug()
    device.start()
    until(lambda: record.opens == 1, "opened")
    for number in range(2, 5):
        before = set(os.listdir("/proc/self/fd"))
        pseudo.pull()
        until(lambda n=number: record.losses == n - 1, "lost")
        assert not [fd for fd in before & set(os.listdir("/proc/self/fd")) if is_deleted(fd)]
        pseudo.plug()
        until(lambda n=number: record.opens == n, "opened again")
        pseudo.write(b"%d" % number)
        until(lambda n=number: record.data.endswith(b"%d" % n), "read again")


def is_deleted(descriptor: str) -> bool:
    """Tell whether a descriptor still keeps a pseudo-terminal that is gone."""
    try:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return False
    return target.startswith("/dev/pts/") and target.endswith("(deleted)")


def test_a_port_that_waits_for_bytes_stops_at_once(
    pseudo: PseudoDevice, device: Device, record: Record
) -> None:
    pseudo.plug()
    device.start()
    until(lambda: record.opens == 1, "opened")
    assert device.stop(1.0)
    assert record.losses == 1


def test_a_device_that_is_waited_for_can_be_stopped_at_once(device: Device) -> None:
    device.start()
    until(lambda: device._wait > 0.5, "some tries")
    assert device.stop(1.0)


def test_a_port_that_was_stopped_before_it_began_ends() -> None:
    device = Device(settings("/dev/absent"), Record())
    device._stopping.set()
    device.start()
    assert device.stop(1.0)


def test_a_sink_that_fails_does_not_end_the_port(
    pseudo: PseudoDevice, device: Device, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    pseudo.plug()
    device.start()
    until(lambda: record.opens == 1, "opened")
    pseudo.write(b"raise")
    until(lambda: record.opens == 2, "opened again")
    pseudo.write(b"fine")
    until(lambda: record.data.endswith(b"fine"), "read again")
    assert "a sink that fails" in caplog.text
    assert any(entry.exc_info for entry in caplog.records)


def test_a_device_in_use_is_waited_for_and_its_holder_named(
    pseudo: PseudoDevice, device: Device, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    code = (
        "import serial, sys; held = serial.Serial(sys.argv[1], exclusive=True)\n"
        "print('held', flush=True); input(); held.close(); print('free', flush=True); input()"
    )
    pseudo.plug()
    with running(sys.executable, "-c", code, pseudo.path, stdin=-1) as holder:
        assert holder.line() == "held"
        device.start()
        until(lambda: f"(pid {holder.pid})" in caplog.text, "the holder is named")
        assert record.opens == 0
        holder.process.stdin.write(b"\n")
        assert holder.line() == "free"
        until(lambda: record.opens == 1, "opened")


def test_something_that_is_no_serial_device_is_named_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device = Device(settings("/dev/null"), Record())
    device.start()
    until(lambda: "/dev/null: not a serial device" in caplog.text, "told")
    assert device.stop(1.0)


def test_the_thread_bears_the_name_of_the_port(device: Device) -> None:
    device.start()
    assert "wamplite-port-test" in [thread.name for thread in threading.enumerate()]


def test_a_booting_device_is_not_heard(pseudo: PseudoDevice, record: Record) -> None:
    told = Told()
    device = Device(settings(pseudo.path, settle=0.3), record, told)
    pseudo.plug()
    device.start()
    until(lambda: DeviceState.SETTLING in told.states, "settling")
    pseudo.write(b"boot garbage")
    with pytest.raises(DeviceDown, match="settling"):
        device.write(b"too early")
    until(lambda: record.opens == 1, "settled")
    pseudo.write(b"fine")
    until(lambda: record.data, "read")
    assert device.stop(5.0)
    assert record.data == b"fine"
    assert told.states == [DeviceState.SETTLING, DeviceState.OPEN, DeviceState.STOPPED]


def test_a_device_that_vanishes_while_it_settles_is_lost_at_once(
    pseudo: PseudoDevice, record: Record
) -> None:
    told = Told()
    device = Device(settings(pseudo.path, settle=30.0), record, told)
    pseudo.plug()
    device.start()
    until(lambda: DeviceState.SETTLING in told.states, "settling")
    pseudo.pull()
    until(lambda: DeviceState.CLOSED in told.states, "lost")
    assert device.stop(1.0)


def test_a_silent_device_is_opened_again_and_stays_silent_until_it_speaks(
    pseudo: PseudoDevice, record: Record
) -> None:
    told = Told()
    device = Device(settings(pseudo.path, silence=0.2), record, told)
    pseudo.plug()
    device.start()
    until(lambda: record.opens >= 3, "opened again and again")
    assert set(told.states) == {DeviceState.OPEN, DeviceState.SILENT}
    assert told.states.count(DeviceState.OPEN) == 1
    pseudo.write(b"here I am")
    until(lambda: device.state is DeviceState.OPEN, "heard")
    assert device.stop(5.0)
    assert "no frame for 0.2 s" in told.reasons[1]


def test_a_device_that_speaks_often_enough_is_left_alone(
    pseudo: PseudoDevice, record: Record
) -> None:
    device = Device(settings(pseudo.path, silence=0.5), record)
    pseudo.plug()
    device.start()
    until(lambda: record.opens == 1, "opened")
    for number in range(12):
        pseudo.write(b"!")
        until(lambda n=number: len(record.data) > n, "read")
        time.sleep(0.08)  # in all, twice the silence that is allowed
    assert device.stop(5.0)
    assert record.opens == 1


def test_reopen_closes_and_opens_at_once(pseudo: PseudoDevice, record: Record) -> None:
    told = Told()
    device = Device(settings(pseudo.path), record, told)
    pseudo.plug()
    device.start()
    until(lambda: device.is_ready, "opened")
    device.reopen("a person asked for it")
    until(lambda: record.opens == 2, "opened again", seconds=1.0)
    assert device.stop(5.0)
    assert told.states == [
        DeviceState.OPEN,
        DeviceState.CLOSED,
        DeviceState.OPEN,
        DeviceState.STOPPED,
    ]
    assert told.reasons[1].endswith("a person asked for it")


def test_what_is_written_reaches_the_device(
    pseudo: PseudoDevice, device: Device, record: Record
) -> None:
    pseudo.plug()
    device.start()
    until(lambda: device.is_ready, "opened")
    device.write(b"LED 1\n")
    assert pseudo.read() == b"LED 1\n"


def test_a_device_that_takes_nothing_costs_the_deadline_and_no_reading(
    pseudo: PseudoDevice, record: Record
) -> None:
    device = Device(settings(pseudo.path, write_timeout=0.3), record)
    pseudo.plug()
    device.start()
    until(lambda: device.is_ready, "opened")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            device.write(b"x" * 1_000_000)
        except TimeoutError as exc:
            failed.append(exc)

    writer = threading.Thread(target=write, name="test-writer")
    writer.start()
    for number in range(20):
        pseudo.write(b"!")
        until(lambda n=number: len(record.data) > n, "read while a write is stuck", seconds=1.0)
    writer.join(5.0)
    assert "not taken in 0.3 s" in str(failed[0])
    assert device.is_ready
    assert device.stop(5.0)


def test_writing_to_a_device_that_is_not_there_says_so(device: Device) -> None:
    with pytest.raises(DeviceDown, match="closed"):
        device.write(b"?")


def test_the_sink_is_woken_when_it_asks_for_it(
    pseudo: PseudoDevice, device: Device, record: Record
) -> None:
    record.wanted = 0.05
    pseudo.plug()
    device.start()
    until(lambda: record.idles >= 3, "woken")


def test_bytes_bear_the_time_they_came(
    pseudo: PseudoDevice, device: Device, record: Record
) -> None:
    pseudo.plug()
    device.start()
    until(lambda: device.is_ready, "opened")
    before = time.time()
    pseudo.write(b"!")
    until(lambda: record.times, "read")
    assert before <= record.times[0] <= time.time()


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wamplite")


def test_a_silent_device_that_boots_at_each_opening_is_given_its_time(
    pseudo: PseudoDevice, record: Record
) -> None:
    device = Device(settings(pseudo.path, silence=0.2, settle=0.4), record)
    pseudo.plug()
    device.start()
    until(lambda: record.opens >= 3, "settled, silent and opened again")
    assert device.opens <= record.opens + 1
    assert device.stop(5.0)


@pytest.mark.parametrize("awaited", [True, False])
def test_a_busy_device_is_gathered_from_unless_somebody_waits_for_its_reply(
    pseudo: PseudoDevice,
    device: Device,
    record: Record,
    awaited: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wamplite.bridge.device.device.BUSY", 60.0)
    monkeypatch.setattr("wamplite.bridge.device.device.GATHER", 3.0)
    pseudo.plug()
    device.start()
    until(lambda: device.is_ready, "opened")
    pseudo.write(b"reading")
    until(lambda: record.data, "read at once: it was not busy before")
    device.eager = awaited
    pseudo.write(b"reply")
    began = time.monotonic()
    until(lambda: record.data == b"readingreply", "read")
    assert (time.monotonic() - began < 2.0) == awaited
