"""Modbus RTU through minimalmodbus (the extra `modbus`), on a port that others may use too.

minimalmodbus has the protocol. In place of a serial port it is given a SerialShim, which reads and
writes through the port's commands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...core import uris
from ...core.errors import ApplicationError, CallTimeout, Unavailable, UsageError
from ..decoding.readings import Reading, Undecodable, checked
from ..settings import ModbusSettings
from .commands import Commands

__all__ = ["Modbus"]

ORDERS = {"big": 0, "little": 1, "big-swap": 2, "little-swap": 3}

ReadSlave = Callable[[Any, ModbusSettings], Any]
TYPES: dict[str, ReadSlave] = {
    "bit": lambda slave, value: slave.read_bit(value.address, value.function),
    "uint16": lambda slave, value: slave.read_register(value.address, 0, value.function),
    "int16": lambda slave, value: slave.read_register(value.address, 0, value.function, True),
    "uint32": lambda slave, value: slave.read_long(
        value.address, value.function, False, ORDERS[value.byteorder]
    ),
    "int32": lambda slave, value: slave.read_long(
        value.address, value.function, True, ORDERS[value.byteorder]
    ),
    "float32": lambda slave, value: slave.read_float(
        value.address, value.function, 2, ORDERS[value.byteorder]
    ),
    "float64": lambda slave, value: slave.read_float(
        value.address, value.function, 4, ORDERS[value.byteorder]
    ),
    "string": lambda slave, value: slave.read_string(value.address, value.count, value.function),
}


class SerialShim:
    """The part of serial.Serial that minimalmodbus uses, as an open port."""

    is_open = True

    def __init__(self, commands: Commands, name: str, baudrate: int) -> None:
        self.port = name  # minimalmodbus keeps the times of each port by name
        self.baudrate = baudrate
        self.timeout = 1.0
        self._commands = commands

    def write(self, data: bytes) -> None:
        """Write a request."""
        self._commands.write_raw(data)

    def read(self, size: int) -> bytes:
        """Read `size` bytes of an answer, or fewer when the time is up."""
        return self._commands.read_raw(size, self.timeout)

    def open(self) -> None:
        """Do nothing: it is always open."""

    close = flush = reset_input_buffer = reset_output_buffer = open


class Modbus:
    """One value of one slave."""

    def __init__(self, settings: ModbusSettings, commands: Commands, baudrate: int) -> None:
        try:
            import minimalmodbus
        except ImportError as exc:
            raise UsageError("Modbus needs minimalmodbus: pip install minimalmodbus") from exc
        self._settings = settings
        self._commands = commands
        self._shim = SerialShim(commands, commands.name, baudrate)
        self._slave = minimalmodbus.Instrument(self._shim, settings.unit)
        self._failure = minimalmodbus.ModbusException
        self._silence = minimalmodbus.NoResponseError

    def read(self, timeout: float, retries: int) -> Reading:
        """Ask for the value; only on the thread of the commands."""
        self._shim.timeout = timeout
        self._commands.begin_raw()
        try:
            for left in range(retries, -1, -1):
                try:
                    return self._reading(TYPES[self._settings.type](self._slave, self._settings))
                except (self._failure, ValueError, Undecodable) as exc:
                    if not left:
                        raise self._as_error(exc) from exc
            raise AssertionError("retries is below 0")
        finally:
            self._commands.end_raw()

    def _reading(self, value: Any) -> Reading:
        settings = self._settings
        if settings.scale != 1 and type(value) in (int, float):
            value = value * settings.scale
        args, kwargs = ([], {settings.name: value}) if settings.name else ([value], {})
        return checked(Reading(args, kwargs, 8, time.time()))

    def _as_error(self, exc: Exception) -> ApplicationError:
        at = self._settings
        text = f"Modbus unit {at.unit}, function {at.function}, address {at.address}: {exc}"
        if isinstance(exc, self._silence):
            return CallTimeout(uris.TIMEOUT, text)
        return Unavailable(uris.UNAVAILABLE, text)
