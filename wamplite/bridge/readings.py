"""What decoders share: readings, the one exception, and the types of values made of text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..core.errors import ProtocolError
from ..serializers import check_payload

__all__ = [
    "TYPES",
    "Decode",
    "Decoder",
    "Deliver",
    "Reading",
    "Undecodable",
    "as_text",
    "checked",
    "converted",
]


class Reading(NamedTuple):
    """What one frame says, as an event carries it."""

    args: list[Any]
    kwargs: dict[str, Any]
    size: int  # bytes of the frame: what the outbox bounds
    at: float = 0.0  # UTC seconds of the frame's last byte; the port knows it


class Undecodable(Exception):
    """A frame that is no reading; `reason` is the word it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Decode = Callable[[bytes], Reading]
Deliver = Callable[[list[Reading]], None]


class Decoder(NamedTuple):
    """How to decode, and whether the first frame after an opening is dropped unseen.

    It may be the second half of one, and a half may look like a whole ("21.5" of "121.5").
    A checksum tells the two apart, so NMEA loses nothing; nor does a framing that knows its start.
    """

    decode: Decode
    drops_first: bool


def checked(reading: Reading) -> Reading:
    """Return a reading that every serializer can carry to every subscriber, or refuse it."""
    try:
        check_payload(reading.args, reading.kwargs)
    except ProtocolError:  # a router would end the session for it
        raise Undecodable("no value for WAMP") from None
    if "options" in reading.kwargs:  # how to publish, in Session.publish
        raise Undecodable("member named options")
    return reading


def as_text(frame: bytes, encoding: str) -> str:
    """Decode text, without NULs and line ends at its ends."""
    try:
        return frame.decode(encoding).strip("\0\r\n")
    except UnicodeError:
        raise Undecodable(f"not {encoding.upper()}") from None


def converted(values: Mapping[str, str], types: Mapping[str, str]) -> dict[str, Any]:
    """Convert the values that have a type; the others stay text."""
    return {
        name: _convert(name, text.strip(), types[name]) if name in types else text
        for name, text in values.items()
    }


def _convert(name: str, text: str, kind: str) -> Any:
    pattern, make = TYPES[kind]
    if pattern.fullmatch(text) is None or len(text) > LONGEST:
        raise Undecodable(f"{name}: no {kind}")
    value = make(text)
    if type(value) is float and not math.isfinite(value):
        raise Undecodable(f"{name}: no {kind}")
    return value


LONGEST = 64  # characters of a number; an int of more than 4300 digits could not even be read
_BOOLS = {"1": True, "true": True, "on": True, "yes": True}
_BOOLS |= {"0": False, "false": False, "off": False, "no": False}

# What the text must look like, and what is made of it. "nan", "1_000" and other digits than ours
# are numbers for Python alone.
TYPES: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "int": (re.compile(r"[+-]?[0-9]+"), int),
    "float": (re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"), float),
    "str": (re.compile(r".*", re.S), str),
    "bool": (re.compile("|".join(_BOOLS), re.I), lambda text: _BOOLS[text.lower()]),
    "hex": (re.compile(r"(0[xX])?[0-9a-fA-F]+"), lambda text: int(text, 16)),
}
