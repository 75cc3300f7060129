"""A line behind RFC 2217 that sends back what is written to it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import serial
import serial.rfc2217


class Rfc2217Server:
    """One connection to a line that sends back, served as in pyserial's own example."""

    def __init__(self) -> None:
        self._serial = serial.serial_for_url("loop://", timeout=0)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.modes: list[tuple[int, int, str, float]] = []  # each as it was set
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="test-rfc2217")

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
                line = self._serial
                mode = (line.baudrate, line.bytesize, line.parity, line.stopbits)
                if mode not in self.modes[-1:]:
                    self.modes.append(mode)
                if data := self._serial.read(self._serial.in_waiting):
                    connection.sendall(b"".join(manager.escape(data)))


class Connection:
    """What the manager answers through."""

    def __init__(self, connection: socket.socket) -> None:
        self.write = connection.sendall
