"""Requests that are repeated, and their replies published."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ...core.errors import ApplicationError
from ..decoding.basic import make_reply
from ..decoding.readings import Deliver
from ..settings import DecodeSettings, PollSettings
from .commands import Commands, Poll
from .templates import make_template

if TYPE_CHECKING:
    from .modbus import Modbus

__all__ = ["make_poll"]

log = logging.getLogger(__name__)


def make_poll(settings: PollSettings, commands: Commands, baudrate: int, deliver: Deliver) -> Poll:
    """Return the poll that the settings describe."""
    if settings.modbus is not None:
        from .modbus import Modbus

        return ModbusPoll(settings, Modbus(settings.modbus, commands, baudrate), deliver)
    return RequestPoll(settings, commands, deliver)


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

    def __init__(self, settings: PollSettings, commands: Commands, deliver: Deliver) -> None:
        self.every = settings.every
        self._settings = settings
        self._commands = commands
        self._deliver = deliver
        self._data = make_template(settings.write, settings.encoding)((), {})
        self._reply = make_reply(settings.reply or DecodeSettings())
        self._failure = Failure(f"poll for {settings.publish.topic}")

    def run(self) -> None:
        """Ask once."""
        settings = self._settings
        try:
            answer = self._commands.exchange(
                f"poll for {settings.publish.topic}",
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
            self._deliver([answer._replace(at=time.time())])


class ModbusPoll:
    """A poll for a value of a Modbus slave."""

    def __init__(self, settings: PollSettings, modbus: Modbus, deliver: Deliver) -> None:
        self.every = settings.every
        self._settings = settings
        self._modbus = modbus
        self._deliver = deliver
        self._failure = Failure(f"poll for {settings.publish.topic}")

    def run(self) -> None:
        """Ask once."""
        try:
            reading = self._modbus.read(self._settings.timeout, self._settings.retries)
        except ApplicationError as exc:
            self._failure.failed(exc)
            raise
        self._failure.worked()
        self._deliver([reading])
