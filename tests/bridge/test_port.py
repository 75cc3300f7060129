"""A port reads its device, and survives whatever happens to it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.pseudo import Device, until
from tests.processes import running
from wamplite.bridge.port import FIRST_WAIT, LONGEST_WAIT, Port


class Record:
    """A sink that keeps what it was told."""

    def __init__(self) -> None:
        self.opens = 0
        self.losses = 0
        self.data = b""

    def opened(self) -> None:
        self.opens += 1

    def received(self, data: bytes) -> None:
        self.data += data
        if b"raise" in data:
            raise RuntimeError("a sink that fails")

    def lost(self) -> None:
        self.losses += 1


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    with Device(tmp_path) as device:
        yield device


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def port(device: Device, record: Record) -> Iterator[Port]:
    port = Port(device.path, 9600, record)
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
    port = Port("/dev/absent", 9600, Record())
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
    port = Port("/dev/null", 9600, Record())
    port.start()
    until(lambda: "/dev/null: not a serial device" in caplog.text, "told")
    assert port.stop(1.0)


def test_the_thread_bears_the_name_of_its_device(port: Port, device: Device) -> None:
    port.start()
    names = [thread.name for thread in threading.enumerate()]
    assert f"wamplite-port-{device.path}" in names


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wamplite")
