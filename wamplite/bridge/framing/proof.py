"""What proves a frame whole: its checksums and its last bytes; and how a configuration says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from ...config import Location
from ...keys import TableSettings, section, setting
from ...schema import MISSING, Kind, Text, Whole
from .checksums import KINDS, START, Checksum

__all__ = ["CHECKSUMS", "GARBAGE", "NO_PROOF", "WRONG", "ChecksumSettings", "Proof"]

WRONG, GARBAGE = "wrong checksum", "garbage"  # why a frame is dropped
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
        """Return why a frame whose start has so many bytes is none; "" if it is one."""
        if not whole.endswith(self._end):
            return GARBAGE
        return "" if all(one.fits(whole, start) for one in self._checksums) else WRONG

    def refutes(self, begun: bytes, start: int) -> bool:
        """Tell whether what has come of a frame, its header, shows that it is none."""
        return any(
            len(begun) >= start + needs and not one.fits(begun, start) for needs, one in self._early
        )


NO_PROOF = Proof()


class _Span(Kind):
    """Two positions, the first of which may be the start's."""

    wanted = f'two positions such as [0, 6] or ["{START}", -2]'
    short = "[from, to]"

    def fits(self, value: Any) -> bool:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            return False
        begin, end = value
        return type(end) is int and (begin == START or type(begin) is int)

    def convert(self, value: Any) -> Any:
        return tuple(value)

    def described(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 2, "maxItems": 2}


@dataclass(frozen=True, kw_only=True)
class ChecksumSettings(TableSettings):
    """A checksum: what it covers and where it stands in a frame."""

    kind: str = setting(Text(*KINDS), "how it is computed")
    over: tuple[int | str, int] | None = setting(
        _Span(), "what it covers; without it, all from behind the start up to it", None
    )
    position: int | None = setting(
        Whole(-FARTHEST, FARTHEST), "where it stands; without it, at the end", None, name="at"
    )
    byteorder: str = setting(Text("big", "little"), "which of its bytes comes first", "big")
    format: str = setting(
        Text("binary", "hex"), "bytes, or text of two hexadecimal digits for each", "binary"
    )

    def make(self) -> Checksum:
        """Return the checksum."""
        order = cast("Literal['big', 'little']", self.byteorder)
        return Checksum(self.kind, self.over, self.position, order, self.format == "hex")


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
