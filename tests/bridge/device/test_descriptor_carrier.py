"""The descriptor under a port: empty reads, waits, and its life while others write."""

from __future__ import annotations

import os
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import serial

from wamplite.bridge.device.carrier import EMPTY, DescriptorCarrier, QueueCarrier
from wamplite.bridge.device.line_mode import LineMode


class Terminal:
    """A pseudo-terminal of which one end is a carrier, and reads without waiting."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        attributes = termios.tcgetattr(self.slave)
        attributes[3] = 0  # no line discipline
        attributes[6][termios.VMIN] = attributes[6][termios.VTIME] = 0
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        os.set_blocking(self.slave, False)

    def close(self) -> None:
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    os.close(terminal.master)


@pytest.fixture
def carrier(terminal: Terminal) -> Iterator[DescriptorCarrier]:
    carrier = DescriptorCarrier(terminal.slave, terminal)
    yield carrier
    carrier.close()


def test_reads_that_bring_nothing_in_a_row_are_the_end(carrier: DescriptorCarrier) -> None:
    assert [carrier.read() for _ in range(EMPTY - 1)] == [b""] * (EMPTY - 1)
    with pytest.raises(OSError, match="the device is gone"):
        carrier.read()


def test_bytes_in_between_begin_the_row_anew(
    carrier: DescriptorCarrier, terminal: Terminal
) -> None:
    for _ in range(3):
        assert [carrier.read() for _ in range(EMPTY - 1)] == [b""] * (EMPTY - 1)
        os.write(terminal.master, b"x")
        assert carrier.wait(5.0)
        assert carrier.read() == b"x"


def test_a_wait_ends_with_bytes_by_a_wake_or_in_time(
    carrier: DescriptorCarrier, terminal: Terminal
) -> None:
    assert not carrier.wait(0.01)
    carrier.wake()
    assert not carrier.wait(None)
    os.write(terminal.master, b"x")
    assert carrier.wait(None)


def test_a_wait_for_a_carrier_without_a_descriptor_tells_whether_a_byte_came() -> None:
    handle = serial.serial_for_url("loop://", timeout=0.01)
    carrier = QueueCarrier(handle)
    assert not carrier.wait(0.05)
    carrier.write(b"two", 1.0)
    assert carrier.wait(5.0) and carrier.read() == b"two"
    assert not carrier.wait(0.05)
    carrier.wake()
    assert not carrier.wait(None)
    carrier.write(b"x", 1.0)
    assert carrier.wait(None) and carrier.read() == b"x"
    carrier.close()
    carrier.close()


@pytest.mark.usefixtures("hurried")
def test_what_is_written_to_a_line_never_reaches_who_has_its_descriptor_next() -> None:
    for _ in range(200):
        terminal = Terminal()
        carrier = DescriptorCarrier(terminal.slave, terminal)
        writing = threading.Event()

        def write(carrier: DescriptorCarrier = carrier, writing: threading.Event = writing) -> None:
            with suppress(OSError):
                while True:
                    carrier.write(b"x", 5.0)
                    writing.set()

        writer = threading.Thread(target=write)
        writer.start()
        assert writing.wait(5.0)
        carrier.close()
        theirs = os.memfd_create("next")  # lowest free number: that of the carrier
        writer.join(5.0)
        size = os.fstat(theirs).st_size
        os.close(theirs)
        os.close(terminal.master)
        assert size == 0


def test_the_speed_is_changed_and_nothing_else(
    carrier: DescriptorCarrier, terminal: Terminal
) -> None:
    before = termios.tcgetattr(terminal.slave)
    carrier.change(LineMode(300))
    after = termios.tcgetattr(terminal.slave)
    assert after[4:6] == [termios.B300, termios.B300]
    assert after[:4] == [before[0], before[1], after[2], before[3]] and after[6] == before[6]


def test_a_speed_that_there_is_not_and_a_closed_line_are_told(carrier: DescriptorCarrier) -> None:
    with pytest.raises(OSError, match="301 is no speed"):
        carrier.change(LineMode(301))
    carrier.close()
    with pytest.raises(OSError, match="closed meanwhile"):
        carrier.change(LineMode(300))


def test_a_pseudo_terminal_takes_any_parity_and_has_none(
    carrier: DescriptorCarrier, terminal: Terminal
) -> None:
    before = termios.tcgetattr(terminal.slave)
    carrier.change(LineMode(0, 7, "E"))
    assert termios.tcgetattr(terminal.slave) == before
    carrier.write(b"\xe1", 1.0)
    assert os.read(terminal.master, 9) == b"\xe1"
