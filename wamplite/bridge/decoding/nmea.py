"""NMEA 0183: the sentence from $ or ! to *hh as the only argument, its checksum verified.

What stands before the sentence on its line, such as a TAG block or a sentence that was torn, is
passed over. Keyword arguments: `talker` ("P" for a proprietary sentence), `type` and `fields`, all
text. With `parse`: named values instead of `fields`, see `nmea_fields`.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import reduce

from ...keys import setting
from ...schema import Flag
from .decoder import TypedSettings, decoder_kind
from .readings import Decode, Decoder, Reading, Undecodable

__all__ = ["KIND", "NmeaSettings", "decode_nmea"]


@dataclass(frozen=True, kw_only=True)
class NmeaSettings(TypedSettings):
    """The sentence, its checksum verified, one argument; by name `talker`, `type`, `fields`."""

    parse: bool = setting(
        Flag(), "name the values of a sentence, through pynmea2 (`pip install pynmea2`)", False
    )
    unchecked: bool = setting(Flag(), "take sentences that have no checksum, too", False)

    def make(self) -> Decode:
        if not self.parse:
            return self._decode
        from .nmea_fields import parser

        parse = parser(self.types, self.none)
        return lambda line: parse(self._decode(line))

    def decoder(self) -> Decoder:
        return super().decoder()._replace(drops_first=self.unchecked)

    def _decode(self, line: bytes) -> Reading:
        return decode_nmea(line, self.unchecked)


def decode_nmea(line: bytes, unchecked: bool = False) -> Reading:
    """Decode a sentence of NMEA 0183 (or AIS, which begins with !) and verify its checksum."""
    match = _SENTENCE.search(line.strip(b"\0\r\n\t "))
    if match is None or (match[2] is None and not unchecked):
        raise Undecodable("no sentence")
    body, checksum = match.groups()
    if checksum is not None and reduce(operator.xor, body, 0) != int(checksum, 16):
        raise Undecodable("wrong checksum")
    address, *fields = body.decode("latin-1").split(",")  # it takes every byte
    head = 1 if address.startswith("P") else 2
    kwargs = {"talker": address[:head], "type": address[head:], "fields": fields}
    return Reading([match[0].decode("latin-1")], kwargs, len(line))


_SENTENCE = re.compile(rb"[$!]([^*$!\0]*)(?:\*([0-9A-Fa-f]{2}))?\Z")


KIND = decoder_kind("nmea", NmeaSettings)
