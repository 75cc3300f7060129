"""A frame in, the arguments of an event out.

`text`   the frame as the only argument; NULs and line ends at its ends are left out.
`bytes`  the frame as it is, as the only argument.
`json`   an object's members as keyword arguments (none may be named "options"), any other value as
         the only argument.
`nmea`   the sentence from $ or ! to *hh as the only argument, its checksum verified; keyword
         arguments `talker` ("P" for a proprietary sentence), `type` and `fields`, all strings.
         With `parse`: named values instead of `fields`, see `nmea_fields`.
`csv`, `regex`, `struct`: see `field_decoders`; `python:MODULE:FUNCTION`: see `python_decoder`.

A frame that cannot be decoded is refused with a reason, under which it is counted; nothing is
guessed. For any bytes, decoders raise nothing but Undecodable, and every serializer can encode the
readings that they return.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

from ... import serializers
from ...core.errors import ProtocolError
from ..settings import DecodeSettings
from .fields import csv_decoder, regex_decoder, struct_decoder
from .python import PREFIX, python_decoder
from .readings import Decode, Decoder, Reading, Undecodable, as_text, checked

__all__ = [
    "DECODERS",
    "Decoder",
    "Reading",
    "Undecodable",
    "decode_bytes",
    "decode_json",
    "decode_nmea",
    "decode_text",
    "make_decoder",
    "make_reply",
]


def decode_text(line: bytes, encoding: str = "utf-8") -> Reading:
    """Decode a line of text."""
    text = as_text(line, encoding)
    if not text:
        raise Undecodable("empty")
    return Reading([text], {}, len(line))


def decode_bytes(frame: bytes) -> Reading:
    """Take a frame as it is."""
    return Reading([frame], {}, len(frame))


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


def decode_json(line: bytes) -> Reading:
    """Decode a line of JSON, within what every serializer can carry to every subscriber."""
    try:
        value = _json().loads(line.strip(b"\0"))
        reading = Reading([], value, len(line)) if type(value) is dict else _one(value, line)
        serializers.check_payload(reading.args, reading.kwargs)
    except ProtocolError:  # the router would end the session: a violation
        raise Undecodable("no JSON for WAMP") from None
    if "options" in reading.kwargs:  # a keyword of Session.publish
        raise Undecodable("member named options")
    return reading


@cache
def _json() -> serializers.Serializer:
    return serializers.get("json")


def _one(value: Any, line: bytes) -> Reading:
    return Reading([value], {}, len(line))


# The decoders that need no settings.
DECODERS: dict[str, Decoder] = {
    "text": Decoder(decode_text, drops_first=True),
    "bytes": Decoder(decode_bytes, drops_first=True),
    "json": Decoder(decode_json, drops_first=True),
    "nmea": Decoder(decode_nmea, drops_first=False),
}


def make_decoder(settings: DecodeSettings) -> Decoder:
    """Return the decoder that the settings describe; UsageError where they do not fit."""
    if settings.kind.startswith(PREFIX):
        return Decoder(python_decoder(settings), drops_first=True)
    if settings.kind in _MAKERS:
        return Decoder(_MAKERS[settings.kind](settings), settings.kind != "nmea")
    return DECODERS[settings.kind]


def _text_decoder(settings: DecodeSettings) -> Decode:
    if settings.encoding == "utf-8":
        return decode_text
    return lambda line: checked(decode_text(line, settings.encoding))


def _nmea_decoder(settings: DecodeSettings) -> Decode:
    if not settings.parse:
        return decode_nmea
    from .nmea import parser

    parse = parser(settings.types)
    return lambda line: parse(decode_nmea(line))


_MAKERS: dict[str, Callable[[DecodeSettings], Decode]] = {
    "text": _text_decoder,
    "csv": csv_decoder,
    "regex": regex_decoder,
    "struct": struct_decoder,
    "nmea": _nmea_decoder,
}


def make_reply(settings: DecodeSettings) -> Callable[[bytes], Reading | None]:
    """Return a function that decodes a frame, or returns None where it is not the reply."""
    decode = make_decoder(settings).decode

    def reply(frame: bytes) -> Reading | None:
        try:
            return decode(frame)
        except Undecodable:
            return None

    return reply
