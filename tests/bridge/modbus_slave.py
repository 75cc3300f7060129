"""A Modbus slave, or a gateway to several, that answers in order and not always well.

What goes wrong is told by `trouble`, a function of the number of the request (from 0), which
returns one of TROUBLES or "". `heard` waits while the answer is late: the next request is read
after it, as a gateway does.
"""

from __future__ import annotations

import select
import struct
from collections.abc import Callable
from pathlib import Path

from tests.bridge.responder import Responder, checksum

TROUBLES = ("late", "silent", "damaged", "echo", "only echo", "noise", "cut")
FIXED = 8  # bytes of a request without values
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


def floats(values: dict[int, float]) -> dict[int, int]:
    """Return registers that hold floats at these addresses."""
    cells: dict[int, int] = {}
    for address, value in values.items():
        cells[address], cells[address + 1] = struct.unpack(">2H", struct.pack(">f", value))
    return cells


class Registers:
    """The coils and registers of units, by unit and address, and what a request does to them."""

    def __init__(self, units: dict[int, dict[int, int]]) -> None:
        self.units = units

    def reply(self, request: bytes) -> bytes:
        """Return the reply to a request, both without checksum; b"" where nobody answers."""
        unit, function = request[0], request[1]
        if unit not in self.units:
            return b""
        code, body = self._handle(self.units[unit], function, request[2:])
        return bytes([unit, function | 0x80, code]) if code else bytes([unit, function]) + body

    def _handle(self, cells: dict[int, int], function: int, body: bytes) -> tuple[int, bytes]:
        address, number = struct.unpack_from(">HH", body)
        if function in (5, 6):
            if address not in cells:
                return ILLEGAL_ADDRESS, b""
            cells[address] = int(number == 0xFF00) if function == 5 else number
            return 0, body
        if function not in (1, 2, 3, 4, 15, 16):
            return ILLEGAL_FUNCTION, b""
        there = range(address, address + number)
        if not all(at in cells for at in there):
            return ILLEGAL_ADDRESS, b""
        if function == 15:
            bits = int.from_bytes(body[5:], "little")
            cells.update({at: bits >> n & 1 for n, at in enumerate(there)})
        elif function == 16:
            cells.update(zip(there, struct.unpack(f">{number}H", body[5:]), strict=True))
        if function in (15, 16):
            return 0, body[:4]
        return 0, _counted([cells[at] for at in there], function in (1, 2))


def _counted(values: list[int], are_bits: bool) -> bytes:
    """Return values behind the number of their bytes."""
    if not are_bits:
        return bytes([2 * len(values)]) + struct.pack(f">{len(values)}H", *values)
    size = (len(values) + 7) // 8
    return bytes([size]) + sum(bit << n for n, bit in enumerate(values)).to_bytes(size, "little")


class RtuSlave(Responder):
    """Slaves on a pseudo-terminal; `delay`: seconds before a late answer."""

    def __init__(
        self,
        folder: Path,
        units: dict[int, dict[int, int]],
        trouble: Callable[[int], str] = lambda number: "",
        delay: float = 0.35,
    ) -> None:
        super().__init__(folder)
        self.registers = Registers(units)
        self.trouble = trouble
        self.delay = delay
        self._rest = b""

    def heard(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= FIXED:
            writes = self._rest[1] in (15, 16)
            size = FIXED + 1 + self._rest[6] if writes else FIXED
            if len(self._rest) < size:
                return
            request, self._rest = self._rest[:size], self._rest[size:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        assert checksum(request[:-2]) == request[-2:], request.hex()
        trouble = self.trouble(len(self.asked))
        self.asked.append(request)
        if trouble in ("echo", "only echo"):
            self.write(request)
        body = self.registers.reply(request[:-2])
        if not body or trouble == "silent":
            return
        reply = body + checksum(body)
        if trouble == "late":
            select.select([self.ending], [], [], self.delay)
        elif trouble == "damaged":
            reply = reply[:-3] + bytes([reply[-3] ^ 0x10]) + reply[-2:]
        elif trouble == "cut":
            reply = reply[:-1]
        elif trouble == "noise":
            self.write(b"\0\xff" + request[:2])
        self.write(reply)
