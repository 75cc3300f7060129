"""A server of Modbus/TCP that answers in order and not always well.

What goes wrong is told by `trouble`, a function of the number of the request (from 0), which
returns one of TROUBLES or "".
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.bridge.modbus_slave import Registers

TROUBLES = ("late", "silent", "pieces", "unit", "function", "stray", "garbage", "close")
HEADER = 7  # bytes: transaction, 0, size, unit


class ModbusServer:
    """Units behind one address; `delay`: seconds before a late answer."""

    def __init__(
        self,
        units: dict[int, dict[int, int]],
        trouble: Callable[[int], str] = lambda number: "",
        delay: float = 0.35,
    ) -> None:
        self.registers = Registers(units)
        self.trouble = trouble
        self.delay = delay
        self.asked: list[bytes] = []
        self.times: list[float] = []
        self.connections: list[float] = []  # when they were made
        self._server = socket.create_server(("127.0.0.1", 0))
        self.device = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._ending, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="test-modbus-server")

    def __enter__(self) -> ModbusServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.close()
        self._thread.join()
        self._ending.close()
        self._server.close()

    def _run(self) -> None:
        while self._readable(self._server):
            connection, _ = self._server.accept()
            self.connections.append(time.monotonic())
            with connection, suppress(ConnectionError):
                self._serve(connection)

    def _readable(self, of: socket.socket) -> bool:
        """Wait until there is something to read; False at the end."""
        readable, _, _ = select.select([of, self._ending], [], [])
        return self._ending not in readable

    def _serve(self, connection: socket.socket) -> None:
        data = b""
        while self._readable(connection):
            more = connection.recv(65536)
            if not more:
                return
            data += more
            while len(data) >= 6 and len(data) >= (end := 6 + int.from_bytes(data[4:6], "big")):
                request, data = data[:end], data[end:]
                if not self._answer(connection, request):
                    return

    def _answer(self, connection: socket.socket, request: bytes) -> bool:
        """Answer a request; False where the connection is to be closed."""
        assert request[2:4] == b"\0\0", request.hex()
        trouble = self.trouble(len(self.asked))
        self.asked.append(request)
        self.times.append(time.monotonic())
        body = self.registers.reply(request[6:])
        if not body or trouble == "silent":
            return True
        if trouble == "unit":
            body = bytes([body[0] ^ 1]) + body[1:]
        elif trouble == "function":
            body = body[:1] + bytes([body[1] ^ 1]) + body[2:]
        elif trouble == "late":
            select.select([self._ending], [], [], self.delay)
        elif trouble == "garbage":
            connection.sendall(b"220 welcome, this is no Modbus\r\n")
        elif trouble == "stray":
            wrong = body[:-1] + bytes([body[-1] ^ 0x55])
            connection.sendall(b"\xff\xff" + struct.pack(">HH", 0, len(wrong)) + wrong)
        reply = request[:2] + struct.pack(">HH", 0, len(body)) + body
        if trouble == "pieces":
            for byte in reply:
                connection.sendall(bytes([byte]))
                time.sleep(0.001)
            return True
        connection.sendall(reply[: len(reply) // 2] if trouble == "close" else reply)
        return trouble != "close"
