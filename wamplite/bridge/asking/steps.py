"""The keys of a reply, and of what follows it in the same exchange, maybe over another line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...config import Location
from ...keys import setting
from ...schema import AnyOf, Flag, Names, Number, Text, Whole
from ...units import DAY, Duration
from ..decoding.decoder import REPLY, DecodeSettings
from ..device.line import check_stop_bits
from ..device.line_mode import PARITIES, LineMode, Speed
from ..framing.framing import FramingSettings
from ..framing.mixed import FRAMING
from ..line_pattern import LinePattern, line_search
from .device_command import DeviceCommand, Step
from .replies import Reply
from .text_line import WRONG_REPLY, WrongReply
from .writes import WriteSettings

__all__ = ["ReplySettings", "StepSettings"]


@dataclass(frozen=True, kw_only=True)
class ReplySettings(WriteSettings):
    """What is written, and what reply is waited for."""

    timeout: float = setting(Duration(0.01, DAY), "for the reply, then `wamp.error.timeout`", 1.5)
    error: DecodeSettings | None = setting(
        REPLY,
        "what the device answers instead when it refuses, a pattern or a table: the call fails at"
        " once with what it holds",
        None,
        example="(ERR.*)",
    )
    begin: str = setting(
        LinePattern(),
        "what the first line of a reply of several lines looks like; without it, it is the first"
        " that comes",
        "",
        needs=("reply",),
        example="^BEGIN",
    )
    until: str = setting(
        LinePattern(),
        "what the last line of a reply of several lines looks like; all of them are decoded as one",
        "",
        needs=("reply",),
        excludes=("lines", "until_prompt"),
        example="^OK$",
    )
    lines: int = setting(
        Whole(0, 1000),
        "how many lines, or frames of another kind, the reply has; they are decoded as one",
        0,
        needs=("reply",),
        excludes=("until_prompt",),
        example=3,
    )
    until_prompt: bool | str = setting(
        AnyOf(((bool,), Flag()), ((str,), LinePattern())),
        "all lines up to the prompt are the reply, none or several; a pattern: up to this prompt",
        False,
    )

    framing: FramingSettings | None = setting(
        FRAMING, "where a frame of the reply ends, if not as the port says", None, example="lines"
    )
    reply: DecodeSettings | None = setting(REPLY, "the reply to it, as of a procedure", None)

    def command(self, what: str, prompt: str) -> DeviceCommand:
        command = super().command(what, prompt)._replace(timeout=self.timeout, framing=self.framing)
        if self.reply is None and not self.until_prompt:
            return command
        end = self.until_prompt if isinstance(self.until_prompt, str) else ""
        reply = Reply(
            self.reply,
            self.error,
            begin=self.begin,
            until=self.until,
            lines=self.lines,
            prompt=command.prompt if self.until_prompt is True else line_search(end),
        )
        return command._replace(reply=reply)

    @property
    def is_joined(self) -> bool:
        """Whether the reply is made of several frames."""
        return bool(self.until or self.lines or self.until_prompt)

    def check_reply(self, at: Location) -> None:
        """Note a `begin` of a reply that has one line, and an `error` that is all it can be."""
        if self.begin and not self.is_joined:
            (at / "begin").wrong('needs "until", "lines" or "until_prompt"')
        if self.error is not None and self.reply is None and not self.until_prompt:
            (at / "error").wrong('needs "reply"')
        if self.error is not None and self.error == self.reply:
            (at / "error").wrong('is the same as "reply": whatever comes would be a refusal')


@dataclass(frozen=True, kw_only=True)
class StepSettings(ReplySettings):
    """What follows in the same exchange; it may hold named values of the replies before it."""

    baudrate: int = setting(
        Speed(),
        "the speed of the line when this is written, for the rest of the exchange",
        0,
        excludes=("baudrates",),
        example=9600,
    )
    baudrate_of: str = setting(
        Text(), "the name of the value by which `baudrates` has that speed", "",
        needs=("baudrates",), example="baud",
    )  # fmt: skip
    baudrates: Mapping[str, int] = setting(
        Names(Speed()), "the speed by the text of that value", {}, factory=dict,
        needs=("baudrate_of",), example={"0": 300, "5": 9600},
    )  # fmt: skip

    bytesize: int = setting(
        Whole(5, 8), "the bits of a byte from then on, for the rest of the exchange", 0, example=8
    )
    parity: str = setting(
        Text(*PARITIES), "the parity from then on, for the rest of the exchange", "", example="N"
    )
    stopbits: float | None = setting(
        Number(1, 2), "1, 1.5 or 2 from then on, for the rest of the exchange", None, example=2
    )

    def step(self, what: str, prompt: str) -> Step:
        """Return what follows; prompt: the port's."""
        command = self.command(what, prompt)
        fill = self.template() if self.writes else lambda args, kwargs: b""
        return Step(command, fill, self.change_of)

    @property
    def changes_line(self) -> bool:
        """Whether it may change how the line is set."""
        changed = self.baudrate, self.baudrates, self.bytesize, self.parity, self.stopbits
        return any(changed)

    def change_of(self, values: Mapping[str, Any]) -> LineMode:
        """Return how the line changes; WrongReply where there is no speed for the value."""
        return LineMode(self._speed_of(values), self.bytesize, self.parity, self.stopbits or 0)

    def _speed_of(self, values: Mapping[str, Any]) -> int:
        if not self.baudrates:
            return self.baudrate
        text = str(values.get(self.baudrate_of))
        if text not in self.baudrates:
            known = ", ".join(self.baudrates)
            told = f"{self.baudrate_of} is {text!r}, and there are speeds for {known}"
            raise WrongReply(WRONG_REPLY, told)
        return self.baudrates[text]

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and stop bits that there are not."""
        if self.stopbits is not None:
            check_stop_bits(self.stopbits, at)
        if self.writes:
            self.check_write(at)
        elif self.reply is None:
            at.wrong('expected "write", "write_hex" or "reply"')
        self.check_reply(at)
