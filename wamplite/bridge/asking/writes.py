"""The keys of what is written to a device: a text, or bytes in hexadecimal digits; its prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...checking import attempt
from ...config import Location
from ...core.errors import InvalidArgument, UsageError
from ...keys import TableSettings, setting
from ...schema import ESCAPE, Encoding, Flag, Text
from ..line_pattern import LinePattern, line_search
from .device_command import DeviceCommand
from .hex_templates import make_hex_template
from .templates import Template, make_template

__all__ = ["WRITTEN", "WriteSettings"]

WRITTEN = (
    "what is written: `{0}`, `{1}` are arguments, `{name}` keyword arguments, with a format as in"
    " Python: `{0:d}`; checksums `{sum8:hex}`"
)
DOUBLED = re.compile("[\x80-\xff]")  # one byte in latin-1, two in UTF-8


@dataclass(frozen=True, kw_only=True)
class WriteSettings(TableSettings):
    """What is written to a device: a text, or bytes."""

    write: str = setting(Text(), WRITTEN, "", excludes=("write_hex",), example="FAN {0:d}\n")
    write_hex: str = setting(
        Text(),
        "in place of `write`, bytes: hexadecimal digits, numbers `{0}`, `{name}` with a format as"
        " of `struct`, bytes `{name:s}` and how many they are `{name:#}`, checksums"
        " `{crc16-modbus:<}`",
        "",
        example="FF 01 99 {0:>H} 00 00 00 {sum8-negated:1}",
    )
    encoding: str = setting(
        Encoding(),
        "how the text becomes bytes",
        "utf-8",
        factory=str,  # "": not said
        needs=("write",),
        example="latin-1",
    )
    prompt: str | None = setting(
        LinePattern(may_be_empty=True),
        "what the device says before it takes this; without it, the `prompt` of the port;"
        ' `""`: nothing',
        None,
        example="login: $",
    )

    echo: bool | None = setting(
        Flag(),
        "whether the device returns this, as it may not a password; without it, as `echo` of the"
        " port says",
        None,
        excludes=("modbus",),
        example=False,
    )

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return bool(self.write or self.write_hex)

    def command(self, what: str, prompt: str) -> DeviceCommand:
        """Return the command, its data to be filled in; prompt: the port's."""
        prompt = prompt if self.prompt is None else self.prompt
        search, is_text = line_search(prompt), not self.write_hex
        return DeviceCommand(what, b"", prompt=search, is_text=is_text, echo=self.echo)

    def template(self) -> Template:
        """Return what fills it; UsageError where that cannot be."""
        if self.write_hex:
            return make_hex_template(self.write_hex)
        return make_template(self.write, self.encoding or "utf-8")

    def check_write(self, at: Location) -> None:
        """Note a template that cannot be filled, and a text that is meant to be bytes."""
        place = at / ("write_hex" if self.write_hex else "write")
        if not attempt(place, self.template):
            return
        if found := ESCAPE.search(self.write):
            place.wrong(
                f"{found[0]} is written as these {len(found[0])} characters: single quotes take"
                " escapes as they stand; use double quotes, or write_hex"
            )
        elif not self.encoding and (found := DOUBLED.search(self.write)):
            place.wrong(
                f"{found[0]!r} is written as {found[0].encode().hex(' ').upper()} in UTF-8: use"
                ' write_hex for bytes, or say the "encoding" of the text'
            )

    def check_no_arguments(self, text: str, at: Location) -> None:
        """Note, by this text, a template that wants arguments."""
        key = "write_hex" if self.write_hex else "write"
        try:
            self.template()((), {})
        except InvalidArgument:
            (at / key).wrong(text)
        except UsageError:
            pass  # `check_write` has noted it
