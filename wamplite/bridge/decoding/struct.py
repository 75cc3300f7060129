"""A binary record, its format as in Python's struct module."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...config import Location
from ...core.errors import UsageError
from ...keys import setting
from ...schema import Flag, Text, Texts
from .decoder import DecodeSettings, decoder_kind
from .readings import (
    Decode,
    Reading,
    Undecodable,
    as_text,
    checked,
    note_doubled,
    positions,
)

__all__ = ["KIND", "StructSettings"]

MOST = 65536  # bytes of a record


@dataclass(frozen=True, kw_only=True)
class StructSettings(DecodeSettings):
    """The values of a binary record: by name where `fields` names them, else as arguments."""

    format: str = setting(
        Text(),
        'as in Python\'s `struct`: `"<HhI"` is little-endian, 16 bits, 16 signed, 32',
        example="<HhI",
    )
    fields: tuple[str, ...] = setting(
        Texts(),
        'the names of the values in their order; `""` leaves one out',
        (),
        example=("temp", "", "hum"),
    )
    hex: bool = setting(
        Flag(), "the frame is text, two hexadecimal digits for each byte of the record", False
    )

    def make(self) -> Decode:
        layout, fields = self._layout(), self.fields
        number = len(layout.unpack(bytes(layout.size)))
        if fields and len(fields) != number:
            raise UsageError(
                f"format {self.format!r} holds {number} values, fields names {len(fields)}"
            )

        def decode(frame: bytes) -> Reading:
            record = _of_digits(frame) if self.hex else frame
            if len(record) != layout.size:
                raise Undecodable("wrong size")
            return checked(_named(layout.unpack(record), fields, len(frame)))

        return decode

    def names(self) -> set[str]:
        values = len(self._layout().unpack(bytes(self._layout().size)))
        return {name for name in self.fields if name} or positions(values)

    @property
    def size(self) -> int | None:
        return None if self.hex else self._layout().size

    def check(self, at: Location) -> None:
        super().check(at)
        note_doubled(self.fields, at / "fields")

    def _layout(self) -> struct.Struct:
        try:
            layout = struct.Struct(self.format)
        except (struct.error, UnicodeError) as exc:
            raise UsageError(f"format {self.format!r} is none of struct: {exc}") from exc
        if not 0 < layout.size <= MOST:
            raise UsageError(f"format {self.format!r} is {layout.size} bytes, not 1 to {MOST}")
        return layout


def _of_digits(frame: bytes) -> bytes:
    try:
        return bytes.fromhex(as_text(frame, "ascii"))  # which passes over blanks
    except ValueError:
        raise Undecodable("no hexadecimal digits") from None


def _named(values: Iterable[Any], fields: tuple[str, ...], size: int) -> Reading:
    if not fields:
        return Reading(list(values), {}, size)
    pairs = zip(fields, values, strict=True)
    return Reading([], {name: value for name, value in pairs if name}, size)


KIND = decoder_kind("struct", StructSettings, "format", "*fields")
