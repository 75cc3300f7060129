"""A serial port and the stream of one session on it, over pseudo-terminals."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conftest import open_files
from tests.serial_cable import Cable
from tests.serial_end import End
from tests.transports.streams import files_left
from wamplite.core.errors import TransportLost
from wamplite.transports.dial import dial
from wamplite.transports.serial_line import Descriptor, OpenPort, SerialStream, explain
from wamplite.transports.serial_line import dial as dial_line
from wamplite.transports.serial_url import Address


@pytest.fixture
def stream(cable: Cable) -> Iterator[SerialStream]:
    port = OpenPort(Address(cable.device, baud=9600))
    stream = SerialStream(port, port.close)
    yield stream
    stream.close()


def test_bytes_go_both_ways(cable: Cable, stream: SerialStream) -> None:
    with End(cable.host) as host:
        assert stream.write([b"\x06\x80\xad\x6c", b"\xba\x3f\0"])
        assert host.frame() == (0x80, b"")
        host.write(b"abc\0\r\n\x03\x04\x11\x13\xff")
        received = b""
        while len(received) < 11:
            received += stream.recv_within(5)
        assert received == b"abc\0\r\n\x03\x04\x11\x13\xff"  # nothing is translated


def test_waiting_ends_in_time_and_by_shutdown(stream: SerialStream) -> None:
    with pytest.raises(TimeoutError):
        stream.recv_within(0.01)
    threading.Timer(0.05, stream.shutdown, ["enough"]).start()
    assert stream.recv_within(5) == b""
    assert str(stream.ended()) == "ttyDEVICE: enough"


def test_finish_wakes_the_reader(stream: SerialStream) -> None:
    stream.finish()
    assert stream.recv_within(5) == b""
    assert stream.lost is None


def test_a_pulled_cable_is_lost_when_reading_and_ignored_when_writing(
    cable: Cable, stream: SerialStream
) -> None:
    cable.pull(cable.device)
    with pytest.raises(TransportLost):
        stream.recv_within(5)
    assert stream.write([b"x"])
    assert stream.lost is not None


def test_old_events_give_way_when_the_line_is_too_slow(cable: Cable, stream: SerialStream) -> None:
    cable.held = cable.device
    stream.write([bytes(500)] * 80)
    for number in range(100):
        stream.write([b"%03d" % number * 100], droppable=True)
    assert 70 < stream.dropped <= 100
    assert stream.left <= 40_000 + 300


def test_two_sessions_follow_each_other_on_a_port(cable: Cable) -> None:
    ends: list[str] = []
    port = OpenPort(Address(cable.device))
    try:
        with End(cable.host) as host:
            for name in ("first", "second"):
                stream = SerialStream(port, lambda name=name: ends.append(name))  # type: ignore[misc]
                stream.write([b"\x06\x80\xad\x6c\xba\x3f\0"])
                assert host.frame() == (0x80, b"")
                stream.close()
                stream.close()
    finally:
        port.close()
    assert ends == ["first", "second"]


@pytest.mark.parametrize(
    ("path", "text"), [("/dev/nowhere", "not there"), ("/dev/null", "not a serial device")]
)
def test_what_cannot_be_opened_is_explained(path: str, text: str) -> None:
    with pytest.raises(TransportLost, match=f"{path}: {text}"):
        OpenPort(Address(path))


def test_a_second_program_is_refused(cable: Cable, stream: SerialStream) -> None:
    with pytest.raises(TransportLost, match="in use by another program"):
        dial(cable.device_url, timeout=1)


def test_missing_rights_are_explained() -> None:
    assert "group" in explain("/dev/x", PermissionError(errno.EACCES, "no"))
    assert explain("/dev/x", ValueError("no such baud rate")) == "/dev/x: no such baud rate"


def test_where_no_descriptor_can_be_had_that_is_said_and_none_is_left_open(cable: Cable) -> None:
    port = OpenPort(Address(cable.device))
    before = open_files()
    with files_left(1), pytest.raises(OSError, match="Too many open files"):
        SerialStream(port, port.close)
    assert open_files() == before
    SerialStream(port, port.close).close()


def test_a_port_is_dialled_or_it_is_said_why_not_and_none_is_left_open(cable: Cable) -> None:
    before, refused = open_files(), 0
    while True:
        with files_left(refused):
            try:
                stream = dial_line(cable.device_url)
            except (OSError, TransportLost):
                refused += 1
            else:
                break
        assert open_files() == before
    stream.close()
    assert refused > 3  # a port takes one, and its stream three more


def test_waiting_for_a_line_that_takes_nothing_is_no_busy_loop(cable: Cable) -> None:
    cable.held = cable.host
    port = OpenPort(Address(cable.host))
    stream = SerialStream(port, port.close)
    stream.write([bytes(100)])
    before = time.thread_time()
    stream.linger(0.5)
    assert time.thread_time() - before < 0.1
    stream.close()


def test_closing_does_not_wait_for_who_takes_nothing(cable: Cable) -> None:
    cable.held = cable.host
    port = OpenPort(Address(cable.host))
    stream = SerialStream(port, port.close)
    stream.write([bytes(100_000)])
    began = time.monotonic()
    stream.linger(0.2)
    stream.close()
    assert time.monotonic() - began < 2


def test_what_is_closed_touches_no_descriptor_any_more(cable: Cable) -> None:
    port = OpenPort(Address(cable.device, baud=9600))
    line = Descriptor(port)
    line.close()
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(3)]  # they get the numbers that are free now
    line.close()
    line.wake()
    for reading, writing in pipes:
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)
        os.close(reading)
        os.close(writing)
    port.close()


def test_waiting_for_the_line_to_carry_what_it_has_is_no_busy_loop(
    stream: SerialStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Descriptor, "unsent", lambda line: 1)
    begun, used = time.monotonic(), time.process_time()
    stream.linger(0.3)
    assert 0.3 <= time.monotonic() - begun < 1
    assert time.process_time() - used < 0.15
