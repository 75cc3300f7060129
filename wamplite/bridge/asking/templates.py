"""From the arguments of a call or an event to the bytes for the device: "FAN {0:d}\\n".

The checksum of all before it has the name of its kind: "$01M{sum8:hex}\\r" (see `checksum_fields`).

Arguments must not add a command of their own: text that is filled in may not hold control
characters such as line ends; a number that is longer than the width of its hexadecimal format is
refused. Only a template that is a single field ("{0}") passes text and bytes
as they are.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from ...core import uris
from ...core.errors import InvalidArgument, UsageError
from ...core.words import shorten
from ..framing.checksums import KINDS
from .checksum_fields import checksum_field, no_format

__all__ = [
    "Piece",
    "Template",
    "argument",
    "as_text",
    "computed",
    "constant",
    "fields_of",
    "filled",
    "make_template",
]

Template = Callable[[Sequence[Any], Mapping[str, Any]], bytes]
Piece = Callable[[bytes, Sequence[Any], Mapping[str, Any]], bytes]  # what follows what is there
Fields = list[tuple[str, "str | None", str]]  # a text, and name and format of the field behind it
MOST = 4096  # bytes of one command
TOO_LONG = re.compile(r"\d{5}")  # a width that no command can have
WANTED = {**dict.fromkeys("bcdoxX", "a whole number"), "s": "text"}  # by the kind of a format
SAMPLES = ("", 0, 0.0)  # an argument of each type that a format may be for
FORMATS = "a format of Python for a text or a number, such as s, 02X or .1f"

# A format of as many hexadecimal digits as its width: one more would be another command
HEXADECIMAL = re.compile(r"(.?[<>^])?#?0?(?P<width>[0-9]+)[xX]", re.S)


def make_template(template: str, encoding: str = "utf-8") -> Template:
    """Return a function that fills the template, or raises InvalidArgument."""
    fields = fields_of(template, "write")
    names = [name for _, name, _ in fields if name is not None]
    if len(names) == 1 and template == "{" + names[0] + "}" and names[0] not in KINDS:
        single = names[0]
        return lambda args, kwargs: bounded(_as_is(argument(single, args, kwargs), encoding))
    pieces: list[Piece] = []
    text: Fields = []
    for literal, name, form in fields:
        text.append((literal, None, ""))
        before = [*pieces, _text(text, template, encoding)]
        checksum = name and checksum_field(name, form, "write", constant(before))
        if checksum:
            pieces, text = [*before, computed(checksum)], []
        elif name is not None:
            _check_format(name, form)
            text.append(("", name, form))
    return filled([*pieces, _text(text, template, encoding)])


def filled(pieces: Sequence[Piece]) -> Template:
    """Return what puts pieces behind each other."""

    def write(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        data = b""
        for piece in pieces:
            data += piece(data, args, kwargs)
        return bounded(data)

    return write


def constant(pieces: Sequence[Piece]) -> bytes | None:
    """Return what pieces write whatever the arguments are; None where these are wanted."""
    try:
        return filled(pieces)((), {})
    except InvalidArgument:
        return None


def computed(checksum: Callable[[bytes], bytes]) -> Piece:
    """Return the piece that is a checksum of all before it."""
    return lambda before, args, kwargs: checksum(before)


def _check_format(name: str, form: str) -> None:
    """Raise UsageError where no argument has such a format."""
    for sample in () if TOO_LONG.search(form) else SAMPLES:
        with suppress(ValueError):
            format(sample, form)
            return
    raise no_format(name, form, "write", FORMATS)


def _text(fields: Fields, template: str, encoding: str) -> Piece:
    def fill(before: bytes, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        text = ""
        try:
            for literal, name, form in fields:
                text += literal
                if name is not None:
                    text += _formatted(argument(name, args, kwargs), form)
            return text.encode(encoding)
        except UnicodeError as exc:
            _refuse(f"the arguments do not fit {template!r}: {exc}")

    return fill


def fields_of(template: str, key: str) -> Fields:
    """Return each text of a template, with the name and the format of the field behind it, if any.

    UsageError, which names the key, for any field but one with a plain name.
    """
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as exc:
        raise UsageError(f"{key} {template!r}: {exc}") from exc
    for _, name, form, conversion in pieces:
        if name is None:
            continue
        if not name or set(name) & set(".[") or conversion or "{" in (form or ""):
            raise UsageError(
                f"{key} {template!r}: a field is {{0}} or {{name}}, with a format or without,"
                f" not {{{name}{'!' + conversion if conversion else ''}}}"
            )
    return [(text, name, form or "") for text, name, form, _ in pieces]


def argument(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the argument that a field names; InvalidArgument where there is none."""
    try:
        return args[int(name)] if name.isdecimal() else kwargs[name]
    except (IndexError, KeyError):
        what = "argument" if name.isdecimal() else "keyword argument"
        _refuse(f"{what} {name} is missing")


def as_text(value: Any) -> Any:
    """Return a number as text, as the command line takes one for a text; others as they are."""
    return str(value) if type(value) in (int, float) else value


def _formatted(value: Any, form: str) -> str:
    if not isinstance(value, (str, int, float)):
        _refuse(f"expected text or a number, not {type(value).__name__}")
    if type(value) is bool and not form:
        return "1" if value else "0"
    if isinstance(value, str) and not value.isprintable():
        _refuse(f"control characters are not allowed: {value!r}")
    try:
        text = format(as_text(value) if form.endswith("s") else value, form)
    except (ValueError, TypeError):
        wanted = WANTED.get(form[-1:], "a number")
        _refuse(f"{shorten(repr(value))} does not fit {{:{form}}}: expected {wanted}")
    wide = HEXADECIMAL.fullmatch(form)
    if wide is not None and (len(text) > int(wide["width"]) or text.lstrip().startswith("-")):
        _refuse(f"{value} does not fit {{:{form}}}: expected {wide['width']} hexadecimal digits")
    return text


def _as_is(value: Any, encoding: str) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    try:
        return (value if type(value) is str else _formatted(value, "")).encode(encoding)
    except UnicodeError as exc:
        _refuse(f"cannot be said in {encoding}: {exc}")


def bounded(data: bytes) -> bytes:
    """Return a command; InvalidArgument where it is too long."""
    if len(data) > MOST:
        _refuse(f"{len(data)} bytes for the device; at most {MOST}")
    return data


def _refuse(text: str) -> NoReturn:
    raise InvalidArgument(uris.INVALID_ARGUMENT, text)
