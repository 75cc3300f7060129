"""Registers and coils of Modbus slaves that are written: by calls, and by events."""

from __future__ import annotations

import logging

from ...client.results import Event, Invocation
from ...core.errors import ApplicationError
from .commands import Commands
from .modbus import Modbus, ModbusSettings

__all__ = ["RegisterWrites"]

log = logging.getLogger(__name__)


class RegisterWrites:
    """Writes the arguments of calls and events to a slave; `what` is the URI, for logs.

    timeout: seconds for the slave's reply; retries: how often a write is repeated without one.
    """

    def __init__(
        self,
        what: str,
        settings: ModbusSettings,
        commands: Commands,
        baudrate: int,
        timeout: float,
        retries: int,
    ) -> None:
        self._what = what
        self._modbus = Modbus(settings, commands, baudrate)
        self._commands = commands
        self._timeout = timeout
        self._retries = retries

    def on_call(self, invocation: Invocation) -> None:
        """Write, and wait until the slave has confirmed it; an ApplicationError if it does not."""
        words = self._modbus.words(invocation.args, invocation.kwargs)
        self._commands.run(self._what, lambda: self._write(words))

    def on_event(self, event: Event) -> None:
        """Write when the commands before it are done; a failure is logged."""
        words = self._modbus.words(event.args, event.kwargs)
        self._commands.post_job(self._what, lambda: self._write_or_log(words))

    def _write(self, words: list[int]) -> None:
        self._modbus.write(words, self._timeout, self._retries)

    def _write_or_log(self, words: list[int]) -> None:
        try:
            self._write(words)
        except ApplicationError as exc:
            log.warning("%s: not written: %s", self._what, exc)
            raise
