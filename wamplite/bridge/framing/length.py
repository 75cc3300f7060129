"""Frames behind a length prefix, after an optional start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ...config import Location
from ...keys import setting
from ...schema import Flag, Kind, Text, Whole
from .counted import NONE, TOO_LONG, Counted, CountedSettings
from .framing import MAX_BYTES, BoundedSettings, framing_kind
from .proof import NO_PROOF, Extent, Proof

__all__ = ["KIND", "Length", "LengthPrefixed", "LengthSettings"]


class Length(NamedTuple):
    """A length within a header: its first byte's position behind the start, and its bytes."""

    at: int
    bytes: int = 1


class _Lengths(Kind):
    """Places of lengths: their position behind the start, and how many bytes each has."""

    wanted = "an array of [position, bytes] such as [[2, 1]]"
    short = "[[position, bytes], ...]"

    def fits(self, value: Any) -> bool:
        return isinstance(value, (list, tuple)) and all(
            isinstance(one, (list, tuple))
            and len(one) == 2
            and all(type(number) is int for number in one)
            and 0 <= one[0] <= 64
            and one[1] in (1, 2, 4)
            for one in value
        )

    def convert(self, value: Any) -> Any:
        return tuple(Length(*one) for one in value)

    def described(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2}}


@dataclass(frozen=True, kw_only=True)
class LengthSettings(BoundedSettings, CountedSettings):
    """As many bytes as a length prefix says."""

    length_bytes: int = setting(Whole(1, 4), "bytes of the length: 1, 2 or 4", 1)
    byteorder: str = setting(Text("big", "little"), "which byte of the length comes first", "big")
    includes_header: bool = setting(
        Flag(), "the length counts the start, and all up to its own end, too", False
    )
    length_offset: int = setting(
        Whole(0, 64), "bytes between the start and the length, with `keep` part of the frame", 0
    )
    length_mask: int = setting(
        Whole(0, 0xFFFFFFFF), "the bits of the length that count; 0: all of them", 0
    )
    length_adjust: int = setting(
        Whole(-1024, 1024), "how many bytes more follow the length than it says", 0
    )
    more_lengths: tuple[Length, ...] = setting(
        _Lengths(), "further lengths that are added: `[[position, bytes], ...]`", ()
    )

    @property
    def extent(self) -> Extent:
        most = self.length_offset + self.length_bytes + self.max_bytes
        return Extent(len(self.start), most, False, len(self.end), what="end")

    def check(self, at: Location) -> None:
        super().check(at)
        if self.length_bytes == 3:
            (at / "length_bytes").wrong("expected 1, 2 or 4, not 3")
        most = (1 << 8 * self.length_bytes) - 1
        if self.length_mask > most:
            text = f"has more bits than a length of {self.length_bytes} bytes: at most {most:#x}"
            (at / "length_mask").wrong(text)

    @property
    def sizes(self) -> range:
        return self.make().sizes

    def make(self) -> LengthPrefixed:
        return LengthPrefixed(
            self.length_bytes,
            self.byteorder,
            self.includes_header,
            start=self.start,
            gap=self.gap,
            max_bytes=self.max_bytes,
            offset=self.length_offset,
            mask=self.length_mask,
            adjust=self.length_adjust,
            more=self.more_lengths,
            keep=self.keep,
            proof=self.proof,
        )


class LengthPrefixed(Counted):
    """Frames of at most `max_bytes` bytes behind a length prefix.

    offset: how many bytes stand between the start and the length. mask: the bits of it that count;
    0: all. more: further lengths, which are added. adjust: how many bytes more than the length says
    follow it. includes_header: the length counts all that stands up to its end, too.
    """

    def __init__(
        self,
        length_bytes: int = 1,
        byteorder: str = "big",
        includes_header: bool = False,
        *,
        start: bytes = b"",
        gap: float = 0.0,
        max_bytes: int = MAX_BYTES,
        offset: int = 0,
        mask: int = 0,
        adjust: int = 0,
        more: Sequence[Length] = (),
        keep: bool = False,
        proof: Proof = NO_PROOF,
    ) -> None:
        super().__init__(start, gap, keep, proof)
        first = Length(offset, length_bytes)
        self._lengths = (first, *more)
        self._header = len(start) + max(one.at + one.bytes for one in self._lengths)
        self._counted = len(start) + offset + length_bytes  # the first byte that is counted
        self._byteorder: Literal["big", "little"] = "little" if byteorder == "little" else "big"
        self._mask = mask or (1 << 8 * length_bytes) - 1
        self._adjust = adjust - (self._counted if includes_header else 0)
        self._max_bytes = max_bytes

    @property
    def sizes(self) -> range:
        """How many bytes a frame may have: what the lengths can say, within the bounds."""
        most = [min(self._mask, _most(self._lengths[0])), *map(_most, self._lengths[1:])]
        longest = min(sum(most) + self._adjust, self._max_bytes)
        least = max(1, self._header - self._counted, self._adjust)
        kept = self._counted if self._keep else 0
        return range(least + kept, longest + kept + 1)

    def _head(self) -> int:
        return self._counted

    def _size(self, begin: int) -> int | None:
        header = self._rest[begin + len(self.start) : begin + self._header]
        if len(header) < self._header - len(self.start):
            return None
        values = [
            int.from_bytes(header[one.at : one.at + one.bytes], self._byteorder)
            for one in self._lengths
        ]
        size = (values[0] & self._mask) + sum(values[1:]) + self._adjust
        least = max(0, self._header - self._counted)  # further lengths stand in the content
        if size > self._max_bytes:
            return TOO_LONG
        return NONE if size < least else self._counted + size


def _most(length: Length) -> int:
    return (1 << 8 * length.bytes) - 1


KIND = framing_kind("length", LengthSettings, "length_bytes")
