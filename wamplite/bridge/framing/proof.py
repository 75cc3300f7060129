"""What proves a frame whole: its checksums and its last bytes; and how a configuration says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from ...config import Location, in_toml
from ...keys import TableSettings, section, setting
from ...schema import MISSING, Kind, Text, Whole
from .checksums import END, KINDS, START, Checksum

__all__ = ["CHECKSUMS", "GARBAGE", "NO_PROOF", "ChecksumSettings", "Extent", "Proof"]

GARBAGE = "garbage"  # why bytes are dropped
FARTHEST = 65536


class Proof:
    """What a whole frame must have: all of its checksums, and its last bytes."""

    def __init__(self, checksums: tuple[Checksum, ...] = (), end: bytes = b"") -> None:
        self._checksums = checksums
        self._end = end
        early = [(one.needs, one) for one in checksums]
        self._early = [(needs, one) for needs, one in early if needs is not None]

        self.is_short = not end and any(one.width == 1 for one in checksums)  # fits by chance

    def __bool__(self) -> bool:
        return bool(self._checksums)

    def flaw(self, whole: bytes, start: int) -> str:
        """Return why a frame whose start has so many bytes is none; "" if it is one.

        Where a checksum is wrong, it is a WrongChecksum.
        """
        if not whole.endswith(self._end):
            return GARBAGE
        flaws = (one.flaw(whole, start) for one in self._checksums)
        return next(filter(None, flaws), "")

    def early_flaw(self, begun: bytes, start: int) -> str:
        """Return why what has come of a frame, its header, shows that it is none; else ""."""
        known = (one for needs, one in self._early if len(begun) >= start + needs)
        return next(filter(None, (one.flaw(begun, start) for one in known)), "")


NO_PROOF = Proof()


class Extent(NamedTuple):
    """How long frames are, as far as their settings tell.

    start: bytes of the start. most: of the longest, behind the start. fixed: all have as many.
    last, trailer: how many bytes are the same in each frame, and how many stand behind them; what:
    the key that says which.
    """

    start: int
    most: int
    fixed: bool = False
    last: int = 0
    trailer: int = 0
    what: str = ""

    @property
    def behind(self) -> int:
        """How many bytes stand behind a checksum at the end."""
        return 0 if self.trailer else self.last


class _Span(Kind):
    """Two positions, the first of which may be the start's, and the last the end's."""

    wanted = f'two positions such as [0, 6], ["{START}", -2] or [3, "{END}"]'
    short = "[from, to]"

    def fits(self, value: Any) -> bool:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            return False
        begin, end = value
        return (end == END or type(end) is int) and (begin == START or type(begin) is int)

    def convert(self, value: Any) -> Any:
        return tuple(value)

    def described(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 2, "maxItems": 2}


@dataclass(frozen=True, kw_only=True)
class ChecksumSettings(TableSettings):
    """A checksum: what it covers and where it stands in a frame."""

    kind: str = setting(Text(*KINDS), "how it is computed")
    over: tuple[int | str, int | str] | None = setting(
        _Span(), "what it covers; without it, all from behind the start up to it", None
    )
    position: int | None = setting(
        Whole(-FARTHEST, FARTHEST), "where it stands; without it, at the end", None, name="at"
    )
    byteorder: str = setting(Text("big", "little"), "which of its bytes comes first", "big")
    format: str = setting(
        Text("binary", "hex"), "bytes, or text of two hexadecimal digits for each", "binary"
    )

    def make(self, behind: int = 0) -> Checksum:
        """Return the checksum; behind: how many bytes stand behind it, where `at` is not said."""
        order = cast("Literal['big', 'little']", self.byteorder)
        return Checksum(self.kind, self.over, self.position, order, self.format == "hex", behind)

    def check_within(self, frames: Extent, at: Location) -> None:
        """Note what no frame can have."""
        key, text = self._trouble(self.make(frames.behind), frames)
        if text:
            (at / key if key else at).wrong(text)

    def _trouble(self, one: Checksum, frames: Extent) -> tuple[str, str]:
        """Return the key that says what cannot be, and why; "", "" where all can be."""
        begin, end = one.over
        over = in_toml([*one.over])
        if begin == START and not frames.start:
            return "over", f'there is no "start" that "{START}" could stand for'
        if one.reach > frames.most + (frames.start if begin == START else 0):
            bound = "a frame has" if frames.fixed else "the longest frame has"
            return "", f"needs {one.reach} bytes, and {bound} {frames.most}"
        size = frames.start + frames.most
        place, first, last = one.places(size, frames.start)
        if end == frames.most and not frames.fixed:
            return "over", f"{over} fits the longest frame alone; expected {in_toml([begin, END])}"
        if text := self._misplaced(one, frames, size - place):
            return "at", text
        if last <= first:
            such = in_toml([0, one.at] if one.at else [one.size, END])
            if over == such:
                return "", f"covers nothing: it has {one.size} bytes, and a frame {frames.most}"
            return "over", f"expected bytes to cover, such as {such}; {over} are none"
        if first < place + one.size and place < last:
            behind = [one.at + one.size, END] if one.at >= 0 else [0, one.at]
            such = in_toml([begin, one.at] if first < place else behind)
            is_default = self.position is None and frames.behind
            where = f'{one.at}, before the "{frames.what}"' if is_default else one.at
            told = f"{over} covers the checksum itself, which stands at {where}"
            return "over", f"{told}; expected bytes such as {such}"
        return "", ""

    def _misplaced(self, one: Checksum, frames: Extent, left: int) -> str:
        """Return why it cannot stand where so many bytes of a frame are left; "" where it can."""
        if left > frames.most:
            return f'{one.at} is within the "start"; expected {-frames.most} or behind it'
        after = frames.last + frames.trailer
        if left >= after + one.size or one.size <= left <= frames.trailer:
            return ""
        in_trailer = one.size <= frames.trailer
        wanted = -one.size - (0 if in_trailer else after)
        begin, end = one.over
        told = f"expected {wanted}"
        if self.over is not None and end == one.at:
            told = f"expected over = {in_toml([begin, wanted])}, at = {wanted}"
        if left <= frames.trailer or not frames.last:
            return f"{one.at} has room for {left} of its {one.size} bytes; {told}"
        more = f', or a "trailer" of {one.size} bytes' if frames.trailer and not in_trailer else ""
        side = "behind" if in_trailer else "before"
        return f'{one.at} is within the "{frames.what}"; {told}, {side} it{more}'


class _Checksums(Kind):
    """A checksum's kind, its table, or an array of tables: a frame must fit all of them."""

    short = "word, table or array of tables"

    def __init__(self) -> None:
        self._table = section(ChecksumSettings)

    def read(self, value: Any, at: Location) -> Any:
        if isinstance(value, str):
            value = {"kind": value}
        if isinstance(value, Mapping):
            value = [value]
            places = [at]
        elif isinstance(value, (list, tuple)):
            places = [at / number for number in range(len(value))]
        else:
            return self._table.read(value, at)
        read = [self._table.read(one, place) for one, place in zip(value, places, strict=True)]
        return MISSING if MISSING in read else tuple(read)

    def described(self) -> dict[str, Any]:
        table = self._table.described()
        word = {"type": "string", "enum": [*KINDS]}
        return {"anyOf": [word, table, {"type": "array", "items": table}]}


CHECKSUMS = _Checksums()
