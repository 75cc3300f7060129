"""NMEA 0183: the sentence from $ or ! to *hh as the only argument, its checksum verified.

Keyword arguments: `talker` ("P" for a proprietary sentence), `type` and `fields`, all text. With
`parse`: named values instead of `fields`, see `nmea_fields`.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import reduce

from ...keys import setting
from ...schema import Flag
from .decoder import TypedSettings, decoder_kind
from .readings import Decode, Reading, Undecodable

__all__ = ["KIND", "NmeaSettings", "decode_nmea"]


@dataclass(frozen=True, kw_only=True)
class NmeaSettings(TypedSettings):
    """The sentence, its checksum verified, one argument; by name `talker`, `type`, `fields`."""

    drops_first = False  # half a sentence has no right checksum

    parse: bool = setting(
        Flag(), "name the values of a sentence, through pynmea2 (`pip install pynmea2`)", False
    )

    def make(self) -> Decode:
        if not self.parse:
            return decode_nmea
        from .nmea_fields import parser

        parse = parser(self.types)
        return lambda line: parse(decode_nmea(line))


def decode_nmea(line: bytes) -> Reading:
    """Decode a sentence of NMEA 0183 (or AIS, which begins with !) and verify its checksum."""
    match = _SENTENCE.fullmatch(line.strip())
    if match is None:
        raise Undecodable("no sentence")
    body, checksum = match.groups()
    if reduce(operator.xor, body, 0) != int(checksum, 16):
        raise Undecodable("wrong checksum")
    address, *fields = body.decode("latin-1").split(",")  # it takes every byte
    head = 1 if address.startswith("P") else 2
    kwargs = {"talker": address[:head], "type": address[head:], "fields": fields}
    return Reading([match[0].decode("latin-1")], kwargs, len(line))


_SENTENCE = re.compile(rb"[$!]([^*]*)\*([0-9A-Fa-f]{2})")


KIND = decoder_kind("nmea", NmeaSettings)
