"""A frame in, the arguments of an event out.

`text`  the line, which must be UTF-8, as the one argument; NULs at its ends are left out.
`json`  an object's members as keyword arguments (none may be named "options"), any other value as
        the one argument.
`nmea`  the sentence from $ or ! to *hh as the one argument, its checksum verified; keyword
        arguments `talker` ("P" for a proprietary sentence), `type` and `fields`, all strings.

What cannot be decoded is refused with a reason to count it by, never guessed at: a reading made
of garbage is worse than none. Nothing here raises anything but Undecodable, whatever the bytes
are, and whatever passes can be encoded by every serializer.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import cache, reduce
from typing import Any, NamedTuple

from .. import serializers
from ..core.errors import ProtocolError

__all__ = [
    "DECODERS",
    "Decoder",
    "Reading",
    "Undecodable",
    "decode_json",
    "decode_nmea",
    "decode_text",
]


class Reading(NamedTuple):
    """What one frame says, as an event carries it."""

    args: list[Any]
    kwargs: dict[str, Any]
    size: int  # bytes of the frame: what the outbox bounds


class Undecodable(Exception):
    """A frame that is no reading; `reason` is the word it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Decode = Callable[[bytes], Reading]


class Decoder(NamedTuple):
    """How to decode, and whether the first line after an opening is dropped unseen.

    It may be the second half of a line, and a half may look like a whole ("21.5" of "121.5").
    A checksum tells the two apart, so NMEA loses nothing.
    """

    decode: Decode
    drops_first: bool


def decode_text(line: bytes) -> Reading:
    """Decode a line of UTF-8 text."""
    text = line.strip(b"\0\r\n")
    if not text:
        raise Undecodable("empty")
    try:
        return Reading([text.decode()], {}, len(line))
    except UnicodeDecodeError:
        raise Undecodable("not UTF-8") from None


def decode_nmea(line: bytes) -> Reading:
    """Decode a sentence of NMEA 0183 (or AIS, which begins with !) and verify its checksum."""
    match = _SENTENCE.fullmatch(line.strip())
    if match is None:
        raise Undecodable("no sentence")
    body, checksum = match.groups()
    if reduce(operator.xor, body, 0) != int(checksum, 16):
        raise Undecodable("wrong checksum")
    address, *fields = body.decode("latin-1").split(",")  # ASCII but for some receivers' greetings
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
    except ProtocolError:  # a router would end the session for it
        raise Undecodable("no JSON for WAMP") from None
    if "options" in reading.kwargs:  # how to publish, in Session.publish
        raise Undecodable("member named options")
    return reading


@cache
def _json() -> serializers.Serializer:
    return serializers.get("json")


def _one(value: Any, line: bytes) -> Reading:
    return Reading([value], {}, len(line))


DECODERS: dict[str, Decoder] = {
    "text": Decoder(decode_text, drops_first=True),
    "json": Decoder(decode_json, drops_first=True),
    "nmea": Decoder(decode_nmea, drops_first=False),
}
