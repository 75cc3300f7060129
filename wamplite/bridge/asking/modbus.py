"""Modbus through minimalmodbus (the extra `modbus`), on a port that others may use too.

minimalmodbus makes the requests and reads their replies. In place of a serial port it is given a
SerialShim, whose telegrams go through the port's commands; `registers` makes values of registers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar

from ...config import Location
from ...core import uris
from ...core.errors import (
    ApplicationError,
    CallTimeout,
    InvalidArgument,
    Unavailable,
    UsageError,
)
from ...keys import section, setting
from ...schema import Whole
from ...tables import Tables
from .. import clock
from ..decoding.decoder import REFUSED
from ..decoding.readings import Reading, Undecodable, checked
from .commands import Commands
from .raw import Doubtful
from .registers import NAME, NamedRegisterSettings, RegisterSettings, decoded, encoded
from .rtu import with_checksum

__all__ = ["MODBUS", "Modbus", "ModbusSettings"]

READS, READS_BITS = (1, 2, 3, 4), (1, 2)
WRITES, WRITES_BITS, WRITES_MANY = (5, 6, 15, 16), (5, 15), (15, 16)
MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123}  # of one request

STAND_IN = 1  # for unit 0, which minimalmodbus takes for a broadcast: that has no reply

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class ModbusSettings(RegisterSettings):
    """What to read from a Modbus slave, or to write; needs `pip install minimalmodbus`."""

    unit: int = setting(
        Whole(0, 255),
        "the slave's address, 1 to 247, or one beyond that some devices have (254); over Modbus/TCP"
        " 0 to 255",
        1,
        example=2,
    )
    function: int = setting(
        Whole(1, 16),
        "1 coils, 2 discrete inputs, 3 holding registers, 4 input registers; 5 and 15 write a coil"
        " or several, 6 and 16 a register or several",
        3,
    )
    name: str = setting(
        NAME,
        "the value's name; without one, it is the only argument, `0` in `deadband`",
        "",
        example="volts",
    )
    values: tuple[NamedRegisterSettings, ...] = setting(
        Tables(section(NamedRegisterSettings, NamedRegisterSettings.check)),
        "several values, read by one request and published as one event",
        (),
        excludes=(
            "address",
            "type",
            "count",
            "byteorder",
            "scale",
            "offset",
            "round",
            "mask",
            "none",
            "name",
        ),
    )

    @property
    def fields(self) -> tuple[RegisterSettings, ...]:
        """What is read or written: the values, or the one that it is itself."""
        return self.values or (self,)

    @property
    def span(self) -> range:
        """The addresses that one request reads."""
        return range(
            min(field.address for field in self.fields),
            max(field.address + field.size for field in self.fields),
        )

    def names(self) -> set[str]:
        """Return the names of what is read."""
        return {value.name for value in self.values} or {self.name or "0"}

    def check(self, at: Location) -> None:
        """Check that the function fits the types, and that the library is installed."""
        super().check(at)
        if find_spec("minimalmodbus") is None:
            at.wrong("Modbus needs minimalmodbus: pip install minimalmodbus")
        if self.function not in MOST:
            there = ", ".join(map(str, MOST))
            (at / "function").wrong(f"expected one of {there}, not {self.function}")
            return
        are_bits = self.function in (*READS_BITS, *WRITES_BITS)
        for number, field in enumerate(self.fields):
            if (field.type == "bit") != are_bits:
                kinds = "of type bit" if are_bits else "of another type than bit"
                place = at / "values" / number if self.values else at
                (place / "type").wrong(f"function {self.function} is for values {kinds}")
        if len(self.span) > MOST[self.function]:
            number = MOST[self.function]
            at.wrong(f"{len(self.span)} registers; function {self.function} takes {number} at most")
        if len(self.names()) < len(self.values):
            (at / "values").wrong("a name stands there twice")

    def check_use(self, writes: bool, at: Location) -> None:
        """Note a function that reads where it must write, or the other way round."""
        allowed = WRITES if writes else READS
        if self.function not in allowed:
            what = "writes" if writes else "reads"
            (at / "function").wrong(f"expected one that {what}: {', '.join(map(str, allowed))}")
        elif writes and (self.values or self.mask or (self.none, self.round) != (None, None)):
            at.wrong('"values", "mask", "none" and "round" are for reading')


MODBUS = section(ModbusSettings, ModbusSettings.check)


class SerialShim:
    """The part of serial.Serial that minimalmodbus uses, as an open port."""

    is_open = True

    def __init__(self, commands: Commands, baudrate: int, unit: int) -> None:
        self.port = commands.name  # minimalmodbus keeps the times of each port by name
        self.address = unit or STAND_IN
        self._unit = unit
        self.baudrate = baudrate
        self.timeout = 1.0
        self._request = b""
        self._commands = commands

    def write(self, data: bytes) -> None:
        """Take a request; it is written when its answer is read."""
        self._request = data

    def read(self, size: int) -> bytes:
        """Return the answer to the request; its size is that of an exception where it is one."""
        if self._unit:
            return self._commands.exchange_raw(self._request, self.timeout)
        request = with_checksum(bytes([self._unit]) + self._request[1:-2])
        reply = self._commands.exchange_raw(request, self.timeout)
        return with_checksum(bytes([self.address]) + reply[1:-2]) if reply else b""

    def open(self) -> None:
        """Do nothing: it is always open."""

    close = flush = reset_input_buffer = reset_output_buffer = open


class Modbus:
    """What is asked of one slave; only on the thread of the commands."""

    def __init__(self, settings: ModbusSettings, commands: Commands, baudrate: int) -> None:
        try:
            import minimalmodbus
        except ImportError as exc:
            raise UsageError("Modbus needs minimalmodbus: pip install minimalmodbus") from exc
        self._settings = settings
        self._raw = commands.raw
        self._raw.is_used = True
        self._shim = SerialShim(commands, baudrate, settings.unit)
        self._slave = minimalmodbus.Instrument(self._shim, self._shim.address)
        self._failure = minimalmodbus.ModbusException
        self._silence = minimalmodbus.NoResponseError
        self._refusal = minimalmodbus.SlaveReportedException
        self._busy = minimalmodbus.SlaveDeviceBusyError

    def not_before(self) -> float:
        """Return when the slave can be asked (monotonic); 0: now."""
        return self._raw.not_before(self._settings.unit)

    def read(self, timeout: float, retries: int) -> Reading:
        """Ask for the values; of several, one that is none (NaN, or its `none`) is left out."""
        settings, span = self._settings, self._settings.span
        function, slave = settings.function, self._slave
        ask = slave.read_bits if function in READS_BITS else slave.read_registers
        words = self._tried(lambda: ask(span.start, len(span), function), timeout, retries)
        found = [
            words[field.address - span.start : field.address - span.start + field.size]
            for field in settings.fields
        ]
        names = [value.name for value in settings.values] or [settings.name]
        values, flaw = {}, Undecodable("no value")
        for name, field, piece in zip(names, settings.fields, found, strict=True):
            try:
                values[name] = decoded(field, piece)
            except Undecodable as exc:
                flaw = exc
        if not values:
            raise self._as_error(flaw) from flaw
        args, named = ([], values) if names[0] else ([*values.values()], {})
        try:
            return checked(Reading(args, named, len(span) * 2, clock.now()))
        except Undecodable as exc:
            raise self._as_error(exc) from exc

    def words(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[int]:
        """Return the registers or coils to write; InvalidArgument for what they cannot hold."""
        settings = self._settings
        if settings.name:
            if settings.name not in kwargs:
                text = f"keyword argument {settings.name} is missing"
                raise InvalidArgument(uris.INVALID_ARGUMENT, text)
            args = [kwargs[settings.name]]
        most = MOST[settings.function] if settings.function in WRITES_MANY else 1
        if not 1 <= len(args) * settings.size <= max(most, settings.size):
            text = f"expected {'values' if most > 1 else 'one value'} to write, not {len(args)}"
            raise InvalidArgument(uris.INVALID_ARGUMENT, text)
        return [word for value in args for word in encoded(settings, value)]

    def write(self, words: list[int], timeout: float, retries: int) -> None:
        """Write registers or coils, as `words` has made them."""
        slave, address = self._slave, self._settings.address
        writes: dict[int, Callable[[], None]] = {
            5: lambda: slave.write_bit(address, words[0], 5),
            6: lambda: slave.write_register(address, words[0], 0, 6),
            15: lambda: slave.write_bits(address, words),
            16: lambda: slave.write_registers(address, words),
        }
        try:
            self._tried(writes[self._settings.function], timeout, retries)
        except Doubtful:  # to write it twice does no harm
            self._tried(writes[self._settings.function], timeout, retries)

    def _tried(self, ask: Callable[[], Result], timeout: float, retries: int) -> Result:
        """Ask, and ask again where no right reply came, or the slave is busy."""
        self._shim.timeout = timeout
        if self._raw.is_mute(self._settings.unit):
            retries = 0
        for left in range(retries, -1, -1):
            try:
                return ask()
            except (self._failure, ValueError) as exc:
                is_final = isinstance(exc, self._refusal) and not isinstance(exc, self._busy)
                if is_final or not left:
                    raise self._as_error(exc) from exc
        raise AssertionError("retries is below 0")

    def _as_error(self, exc: Exception) -> ApplicationError:
        at = self._settings
        text = f"Modbus unit {at.unit}, function {at.function}, address {at.span.start}: {exc}"
        if isinstance(exc, self._silence):
            return CallTimeout(uris.TIMEOUT, text)
        if isinstance(exc, self._refusal):
            return ApplicationError(REFUSED, text)
        return Unavailable(uris.UNAVAILABLE, text)
