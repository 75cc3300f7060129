"""The keys of what a device is asked: procedures, topics that are written to it."""

from __future__ import annotations

from dataclasses import dataclass

from ...checking import attempt
from ...config import Location
from ...keys import TableSettings, setting
from ...schema import Encoding, Text, Uri, Whole
from ...units import DAY, Duration
from ..decoding.decoder import REPLY, DecodeSettings
from .modbus import MODBUS, ModbusSettings
from .templates import make_template

__all__ = [
    "AskSettings",
    "InitSettings",
    "ProcedureSettings",
    "SubscribeSettings",
    "WriteSettings",
    "check_no_arguments",
    "check_write",
]


WRITTEN = (
    "what is written: `{0}`, `{1}` are arguments, `{name}` keyword arguments, with a format as in"
    " Python: `{0:d}`"
)


@dataclass(frozen=True, kw_only=True)
class WriteSettings(TableSettings):
    """What is written to a device, as text."""

    write: str = setting(Text(), WRITTEN, example="FAN {0:d}\n")
    encoding: str = setting(
        Encoding(), "how the text becomes bytes", "utf-8", needs=("write",), example="latin-1"
    )

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled."""
        check_write(self.write, self.encoding, at)


@dataclass(frozen=True, kw_only=True)
class ArgumentsSettings(WriteSettings):
    """What arguments are written to: a text that is filled in, or registers of a Modbus slave."""

    write: str = setting(Text(), WRITTEN, "", excludes=("modbus",), example="FAN {0:d}\n")
    modbus: ModbusSettings | None = setting(
        MODBUS, "the registers or coils that are written, by function 5, 6, 15 or 16", None
    )

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and a function of Modbus that does not write."""
        if self.modbus is not None:
            self.modbus.check_use(True, at / "modbus")
        elif self.write:
            super().check(at)
        else:
            at.wrong('expected "write" or "modbus"')


def check_write(write: str, encoding: str, at: Location) -> None:
    """Note a template that cannot be filled."""
    attempt(at / "write", make_template, write, encoding)


def check_no_arguments(write: str, text: str, at: Location) -> None:
    """Note, by this text, a template that wants arguments."""
    if "{" in write.replace("{{", ""):
        (at / "write").wrong(text)


@dataclass(frozen=True, kw_only=True)
class AskSettings(TableSettings):
    """How a reply is waited for."""

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


@dataclass(frozen=True, kw_only=True)
class ProcedureSettings(AskSettings, ArgumentsSettings):
    """A procedure: what a call writes to the device, and the frame that is its reply."""

    uri: str = setting(Uri(), "the procedure", example="home.weather.fan")
    reply: DecodeSettings | None = setting(
        REPLY,
        "the reply: a pattern, or a table as for `decode`; without it, the call returns after the"
        " write",
        None,
        needs=("write",),
        example="OK FAN=(\\d+)",
    )

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and a URI that is reserved."""
        super().check(at)
        if self.uri.startswith(("wamp.", "wamplite.")):
            (at / "uri").wrong(f"{self.uri} is reserved")


@dataclass(frozen=True, kw_only=True)
class InitSettings(AskSettings, WriteSettings):
    """A command that is written after each opening, before all polls and calls."""

    reply: DecodeSettings | None = setting(
        REPLY, "the reply to it, as of a procedure", None, example="OK"
    )
    pause: float = setting(Duration(0, 60), "after it, before the next command", 0.0)

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, or wants arguments."""
        super().check(at)
        check_no_arguments(self.write, "there are no arguments to fill in", at)


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

    def check(self, at: Location) -> None:
        """Note a template that cannot be filled, and empty components but of wildcards."""
        super().check(at)
        if self.match != "wildcard" and "" in self.topic.removesuffix(".").split("."):
            (at / "topic").wrong(
                f"{self.topic!r} has an empty component: that needs match = wildcard"
            )
