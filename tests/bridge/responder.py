"""Devices that answer: lines, or Modbus RTU."""

from __future__ import annotations

import os
import select
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from tests.bridge.pseudo import PseudoDevice

REQUEST = 8  # bytes of a Modbus request by the functions 1 to 4


class Responder(PseudoDevice):
    """A device whose thread hands what was written to `answer`, which may write back."""

    def __init__(self, folder: Path, name: str = "ttyTEST") -> None:
        super().__init__(folder, name)
        self.asked: list[bytes] = []
        self.ending, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"test-{name}")

    def __enter__(self) -> Responder:
        self.plug()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._ended, b"!")
        self._thread.join()
        os.close(self.ending)
        os.close(self._ended)
        self.pull()

    def _run(self) -> None:
        while True:
            readable, _, _ = select.select([self._master, self.ending], [], [], 5.0)
            if self.ending in readable:
                return
            if self._master in readable:
                self.heard(os.read(self._master, 65536))

    def heard(self, data: bytes) -> None:
        """Take bytes as they came."""
        raise NotImplementedError


class Lines(Responder):
    """Hands each line to a function that returns what to write, or None."""

    def __init__(
        self, folder: Path, answer: Callable[[bytes], bytes | None], name: str = "ttyTEST"
    ) -> None:
        super().__init__(folder, name)
        self.answer = answer
        self._rest = b""

    def heard(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.asked.append(line)
            reply = self.answer(line)
            if reply is not None:
                self.write(reply)


class ModbusSlave(Responder):
    """Registers of a unit, read by the functions 1 to 4; `mute` leaves so many unanswered."""

    registers: dict[int, int] = {}
    unit = 1
    mute = 0
    _rest = b""

    def heard(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= REQUEST:
            request, self._rest = self._rest[:REQUEST], self._rest[REQUEST:]
            self._answer(request)

    def _answer(self, data: bytes) -> None:
        self.asked.append(data)
        unit, function, address, number, crc = struct.unpack(">BBHH2s", data)
        if self.mute or crc != checksum(data[:-2]) or unit != self.unit:
            self.mute -= bool(self.mute)
            return
        if address not in self.registers:
            body = bytes([unit, function | 0x80, 2])
        elif function in (1, 2):
            body = bytes([unit, function, 1, self.registers[address]])
        else:
            words = [self.registers.get(address + at, 0) for at in range(number)]
            body = bytes([unit, function, 2 * number]) + struct.pack(f">{number}H", *words)
        self.write(body + checksum(body))


def checksum(data: bytes) -> bytes:
    """Return the CRC-16 of Modbus."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return struct.pack("<H", crc)
