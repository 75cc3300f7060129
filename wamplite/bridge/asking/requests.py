"""The keys of what a device is asked: procedures, topics that are written to it."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import Location
from ...keys import setting
from ...schema import Flag, Text, Uri, Whole
from ...units import DAY, Duration
from ..decoding.decoder import REPLY, DecodeSettings
from ..line_pattern import LinePattern
from .modbus import MODBUS, ModbusSettings
from .replies import Reply
from .text_line import DeviceCommand
from .writes import WRITTEN, WriteSettings

__all__ = [
    "ArgumentsSettings",
    "AskSettings",
    "InitSettings",
    "ProcedureSettings",
    "SubscribeSettings",
]


@dataclass(frozen=True, kw_only=True)
class ArgumentsSettings(WriteSettings):
    """What arguments are written to: a text or bytes that are filled in, or registers."""

    write: str = setting(
        Text(), WRITTEN, "", excludes=("write_hex", "modbus"), example="FAN {0:d}\n"
    )
    modbus: ModbusSettings | None = setting(
        MODBUS,
        "the registers or coils that are written, by function 5, 6, 15 or 16",
        None,
        excludes=("write_hex", "prompt"),
    )

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and a function of Modbus that does not write."""
        if self.modbus is not None:
            self.modbus.check_use(True, at / "modbus")
        elif self.write or self.write_hex:
            self.check_write(at)
        else:
            at.wrong('expected "write", "write_hex" or "modbus"')


@dataclass(frozen=True, kw_only=True)
class AskSettings(WriteSettings):
    """What is written, and what reply is waited for."""

    timeout: float = setting(Duration(0.01, DAY), "for the reply, then `wamp.error.timeout`", 1.5)
    retries: int = setting(
        Whole(0, 100), "how often it is written again when no reply comes", 0, example=1
    )
    error: DecodeSettings | None = setting(
        REPLY,
        "what the device answers instead when it refuses, a pattern or a table: the call fails at"
        " once with what it holds",
        None,
        example="(ERR.*)",
        needs=("reply",),
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
        "what the last line of a reply of several lines looks like; all of them are decoded as one"
        " text",
        "",
        needs=("reply",),
        excludes=("lines", "until_prompt"),
        example="^OK$",
    )
    lines: int = setting(
        Whole(0, 1000),
        "how many lines the reply has, which are decoded as one text",
        0,
        needs=("reply",),
        excludes=("until_prompt",),
        example=3,
    )
    until_prompt: bool = setting(
        Flag(), "all lines up to the prompt are the reply, none or several", False
    )

    reply: DecodeSettings | None = setting(REPLY, "the reply to it, as of a procedure", None)

    def command(self, what: str, prompt: str) -> DeviceCommand:
        command = super().command(what, prompt)._replace(timeout=self.timeout, retries=self.retries)
        if self.reply is None and not self.until_prompt:
            return command
        reply = Reply(
            self.reply,
            self.error,
            begin=self.begin,
            until=self.until,
            lines=self.lines,
            ends_at_prompt=self.until_prompt,
        )
        return command._replace(reply=reply)

    def check_reply(self, at: Location) -> None:
        """Note a `begin` of a reply that has one line."""
        if self.begin and not (self.until or self.lines or self.until_prompt):
            (at / "begin").wrong('needs "until", "lines" or "until_prompt"')


@dataclass(frozen=True, kw_only=True)
class ProcedureSettings(ArgumentsSettings, AskSettings):
    """A procedure: what a call writes to the device, and the frame that is its reply."""

    uri: str = setting(Uri(), "the procedure", example="home.weather.fan")
    reply: DecodeSettings | None = setting(
        REPLY,
        "the reply: a pattern, or a table as for `decode`; without it, the call returns after the"
        " write",
        None,
        excludes=("modbus",),
        example="OK FAN=(\\d+)",
    )

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and a URI that is reserved."""
        super().check(at)
        self.check_reply(at)
        if self.uri.startswith(("wamp.", "wamplite.")):
            (at / "uri").wrong(f"{self.uri} is reserved")


@dataclass(frozen=True, kw_only=True)
class InitSettings(AskSettings):
    """A command that is written after each opening, before all polls and calls."""

    reply: DecodeSettings | None = setting(
        REPLY, "the reply to it, as of a procedure", None, example="OK"
    )
    pause: float = setting(Duration(0, 60), "after it, before the next command", 0.0)

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, or wants arguments."""
        if not (self.write or self.write_hex):
            at.wrong('expected "write" or "write_hex"')
            return
        self.check_write(at)
        self.check_reply(at)
        self.check_no_arguments("there are no arguments to fill in", at)


@dataclass(frozen=True, kw_only=True)
class SubscribeSettings(ArgumentsSettings):
    """A topic whose events are written to the device; of Modbus, a failure is logged."""

    topic: str = setting(Uri(pattern=True), "the topic", example="home.night")
    match: str = setting(
        Text("exact", "prefix", "wildcard"), "how it finds topics, where the router can", "exact"
    )
    timeout: float = setting(Duration(0.01, DAY), "for the slave's reply", 1.5, needs=("modbus",))
    retries: int = setting(
        Whole(0, 100), "how often it is written again when no reply comes", 0, needs=("modbus",),
        example=1,
    )  # fmt: skip

    def command(self, what: str, prompt: str) -> DeviceCommand:
        return super().command(what, prompt)._replace(timeout=self.timeout)

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and empty components but of wildcards."""
        super().check(at)
        if self.match != "wildcard" and "" in self.topic.removesuffix(".").split("."):
            (at / "topic").wrong(
                f"{self.topic!r} has an empty component: that needs match = wildcard"
            )
