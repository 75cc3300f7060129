"""The keys of what a device is asked: procedures, topics that are written to it."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import Location
from ...keys import section, setting
from ...schema import Text, Uri, Whole
from ...tables import Tables
from ...units import DAY, Duration
from ..decoding.decoder import REPLY, DecodeSettings, names_of
from .device_command import DeviceCommand
from .modbus import MODBUS, ModbusSettings
from .steps import ReplySettings, StepSettings
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
        elif self.writes:
            self.check_write(at)
        else:
            at.wrong('expected "write", "write_hex" or "modbus"')


@dataclass(frozen=True, kw_only=True)
class AskSettings(ReplySettings):
    """What is written, what reply is waited for, and what follows it."""

    retries: int = setting(
        Whole(0, 100), "how often it is written again when no reply comes", 0, example=1
    )
    then: tuple[StepSettings, ...] = setting(
        Tables(section(StepSettings, StepSettings.check)),
        "what follows in the same exchange when the reply has come",
        (),
        excludes=("modbus",),
    )

    def command(self, what: str, prompt: str) -> DeviceCommand:
        then = tuple(step.step(what, prompt) for step in self.then)
        return super().command(what, prompt)._replace(retries=self.retries, then=then)

    def names(self) -> set[str] | None:
        """Return the names of all values that the replies can have; None: they may have any."""
        return names_of(one.reply.names() for one in (self, *self.then) if one.reply is not None)


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
        if not self.writes:
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
                f'{self.topic!r} has an empty component: that needs match = "wildcard"'
            )
