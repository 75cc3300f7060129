"""Text: the frame as the only argument; NULs and line ends at its ends are left out."""

from __future__ import annotations

from dataclasses import dataclass

from .decoder import TextSettings, decoder_kind
from .readings import Decode, Reading, Undecodable, as_text, checked

__all__ = ["KIND", "PlainTextSettings", "decode_text"]


@dataclass(frozen=True, kw_only=True)
class PlainTextSettings(TextSettings):
    """The text, one argument."""

    takes_all = True

    def make(self) -> Decode:
        if self.encoding == "utf-8":
            return decode_text
        return lambda line: checked(decode_text(line, self.encoding))

    def names(self) -> set[str]:
        return {"0"}


def decode_text(line: bytes, encoding: str = "utf-8") -> Reading:
    """Decode a line of text."""
    text = as_text(line, encoding)
    if not text:
        raise Undecodable("empty")
    return Reading([text], {}, len(line))


KIND = decoder_kind("text", PlainTextSettings, "encoding")
