"""From the arguments of a call to bytes: "FF 01 99 {0:>H} 00 00 00 {sum8-negated:1}".

A field is a number in a format of Python's struct (`B`, one byte, without one), or the checksum of
all before it: in what order its bytes come (`>`, or `<`: the lowest first), and from which byte on.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from ...core import uris
from ...core.errors import InvalidArgument, UsageError
from ..framing.checksums import KINDS
from .templates import Template, argument, fields_of

__all__ = ["make_hex_template"]

FORMAT = re.compile(r"[<>=!@]?[bBhHiIlLqQfd]")
COVER = re.compile(r"(?P<order>[<>]?)(?P<begin>\d{0,4})")

Piece = Callable[[bytes, Sequence[Any], Mapping[str, Any]], bytes]  # what follows what is there


def make_hex_template(template: str) -> Template:
    """Return a function that fills the template, or raises InvalidArgument."""
    pieces: list[Piece] = []
    for literal, name, form in fields_of(template, "write_hex"):
        pieces.append(_literal(literal, template))
        if name is not None:
            pieces.append(_checksum(name, form) if name in KINDS else _number(name, form))

    def write(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        data = b""
        for piece in pieces:
            data += piece(data, args, kwargs)
        return data

    return write


def _literal(text: str, template: str) -> Piece:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise UsageError(
            f"write_hex {template!r}: expected two hexadecimal digits for each byte and fields such"
            f" as {{0}}, not {text!r}"
        ) from None
    return lambda before, args, kwargs: data


def _number(name: str, form: str) -> Piece:
    form = form or "B"
    if FORMAT.fullmatch(form) is None:
        raise UsageError(
            f"write_hex: {{{name}:{form}}}: expected a format of struct for one number, such as >H"
        )
    layout = struct.Struct(form if form[0] in "<>=!@" else ">" + form)

    def fill(before: bytes, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        value = argument(name, args, kwargs)
        try:
            return layout.pack(value)
        except (struct.error, OverflowError, TypeError) as exc:
            text = f"{value!r:.80} does not fit {{{name}:{form}}}: {exc}"
            raise InvalidArgument(uris.INVALID_ARGUMENT, text) from None

    return fill


def _checksum(name: str, form: str) -> Piece:
    found = COVER.fullmatch(form)
    if found is None:
        raise UsageError(
            f"write_hex: {{{name}:{form}}}: expected < or > and the position of the first byte that"
            " it covers, such as <1"
        )
    order: Literal["little", "big"] = "little" if found["order"] == "<" else "big"
    kind, begin = KINDS[name], int(found["begin"] or 0)
    return lambda before, *_: kind.compute(before[begin:]).to_bytes(kind.width, order)
