"""What decoders share: readings, and their exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...config import Location
from ...core.errors import ProtocolError
from ...serializers import check_payload
from ..clock import NEVER, Moment

__all__ = [
    "NO_MATCH",
    "TOO_LONG",
    "Decode",
    "Decoder",
    "Deliver",
    "Reading",
    "Undecodable",
    "as_text",
    "checked",
    "note_doubled",
    "positions",
]


class Reading(NamedTuple):
    """What one frame holds, as an event carries it."""

    args: list[Any]
    kwargs: dict[str, Any]
    size: int  # bytes of the frame: what the outbox bounds
    heard: Moment = NEVER  # when the frame's last byte came; set by Intake
    others: tuple[Reading, ...] = ()  # further readings of the same frame

    def all(self) -> list[Reading]:
        """Return it, and the others of its frame, heard at the same moment."""
        return [self, *(other._replace(heard=self.heard) for other in self.others)]


NO_MATCH = "no match"  # the reason of a pattern: the frame may be something else
TOO_LONG = "took too long"  # the reason where nobody knows what it is


class Undecodable(Exception):
    """A frame that is no reading; `reason` is the text under which it is counted.

    A Python decoder raises it: Undecodable("battery low").
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Decode = Callable[[bytes], Reading]
Deliver = Callable[[list[Reading]], None]


class Decoder(NamedTuple):
    """How to decode, and whether the first frame after an opening is dropped.

    It may be the second half of a frame, and a half may look whole ("21.5" of "121.5"). With a
    checksum (NMEA), or a framing that finds the start of a frame, none has to be dropped.
    wants_frames: it is to be given each frame as a DeviceFrame, with its header and beginning.
    """

    decode: Decode
    drops_first: bool
    wants_frames: bool = False


def checked(reading: Reading) -> Reading:
    """Return the reading if every serializer can carry it; else raise Undecodable."""
    try:
        check_payload(reading.args, reading.kwargs)
    except ProtocolError:  # the router would end the session: a violation
        raise Undecodable("no value for WAMP") from None
    return reading


def as_text(frame: bytes, encoding: str) -> str:
    """Decode text, without NULs and line ends at its ends."""
    try:
        return frame.decode(encoding).strip("\0\r\n")
    except UnicodeError:
        raise Undecodable(f"not {encoding.upper()}") from None


def positions(number: int) -> set[str]:
    """Return the names of values that have none."""
    return {str(position) for position in range(number)}


def note_doubled(names: tuple[str, ...], at: Location) -> None:
    """Note a name that stands twice."""
    doubled = [name for name in names if name and names.count(name) > 1]
    if doubled:
        at.wrong(f'"{doubled[0]}" stands there twice')
