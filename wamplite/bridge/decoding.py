"""A frame in, the arguments of an event out.

`text`  the line, which must be UTF-8, as the one argument; NULs at its ends are left out.
`json`  an object's members as keyword arguments, any other value as the one argument.
`nmea`  the sentence from $ or ! to *hh as the one argument, its checksum verified; keyword
        arguments `talker` ("P" for a proprietary sentence), `type` and `fields`, all strings.

What cannot be decoded is refused with a reason to count it by, never guessed at: a reading made
of garbage is worse than none. Nothing here raises anything but Undecodable, whatever the bytes
are, and whatever passes can be encoded by every serializer.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

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
    """Decode a line of JSON, within what every serializer can carry."""
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _depth(line) > MAX_DEPTH:
        raise Undecodable("too deep")
    try:
        value = json.loads(line.strip(b"\0").decode(), parse_constant=_no_number)
    except ValueError:  # of UTF-8, of JSON, and of an integer with thousands of digits
        raise Undecodable("no JSON") from None
    _check(value)
    if isinstance(value, dict):
        return Reading([], value, len(line))
    return Reading([value], {}, len(line))


MAX_DEPTH = 64
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def _depth(line: bytes) -> int:
    """Count how deep a line of JSON nests, before a parser recurses into it."""
    depth = deepest = 0
    for byte in _STRING.sub(b"", line):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check(value: Any) -> None:
    """Refuse what another serializer could not carry: a router would end the session for it."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key)
            _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif isinstance(value, str):
        if _SURROGATE.search(value):
            raise Undecodable("no JSON")
    elif isinstance(value, (int, float)) and not (
        math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**64
    ):
        raise Undecodable("number out of range")


_SURROGATE = re.compile("[\ud800-\udfff]")

DECODERS: dict[str, Decoder] = {
    "text": Decoder(decode_text, drops_first=True),
    "json": Decoder(decode_json, drops_first=True),
    "nmea": Decoder(decode_nmea, drops_first=False),
}
