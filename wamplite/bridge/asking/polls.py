"""Requests that are repeated, and their replies published."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ...config import Location
from ...core.errors import ApplicationError
from ...keys import setting
from ...schema import Text
from ...units import DAY, Duration
from .. import clock
from ..decoding.decoder import REPLY, DecodeSettings
from ..decoding.readings import Deliver
from ..device.line import LineSettings
from ..shaping import PublishSettings
from .commands import Commands, Poll
from .device_command import DeviceCommand
from .modbus import MODBUS, Modbus, ModbusSettings
from .requests import ArgumentsSettings, AskSettings

__all__ = ["PollSettings", "make_poll"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PollSettings(ArgumentsSettings, AskSettings, PublishSettings):
    """A request that is repeated, and its reply published as by a `publish`."""

    every: float = setting(Duration(0.05, 365 * DAY), "between two requests", example=5)
    modbus: ModbusSettings | None = setting(
        MODBUS,
        "what to read from a Modbus slave; or else `write`",
        None,
    )
    write: str = setting(
        Text(), "what is written", "", excludes=("write_hex", "modbus"), needs=("reply",),
        example="T?\n",
    )  # fmt: skip
    reply: DecodeSettings | None = setting(
        REPLY, "the reply to it, as of a procedure", None, excludes=("modbus",), example="T=(.*)"
    )

    def check(self, at: Location) -> None:
        """Check that it asks for something, and publishes what its reply holds."""
        PublishSettings.check(self, at)
        if self.modbus is not None:
            self.modbus.check_use(False, at / "modbus")
            self.check_values(self.modbus.names(), at)
        elif self.reply is None or not self.writes:
            at.wrong('a poll has "modbus", or "reply" and "write" or "write_hex"')
        else:
            self.check_write(at)
            self.check_reply(at)
            self.check_no_arguments("a poll has no arguments to fill in", at)
            self.check_values(self.names(), at)


def make_poll(
    settings: PollSettings, commands: Commands, port: LineSettings, deliver: Deliver
) -> Poll:
    """Return the poll that the settings of a port describe."""
    if settings.modbus is not None:
        modbus = Modbus(settings.modbus, commands, port.baudrate)
        return ModbusPoll(settings, modbus, commands, deliver)
    command = settings.command(f"poll for {settings.topic}", port.prompt)
    command = command._replace(data=settings.template()((), {}))
    return RequestPoll(settings.every, command, commands, deliver)


class Failure:
    """Logs once that a poll fails, and once that it works again; not that the end cut it short."""

    def __init__(self, what: str, commands: Commands) -> None:
        self._what = what
        self._commands = commands
        self._failing = False

    def failed(self, error: object) -> None:
        """Log it, unless the last attempt failed too, or nothing more is asked."""
        if self._commands.is_ending:
            return
        if not self._failing:
            log.warning("%s: %s; asked again and again", self._what, error)
        self._failing = True

    def worked(self) -> None:
        """Log it after a failure."""
        if self._failing:
            log.info("%s: answers again", self._what)
        self._failing = False


class RequestPoll:
    """A poll that writes bytes and publishes the frame that is their reply."""

    def __init__(
        self, every: float, command: DeviceCommand, commands: Commands, deliver: Deliver
    ) -> None:
        self.every = every
        self._command = command
        self._commands = commands
        self._deliver = deliver
        self._failure = Failure(command.what, commands)

    def not_before(self) -> float:
        """Return when it can be asked without a wait for what others owe (monotonic); 0: now."""
        return self._commands.text.not_before(self._command)

    def run(self) -> None:
        """Ask once."""
        try:
            answer = self._commands.exchange(self._command)
        except ApplicationError as exc:
            self._failure.failed(exc)
            raise
        self._failure.worked()
        if answer is not None:
            self._deliver(answer._replace(heard=clock.now()).all())


class ModbusPoll:
    """A poll for a value of a Modbus slave."""

    def __init__(
        self, settings: PollSettings, modbus: Modbus, commands: Commands, deliver: Deliver
    ) -> None:
        self.every = settings.every
        self._settings = settings
        self._modbus = modbus
        self._deliver = deliver
        self._failure = Failure(f"poll for {settings.topic}", commands)

    def not_before(self) -> float:
        """Return when the slave can be asked (monotonic); 0: now."""
        return self._modbus.not_before()

    def run(self) -> None:
        """Ask once."""
        try:
            reading = self._modbus.read(self._settings.timeout, self._settings.retries)
        except ApplicationError as exc:
            self._failure.failed(exc)
            raise
        self._failure.worked()
        self._deliver([reading])
