"""What every decoder is: a frame in, the arguments of an event out, or a reason.

A frame that cannot be decoded is refused with a reason, under which it is counted; nothing is
guessed. For any bytes, decoders raise nothing but Undecodable, and every serializer can encode the
readings that they return. Each kind has a file of its own, which declares its keys, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ...checking import attempt, check_names
from ...config import Location
from ...keys import TableSettings, setting
from ...schema import Encoding, Kind, Names, Number, Text, Whole
from ...tables import Either
from ..kinds import Kinds, KindTable
from ..line_pattern import LinePattern, line_search
from .readings import NO_MATCH, Decode, Decoder, Reading, Undecodable, checked
from .value_types import TYPES

__all__ = [
    "DECODERS",
    "LINE_ENDS",
    "REFUSED",
    "REPLY",
    "DecodeSettings",
    "NotMeant",
    "TextSettings",
    "TypedSettings",
    "decoder_kind",
    "names_of",
]


REFUSED = "wamplite.error.refused"  # the error of a call whose device said no

LINE_ENDS = b"\0\r\n"
FACTOR = Number(-1e300, 1e300)


NoValue = tuple[str | int | float, ...]  # what a device sends in place of a value


class _NoValue(Kind):
    """What a device sends in place of a value: a number, a text, or several of them."""

    wanted = "a number, a text, or an array of them"
    short = "number, text, or list of them"

    def fits(self, value: Any) -> bool:
        told = value if isinstance(value, (list, tuple)) else [value]
        return bool(told) and all(type(one) in (int, float, str) for one in told)

    def convert(self, value: Any) -> NoValue:
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)

    def described(self) -> dict[str, Any]:
        one = {"type": ["number", "string"]}
        return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}


class NotMeant(Undecodable):
    """A frame that `match` does not fit: another decoder may take it."""


@dataclass(frozen=True, kw_only=True)
class DecodeSettings(TableSettings):
    """What a frame holds: what the settings of all kinds are.

    drops_first: the first frame after an opening may be the second half of one; see Decoder.
    takes_all: no frame is refused.
    """

    drops_first: ClassVar[bool] = True
    takes_all: ClassVar[bool] = False

    match: str = setting(
        LinePattern(), "what a frame looks like that is decoded; others are refused", "",
        example="^[$!]",
    )  # fmt: skip

    none: Mapping[str, NoValue] = setting(
        Names(_NoValue()), "what the device sends, by a value's name, where it has none: it is left"
        " out", {}, factory=dict, example={"temp": 32767, "wind": ["", "--"]},
    )  # fmt: skip
    scale: Mapping[str, float] = setting(
        Names(FACTOR), "what a value is multiplied by, by its name", {}, factory=dict,
        example={"volt": 0.1},
    )  # fmt: skip
    offset: Mapping[str, float] = setting(
        Names(FACTOR), "what is added then, by its name", {}, factory=dict, example={"temp": -40}
    )
    round: Mapping[str, int] = setting(
        Names(Whole(0, 15)), "how many digits behind the point are kept, by the value's name", {},
        factory=dict, example={"volt": 1},
    )  # fmt: skip

    def make(self) -> Decode:
        """Return a function that decodes as they describe it; UsageError where they do not fit."""
        raise NotImplementedError

    def decoder(self) -> Decoder:
        """Return the decoder that they describe; UsageError where they do not fit."""
        decode = self.make()
        if self.match:
            decode = self._matching(decode)
        if self.none:
            decode = self._having(decode)
        if self.scale or self.offset or self.round:
            decode = self._adjusted(decode)
        return Decoder(decode, self.drops_first)

    def judge(self, decode: Decode) -> Decode | None:
        """Return what refuses a frame that is surely none; None: only the user's function knows.

        decode: what `decoder` has made.
        """
        return decode

    def _matching(self, decode: Decode) -> Decode:
        search = line_search(self.match)
        assert search is not None

        def decode_if_it_fits(frame: bytes) -> Reading:
            plain = frame.strip(LINE_ENDS)
            if not search.finds(frame) and (plain == frame or not search.finds(plain)):
                raise NotMeant(NO_MATCH)
            return decode(frame)

        return decode_if_it_fits

    def _having(self, decode: Decode) -> Decode:
        """Return a decoder that leaves out values that are none."""
        none = self.none

        def is_one(name: str, value: Any) -> bool:
            return value is not None and (type(value) is bool or value not in none.get(name, ()))

        def having(reading: Reading) -> Reading:
            args = [
                value if is_one(str(at), value) else None for at, value in enumerate(reading.args)
            ]
            kwargs = {
                name: value for name, value in reading.kwargs.items()
                if name not in none or is_one(name, value)
            }  # fmt: skip
            return reading._replace(args=args, kwargs=kwargs, others=())

        def decode_what_there_is(frame: bytes) -> Reading:
            readings = map(having, decode(frame).all())
            kept = [one for one in readings if one.kwargs or any(x is not None for x in one.args)]
            if not kept:
                raise Undecodable("no value")
            return kept[0]._replace(others=tuple(kept[1:]))

        return decode_what_there_is

    def _adjusted(self, decode: Decode) -> Decode:
        from .exact import scaled  # decimal is imported where a bridge has use for it

        scale, offset, digits = self.scale, self.offset, self.round
        names = {*scale, *offset, *digits}

        def adjust(name: str, value: Any) -> Any:
            if name not in names or (value is None and name in self.none):
                return value
            if type(value) not in (int, float):
                raise Undecodable(f"{name}: no number")
            return scaled(value, scale.get(name, 1), offset.get(name, 0), digits.get(name))

        def adjusted(reading: Reading) -> Reading:
            args = [adjust(str(place), value) for place, value in enumerate(reading.args)]
            kwargs = {name: adjust(name, value) for name, value in reading.kwargs.items()}
            others = tuple(map(adjusted, reading.others))
            return checked(reading._replace(args=args, kwargs=kwargs, others=others))

        return lambda frame: adjusted(decode(frame))

    def names(self) -> set[str] | None:
        """Return the names of all values a frame can have; None where they depend on the frame."""
        return None

    @property
    def size(self) -> int | None:
        """How many bytes each frame must have; None where they may be more or less."""
        return None

    def check_size(self, sizes: range, at: Location) -> None:
        """Note a size that no frame can have; sizes: those that there can be."""
        size = self.size
        if size is not None and size not in sizes:
            told = f"{sizes[0]}{f' to {sizes[-1]}' if sizes[1:] else ''}" if sizes else "none"
            at.wrong(f"wants frames of {size} bytes; those of the framing have {told}")

    def check(self, at: Location) -> None:
        """Note what is wrong with keys beside each other, of settings that `make` can use."""
        for key in ("none", "scale", "offset", "round"):
            check_names(getattr(self, key), self.names(), at / key)


@dataclass(frozen=True, kw_only=True)
class TextSettings(DecodeSettings):
    """Frames of text."""

    encoding: str = setting(Encoding(), "how the device writes text", "utf-8", example="latin-1")


@dataclass(frozen=True, kw_only=True)
class TypedSettings(DecodeSettings):
    """Frames with values that are text, and may be more."""

    types: Mapping[str, str] = setting(
        Names(Text(*TYPES)),
        "what a value is, by its name; others stay text",
        {},
        factory=dict,
        example={"temp": "float", "hum": "int"},
    )
    decimal: str = setting(Text(".", ","), "the decimal point of the device's numbers", ".")

    def check(self, at: Location) -> None:
        super().check(at)
        check_names(self.types, self.names(), at / "types")


def _check(settings: DecodeSettings, at: Location) -> None:
    if attempt(at, settings.make):
        settings.check(at)


def names_of(several: Iterable[set[str] | None]) -> set[str] | None:
    """Return the names of all; None where those of one depend on the frame."""
    names: set[str] = set()
    for more in several:
        if more is None:
            return None
        names |= more
    return names


def decoder_kind(name: str, made: type[DecodeSettings], *positional: str) -> KindTable:
    """Return the table of a kind; positional: see KindTable."""
    return KindTable(name, made, _check, *positional)


DECODERS = Kinds(__package__)
REPLY = Either(DECODERS, key="pattern", kind="regex")
