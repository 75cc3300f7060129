"""Modbus RTU through minimalmodbus (the extra `modbus`), on a port that others may use too.

minimalmodbus has the protocol. In place of a serial port it is given a SerialShim, which reads and
writes through the port's commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ...config import Location
from ...core import uris
from ...core.errors import ApplicationError, CallTimeout, Unavailable, UsageError
from ...keys import TableSettings, setting
from ...schema import Number, Text, Whole
from .. import clock
from ..decoding.readings import Reading, Undecodable, checked
from .commands import Commands

__all__ = ["Modbus", "ModbusSettings"]

ORDERS = {"big": 0, "little": 1, "big-swap": 2, "little-swap": 3}

ReadSlave = Callable[[Any, "ModbusSettings"], Any]
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


@dataclass(frozen=True, kw_only=True)
class ModbusSettings(TableSettings):
    """What to read from a Modbus RTU slave, through minimalmodbus (`pip install minimalmodbus`)."""

    unit: int = setting(Whole(1, 247), "the slave's address", 1)
    function: int = setting(
        Whole(1, 4), "1 coils, 2 discrete inputs, 3 holding registers, 4 input registers", 3
    )
    address: int = setting(Whole(0, 65535), "of the first register, counted from 0", 0)
    type: str = setting(Text(*TYPES), "of the value; `bit` of functions 1 and 2 only", "uint16")
    count: int = setting(
        Whole(1, 125), "how many registers", 1, only=("type", ("string",)), example=4
    )
    byteorder: str = setting(Text(*ORDERS), "of 32 bits and more", "big")
    scale: float = setting(Number(-1e300, 1e300), "the value is multiplied by it", 1.0)
    name: str = setting(
        Text(pattern=r"[^\s.#{}]+", wanted="a name"),
        "the value's name; without one, it is the only argument, `0` in `deadband`",
        "",
        example="volts",
    )

    def check(self, at: Location) -> None:
        """Check that the function can read the type, and that the library is installed."""
        if find_spec("minimalmodbus") is None:
            at.wrong("Modbus needs minimalmodbus: pip install minimalmodbus")
        if (self.type == "bit") != (self.function in (1, 2)):
            kinds = "of type bit" if self.function in (1, 2) else "of another type than bit"
            (at / "type").wrong(f"function {self.function} reads values {kinds}")
        if self.scale != 1 and self.type in ("bit", "string"):
            (at / "scale").wrong(f"a {self.type} cannot be scaled")


class SerialShim:
    """The part of serial.Serial that minimalmodbus uses, as an open port."""

    is_open = True

    def __init__(self, commands: Commands, name: str, baudrate: int) -> None:
        self.port = name  # minimalmodbus keeps the times of each port by name
        self.baudrate = baudrate
        self.timeout = 1.0
        self._request = b""
        self._commands = commands

    def write(self, data: bytes) -> None:
        """Take a request; it is written when its answer is read."""
        self._request = data

    def read(self, size: int) -> bytes:
        """Return the answer to the request; its size is that of an exception where it is one."""
        return self._commands.exchange_raw(self._request, self.timeout)

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
        commands.raw.is_used = True
        self._shim = SerialShim(commands, commands.name, baudrate)
        self._slave = minimalmodbus.Instrument(self._shim, settings.unit)
        self._failure = minimalmodbus.ModbusException
        self._refusal = (minimalmodbus.IllegalRequestError, minimalmodbus.NegativeAcknowledgeError)
        self._silence = minimalmodbus.NoResponseError

    def read(self, timeout: float, retries: int) -> Reading:
        """Ask for the value; only on the thread of the commands."""
        self._shim.timeout = timeout
        if self._commands.raw.is_mute(self._settings.unit):
            retries = 0
        for left in range(retries, -1, -1):
            try:
                return self._reading(TYPES[self._settings.type](self._slave, self._settings))
            except self._refusal as exc:
                raise self._as_error(exc) from exc
            except (self._failure, ValueError, Undecodable) as exc:
                if not left:
                    raise self._as_error(exc) from exc
        raise AssertionError("retries is below 0")

    def not_before(self) -> float:
        """Return when the slave can be asked (monotonic); 0: now."""
        return self._commands.raw.not_before(self._settings.unit)

    def _reading(self, value: Any) -> Reading:
        settings = self._settings
        if settings.scale != 1 and type(value) in (int, float):
            value = value * settings.scale
        args, kwargs = ([], {settings.name: value}) if settings.name else ([value], {})
        return checked(Reading(args, kwargs, 8, clock.now()))

    def _as_error(self, exc: Exception) -> ApplicationError:
        at = self._settings
        text = f"Modbus unit {at.unit}, function {at.function}, address {at.address}: {exc}"
        if isinstance(exc, self._silence):
            return CallTimeout(uris.TIMEOUT, text)
        return Unavailable(uris.UNAVAILABLE, text)
