"""Several decoders for one port: the first that takes a frame decodes it.

One whose `match` fits a frame is the only one that is asked. Those without `match` are asked in
their order until one takes the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...config import Location
from ...tables import Either, OneOrMore
from .decoder import DECODERS, DecodeSettings, NotMeant, names_of
from .readings import Decode, Decoder, Reading, Undecodable

__all__ = ["DECODE", "Alternatives"]

NONE_FITS = "no decoder fits"


@dataclass(frozen=True, kw_only=True)
class Alternatives(DecodeSettings):
    """Several decoders."""

    tried: tuple[DecodeSettings, ...]

    def make(self) -> Decode:
        return _first([(one, one.decoder().decode) for one in self.tried])

    def decoder(self) -> Decoder:
        made = [one.decoder() for one in self.tried]
        drops_first = any(one.drops_first for one in made)
        return Decoder(self.make(), drops_first, any(one.wants_frames for one in made))

    def names(self) -> set[str] | None:
        return names_of(one.names() for one in self.tried)

    def check_size(self, sizes: range, at: Location) -> None:
        for number, one in enumerate(self.tried):
            one.check_size(sizes, at / number)


def _first(tried: Sequence[tuple[DecodeSettings, Decode]]) -> Decode:
    def decode(frame: bytes) -> Reading:
        reasons: list[str] = []
        for settings, attempt in tried:
            try:
                return attempt(frame)
            except NotMeant:
                continue
            except Undecodable as exc:
                reasons.append(exc.reason)
                if settings.match:
                    raise
        raise Undecodable(reasons[0] if len(reasons) == 1 else NONE_FITS)

    return decode


def _alternatives(tried: list[DecodeSettings], at: Location) -> Alternatives:
    for number, one in enumerate(tried[:-1]):
        if one.takes_all and not one.match:
            (at / number).wrong('takes every frame, and the next is never asked: say "match"')
    return Alternatives(tried=tuple(tried))


DECODE = OneOrMore(Either(DECODERS), "decoder", _alternatives)
