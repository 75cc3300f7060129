"""CSV: the values of one line, quoted or not, named by `fields` in their order ("": skip it)."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from ...config import Location
from ...keys import setting
from ...schema import Text, Texts
from .decoder import TextSettings, TypedSettings, decoder_kind
from .readings import Decode, Reading, Undecodable, as_text, checked, note_doubled
from .value_types import converted

__all__ = ["KIND", "CsvSettings"]


@dataclass(frozen=True, kw_only=True)
class CsvSettings(TypedSettings, TextSettings):
    """The values of a line as keyword arguments, by the names in `fields`."""

    fields: tuple[str, ...] = setting(
        Texts(),
        'the names of the values in their order; `""` leaves one out',
        example=("temp", "", "hum"),
    )
    separator: str = setting(
        Text(pattern='[^"\r\n]', wanted="one character"), "the character between two values", ","
    )

    def make(self) -> Decode:
        fields, types, separator = self.fields, self.types, self.separator

        def decode(frame: bytes) -> Reading:
            values = _row(as_text(frame, self.encoding), separator)
            if len(values) != len(fields):
                raise Undecodable("wrong number of values")
            named = {name: value for name, value in zip(fields, values, strict=True) if name}
            return checked(
                Reading([], converted(named, types, self.decimal, self.none), len(frame))
            )

        return decode

    def names(self) -> set[str]:
        return {name for name in self.fields if name}

    def check(self, at: Location) -> None:
        super().check(at)
        if not any(self.fields):
            (at / "fields").wrong("names no field")
        note_doubled(self.fields, at / "fields")


def _row(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        raise Undecodable("no CSV") from None


KIND = decoder_kind("csv", CsvSettings, "*fields")
