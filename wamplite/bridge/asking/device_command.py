"""What is written to a device, and what is waited for before and behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..device.line_mode import LineMode
from ..framing.framing import FramingSettings
from ..line_pattern import LineSearch
from .raw import patience
from .replies import Reply

__all__ = ["DeviceCommand", "Step"]


class DeviceCommand(NamedTuple):
    """What is written, and what is waited for before and behind it.

    reply: None: nothing is waited for. prompt: what the device says before it takes the command.
    is_text: line ends within the data end lines, and an echo may have others. echo: whether it is
    returned; None: as the port says. framing: of the reply, where it is not the port's. change: how
    the line is set from its end on. then: what is written when the reply has come; all of it is one
    exchange.
    """

    what: str  # for errors and logs
    data: bytes
    reply: Reply | None = None
    timeout: float = 0.0
    retries: int = 0
    prompt: LineSearch | None = None
    is_text: bool = True
    echo: bool | None = None
    framing: FramingSettings | None = None
    change: LineMode = LineMode()
    then: tuple[Step, ...] = ()

    @property
    def patience(self) -> float:
        """For how many seconds something may come back of it."""
        return patience(self.timeout)


class Step(NamedTuple):
    """What follows in an exchange: a command that is made of the arguments and of what has come."""

    command: DeviceCommand
    fill: Callable[[Sequence[Any], Mapping[str, Any]], bytes]
    change_of: Callable[[Mapping[str, Any]], LineMode]  # ApplicationError where there is none
