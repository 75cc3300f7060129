"""Requests that are repeated, and their replies published."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ...config import Location
from ...core.errors import ApplicationError
from ...keys import setting
from ...schema import Encoding, Text
from ...units import DAY, Duration
from .. import clock
from ..decoding.decoder import REPLY, DecodeSettings, make_reply
from ..decoding.readings import Deliver
from ..shaping import PublishSettings
from .commands import Commands, Poll, Reply
from .modbus import MODBUS, Modbus, ModbusSettings
from .requests import AskSettings, check_no_arguments, check_write
from .templates import make_template

__all__ = ["PollSettings", "make_poll"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PollSettings(AskSettings, PublishSettings):
    """A request that is repeated, and its reply published as by a `publish`."""

    every: float = setting(Duration(0.05, 365 * DAY), "between two requests", example=5)
    modbus: ModbusSettings | None = setting(
        MODBUS,
        "what to read from a Modbus slave; or else `write`",
        None,
    )
    write: str = setting(
        Text(), "what is written", "", excludes=("modbus",), needs=("reply",), example="T?\n"
    )
    reply: DecodeSettings | None = setting(
        REPLY, "the reply to it, as of a procedure", None, needs=("write",), example="T=(.*)"
    )
    encoding: str = setting(
        Encoding(), "how the text becomes bytes", "utf-8", needs=("write",), example="latin-1"
    )

    def check(self, at: Location) -> None:
        """Check that it asks for something, and publishes what its reply holds."""
        super().check(at)
        if self.modbus is not None:
            self.modbus.check_use(False, at / "modbus")
            self.check_values(self.modbus.names(), at)
        elif self.reply is None:
            at.wrong('a poll has either "modbus" or "write"')
        else:
            check_write(self.write, self.encoding, at)
            check_no_arguments(self.write, "a poll has no arguments to fill in", at)
            self.check_values(self.reply.names(), at)


def make_poll(settings: PollSettings, commands: Commands, baudrate: int, deliver: Deliver) -> Poll:
    """Return the poll that the settings describe."""
    if settings.modbus is not None:
        return ModbusPoll(settings, Modbus(settings.modbus, commands, baudrate), deliver)
    assert settings.reply is not None
    return RequestPoll(settings, commands, make_reply(settings.reply, settings.error), deliver)


class Failure:
    """Logs once that a poll fails, and once that it works again."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failing = False

    def failed(self, error: object) -> None:
        """Log it, unless the last attempt failed too."""
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
        self, settings: PollSettings, commands: Commands, reply: Reply, deliver: Deliver
    ) -> None:
        self.every = settings.every
        self._settings = settings
        self._commands = commands
        self._deliver = deliver
        self._data = make_template(settings.write, settings.encoding)((), {})
        self._reply = reply
        self._failure = Failure(f"poll for {settings.topic}")

    def not_before(self) -> float:
        """Return 0: what is owed to others is waited for."""
        return 0.0

    def run(self) -> None:
        """Ask once."""
        settings = self._settings
        try:
            answer = self._commands.exchange(
                f"poll for {settings.topic}",
                self._data,
                self._reply,
                settings.timeout,
                settings.retries,
            )
        except ApplicationError as exc:
            self._failure.failed(exc)
            raise
        self._failure.worked()
        if answer is not None:
            self._deliver([answer._replace(heard=clock.now())])


class ModbusPoll:
    """A poll for a value of a Modbus slave."""

    def __init__(self, settings: PollSettings, modbus: Modbus, deliver: Deliver) -> None:
        self.every = settings.every
        self._settings = settings
        self._modbus = modbus
        self._deliver = deliver
        self._failure = Failure(f"poll for {settings.topic}")

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
