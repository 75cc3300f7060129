"""Frames that hold several values: named ones become keyword arguments, the others arguments.

`csv`     the values of one line, quoted or not, named by `fields` in their order ("": skip it).
`regex`   the groups of a pattern that is searched for in the text; without groups, its match.
`struct`  the values of a binary record, its format as in Python's struct module.
"""

from __future__ import annotations

import csv
import re
import struct
from collections.abc import Iterable
from typing import Any

from ...core.errors import UsageError
from ..settings import DecodeSettings
from .readings import Decode, Reading, Undecodable, as_text, checked, converted

__all__ = ["csv_decoder", "names_of", "regex_decoder", "struct_decoder"]

MOST = 65536  # bytes of a record


def names_of(settings: DecodeSettings) -> set[str] | None:
    """Return the names of all values a frame can have; None where they depend on the frame."""
    if settings.kind == "regex":
        pattern = _compiled(settings)
        unnamed = pattern.groups - len(pattern.groupindex) if pattern.groups else 1
        return set(pattern.groupindex) | _positions(unnamed)
    if settings.kind == "csv":
        return {name for name in settings.fields if name}
    if settings.kind == "struct":
        values = len(_layout(settings).unpack(bytes(_layout(settings).size)))
        return {name for name in settings.fields if name} or _positions(values)
    return {"0"} if settings.kind in ("text", "bytes") else None


def _positions(number: int) -> set[str]:
    return {str(position) for position in range(number)}


def csv_decoder(settings: DecodeSettings) -> Decode:
    """Return the decoder of lines of comma-separated values."""
    fields, types, separator = settings.fields, settings.types, settings.separator

    def decode(frame: bytes) -> Reading:
        values = _row(as_text(frame, settings.encoding), separator)
        if len(values) != len(fields):
            raise Undecodable("wrong number of values")
        named = {name: value for name, value in zip(fields, values, strict=True) if name}
        return checked(Reading([], converted(named, types), len(frame)))

    return decode


def _row(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        raise Undecodable("no CSV") from None


def regex_decoder(settings: DecodeSettings) -> Decode:
    """Return the decoder of lines in which a pattern finds the values."""
    pattern, types = _compiled(settings), settings.types
    named = {number: name for name, number in pattern.groupindex.items()}
    unnamed = [number for number in range(1, pattern.groups + 1) if number not in named]
    unnamed = unnamed if pattern.groups else [0]

    def decode(frame: bytes) -> Reading:
        match = pattern.search(as_text(frame, settings.encoding))
        if match is None:
            raise Undecodable("no match")
        found = {str(at): match[number] for at, number in enumerate(unnamed)}
        texts = found | match.groupdict()
        values = converted({name: t for name, t in texts.items() if t is not None}, types)
        args = [values.pop(at, None) for at in found]
        return checked(Reading(args, values, len(frame)))

    return decode


def _compiled(settings: DecodeSettings) -> re.Pattern[str]:
    try:
        return re.compile(settings.pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        raise UsageError(f"pattern {settings.pattern!r} is no regular expression: {exc}") from exc


def struct_decoder(settings: DecodeSettings) -> Decode:
    """Return the decoder of binary records."""
    layout, fields = _layout(settings), settings.fields
    number = len(layout.unpack(bytes(layout.size)))
    if fields and len(fields) != number:
        raise UsageError(
            f"format {settings.format!r} holds {number} values, fields names {len(fields)}"
        )

    def decode(frame: bytes) -> Reading:
        if len(frame) != layout.size:
            raise Undecodable("wrong size")
        return checked(_named(layout.unpack(frame), fields, len(frame)))

    return decode


def _named(values: Iterable[Any], fields: tuple[str, ...], size: int) -> Reading:
    if not fields:
        return Reading(list(values), {}, size)
    pairs = zip(fields, values, strict=True)
    return Reading([], {name: value for name, value in pairs if name}, size)


def _layout(settings: DecodeSettings) -> struct.Struct:
    try:
        layout = struct.Struct(settings.format)
    except (struct.error, UnicodeError) as exc:
        raise UsageError(f"format {settings.format!r} is none of struct: {exc}") from exc
    if not 0 < layout.size <= MOST:
        raise UsageError(f"format {settings.format!r} is {layout.size} bytes, not 1 to {MOST}")
    return layout
