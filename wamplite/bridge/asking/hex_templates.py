"""From the arguments of a call to bytes: "AA {address} {data:#<H} {data:s} {crc16-modbus:<1}".

{name:<H}            a number, in a format of Python's struct; one byte without a format
{name:<u24}, i24     a number of three bytes, without or with a sign
{name:s}, {name:4s}  bytes, or a text of two hexadecimal digits for each; exactly so many
{name:#}, {name:#<H} how many bytes these are, as a number
{crc16-modbus:<1}    the checksum of all before it, see `checksum_fields`
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import index
from typing import Any, Literal

from ...core import uris
from ...core.errors import InvalidArgument, UsageError
from .checksum_fields import checksum_field, no_format
from .templates import Piece, Template, argument, as_text, computed, constant, fields_of, filled

__all__ = ["make_hex_template"]

FORMAT = re.compile(r"[<>=!@]?[bBhHiIlLqQfd]")
THREE = re.compile(r"(?P<order>[<>]?)(?P<sign>[ui])24")  # bytes, of which struct knows nothing
FORMATS = (
    "a format of struct for one number, such as >H, u24 or i24, s or 4s for bytes, # or #>H for"
    " their number"
)
OCTETS = re.compile(r"(\d{0,4})s")


def make_hex_template(template: str) -> Template:
    """Return a function that fills the template, or raises InvalidArgument."""
    pieces: list[Piece] = []
    for literal, name, form in fields_of(template, "write_hex"):
        pieces.append(_literal(literal, template))
        if name is not None:
            pieces.append(_piece(name, form, constant(pieces)))
    return filled(pieces)


def _piece(name: str, form: str, before: bytes | None) -> Piece:
    if (checksum := checksum_field(name, form, "write_hex", before)) is not None:
        return computed(checksum)
    if form.startswith("#"):
        return _size(name, form)
    return _octets(name, form) if OCTETS.fullmatch(form) else _number(name, form)


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
    pack = _packer(name, form, form or "B")
    return lambda before, args, kwargs: pack(argument(name, args, kwargs))


def _size(name: str, form: str) -> Piece:
    pack = _packer(name, form, form[1:] or "B")
    return lambda before, args, kwargs: pack(len(_as_bytes(name, argument(name, args, kwargs))))


def _octets(name: str, form: str) -> Piece:
    size = int(form[:-1]) if form[:-1] else None

    def fill(before: bytes, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        data = _as_bytes(name, argument(name, args, kwargs))
        if size is not None and len(data) != size:
            text = f"{len(data)} bytes do not fit {{{name}:{form}}}: expected {size}"
            raise InvalidArgument(uris.INVALID_ARGUMENT, text)
        return data

    return fill


def _as_bytes(name: str, value: object) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(text := as_text(value), str):
        with suppress(ValueError):
            return bytes.fromhex(text)
    text = f"{value!r:.80} does not fit {{{name}}}: expected bytes, or two hexadecimal digits each"
    raise InvalidArgument(uris.INVALID_ARGUMENT, text)


def _packer(name: str, form: str, layout: str) -> Callable[[Any], bytes]:
    """Return what packs a number in a layout of struct; form: the field's, for errors."""
    three = THREE.fullmatch(layout)
    if three is None and FORMAT.fullmatch(layout) is None:
        raise no_format(name, form, "write_hex", FORMATS)
    convert = _converter(layout) if three is None else _of_three(three)

    def pack(value: Any) -> bytes:
        try:
            return convert(value)
        except (struct.error, OverflowError, TypeError) as exc:
            text = f"{value!r:.80} does not fit {{{name}:{form}}}: {exc}"
            raise InvalidArgument(uris.INVALID_ARGUMENT, text) from None

    return pack


def _converter(layout: str) -> Callable[[Any], bytes]:
    return struct.Struct(layout if layout[0] in "<>=!@" else ">" + layout).pack


def _of_three(layout: re.Match[str]) -> Callable[[Any], bytes]:
    order: Literal["little", "big"] = "little" if layout["order"] == "<" else "big"
    signed = layout["sign"] == "i"
    return lambda value: index(value).to_bytes(3, order, signed=signed)
