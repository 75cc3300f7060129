"""Lines of other kinds than a plain tty, and what is set when one is opened."""

from __future__ import annotations

import socket

import pytest

from tests.bridge.ports import Record, settings
from tests.bridge.pseudo import PseudoDevice
from tests.bridge.rfc2217_server import Rfc2217Server
from tests.waiting import until
from wamplite.bridge.device.device import Device
from wamplite.bridge.device.line_mode import LineMode


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.mark.parametrize("parity", ["N", "E", "O"])
def test_parity_is_given_at_the_opening(pseudo: PseudoDevice, record: Record, parity: str) -> None:
    device = Device(settings(pseudo.path, parity=parity, hupcl=False), record)
    pseudo.plug()
    device.start()
    until(lambda: record.opens == 1, "opened")
    assert pseudo.keeps_dtr()
    assert device.stop(5.0)


def test_a_stream_over_tcp_is_read_written_and_found_again(record: Record) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        device = Device(settings(f"socket://127.0.0.1:{server.getsockname()[1]}"), record)
        device.start()
        for number in range(1, 3):
            connection, _ = server.accept()
            with connection:
                until(lambda n=number: record.opens == n and device.is_ready, "connected")
                connection.sendall(b"%d" % number)
                until(lambda n=number: record.data.endswith(b"%d" % n), "read")
                device.write(b"ok")
                assert connection.recv(2) == b"ok"
        assert device.stop(5.0)


def test_a_parity_that_came_as_a_bit_is_stripped(pseudo: PseudoDevice, record: Record) -> None:
    device = Device(settings(pseudo.path, strip_parity=True), record)
    pseudo.plug()
    device.start()
    until(lambda: device.is_ready, "opened")
    pseudo.write(bytes(byte | 0x80 for byte in b"\x02ADCO"))
    until(lambda: record.data == b"\x02ADCO", "read")
    assert device.stop(5.0)


def test_a_line_without_a_mode_for_rs_485_says_so_and_stays_closed(
    pseudo: PseudoDevice, record: Record
) -> None:
    device = Device(settings(pseudo.path, rs485=True), record)
    pseudo.plug()
    device.start()
    until(lambda: "RS485" in device.why, "told")
    assert not device.is_ready
    assert device.stop(5.0)


@pytest.mark.filterwarnings("ignore:set:DeprecationWarning")  # setDaemon, setName in pyserial
@pytest.mark.parametrize("levels", [(False, True), (True, False)])
def test_dtr_and_rts_have_their_levels_from_the_opening_on(
    record: Record, levels: tuple[bool, bool]
) -> None:
    dtr, rts = levels
    server = Rfc2217Server()
    with server as url:
        device = Device(settings(url, dtr=dtr, rts=rts), record)
        device.start()
        until(lambda: device.is_ready, "negotiated")
        until(lambda: server.levels == levels, "set")
        assert device.stop(5.0)


@pytest.mark.filterwarnings("ignore:set:DeprecationWarning")  # setDaemon, setName in pyserial
def test_a_device_behind_rfc_2217_is_read_and_written(record: Record) -> None:
    server = Rfc2217Server()
    with server as url:
        device = Device(settings(url), record)
        device.start()
        until(lambda: device.is_ready, "negotiated")
        device.write(b"there and back")
        until(lambda: record.data == b"there and back", "read")
        device.change(LineMode(300))
        until(lambda: server.modes[-1] == (300, 8, "N", 1), "the other end has it")
        device.change(LineMode(0, 7, "E"))
        until(lambda: server.modes[-1] == (300, 7, "E", 1), "the other end has it")
        assert device.mode == (300, 7, "E", 1)
        assert device.stop(5.0)
    assert record.opens == 1
