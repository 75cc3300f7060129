"""What carries requests of Modbus and their replies: a line of RTU, or a connection of TCP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..counts import Count
from ..device.device import Device
from ..intake import Intake
from .raw import RawLine
from .tcp_line import TcpLine

__all__ = ["ModbusLine", "make_line"]


class ModbusLine(Protocol):
    """One request at a time, on the thread of the commands."""

    is_used: bool  # somebody sends requests here

    def exchange(self, request: bytes, timeout: float) -> bytes: ...  # telegrams of RTU

    def await_late(self, unit: int | None = None) -> None: ...

    def not_before(self, unit: int) -> float: ...  # monotonic time; 0: now

    def is_mute(self, unit: int) -> bool: ...  # it is asked once, not again and again

    def wrote(self, data: bytes) -> None: ...  # what others wrote without waiting for a reply

    def lost(self) -> None: ...  # on the device's thread

    def stop(self) -> None: ...


LINES: dict[str, Callable[[Device, Intake, Callable[[bytes], None], Count], ModbusLine]]
LINES = {"rtu": RawLine, "tcp": TcpLine}


def make_line(
    device: Device, intake: Intake, write: Callable[[bytes], None], count: Count
) -> ModbusLine:
    """Return what a port's `modbus_framing` says."""
    return LINES[device.settings.modbus_framing](device, intake, write, count)
