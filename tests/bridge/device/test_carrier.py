"""Lines of other kinds than a plain tty, and what is set when one is opened."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
import serial
import serial.rfc2217

from tests.bridge.ports import Record, settings
from tests.bridge.pseudo import PseudoDevice
from tests.waiting import until
from wamplite.bridge.device.device import Device


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
        device.change_speed(300)
        until(lambda: server.speed == 300, "the other end has it")
        assert device.stop(5.0)
    assert record.opens == 1


class Rfc2217Server:
    """One connection to a line that sends back, served as in pyserial's own example."""

    def __init__(self) -> None:
        self._serial = serial.serial_for_url("loop://", timeout=0)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-rfc2217")

    @property
    def speed(self) -> int:
        """The bits per second as they were set."""
        return int(self._serial.baudrate)

    @property
    def levels(self) -> tuple[bool, bool]:
        """DTR and RTS as they were set."""
        return self._serial.dtr, self._serial.rts

    def __enter__(self) -> str:
        self._thread.start()
        return f"rfc2217://127.0.0.1:{self._server.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._server.close()
        self._serial.close()

    def _run(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.settimeout(0.02)
            manager = serial.rfc2217.PortManager(self._serial, Connection(connection))
            while not self._ending.is_set():
                with suppress(TimeoutError):
                    self._serial.write(b"".join(manager.filter(connection.recv(1024))))
                if data := self._serial.read(self._serial.in_waiting):
                    connection.sendall(b"".join(manager.escape(data)))


class Connection:
    """What the manager answers through."""

    def __init__(self, connection: socket.socket) -> None:
        self.write = connection.sendall
