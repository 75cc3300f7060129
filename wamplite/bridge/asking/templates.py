"""From the arguments of a call or an event to the bytes for the device: "FAN {0:d}\\n".

Arguments must not add a command of their own: text that is filled in may not hold control
characters such as line ends. Only a template that is a single field ("{0}") passes text and bytes
as they are.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from ...core import uris
from ...core.errors import InvalidArgument, UsageError

__all__ = ["Template", "argument", "bounded", "fields_of", "make_template"]

Template = Callable[[Sequence[Any], Mapping[str, Any]], bytes]
MOST = 4096  # bytes of one command


def make_template(template: str, encoding: str = "utf-8") -> Template:
    """Return a function that fills the template, or raises InvalidArgument."""
    fields = [name for _, name, _ in fields_of(template, "write") if name is not None]
    single = fields[0] if template in ("{" + name + "}" for name in fields) else None
    filler = _Filler()

    def write(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
        if single is not None:
            return bounded(_as_is(argument(single, args, kwargs), encoding))
        try:
            return bounded(filler.vformat(template, args, kwargs).encode(encoding))
        except (ValueError, TypeError) as exc:
            _refuse(f"the arguments do not fit {template!r}: {exc}")

    return write


def fields_of(template: str, key: str) -> list[tuple[str, str | None, str]]:
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
    return _Filler().get_value(_key(name), args, kwargs)


class _Filler(string.Formatter):
    """Fills plain names, and refuses what must not be filled in."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        try:
            return args[key] if isinstance(key, int) else kwargs[key]
        except (IndexError, KeyError):
            what = f"argument {key}" if isinstance(key, int) else f"keyword argument {key}"
            _refuse(f"{what} is missing")

    def format_field(self, value: Any, format_spec: str) -> str:
        if not isinstance(value, (str, int, float)):
            _refuse(f"expected text or a number, not {type(value).__name__}")
        if type(value) is bool and not format_spec:
            return "1" if value else "0"
        if isinstance(value, str) and not value.isprintable():
            _refuse(f"control characters are not allowed: {value!r}")
        return str(format(value, format_spec))


def _key(name: str) -> int | str:
    return int(name) if name.isdecimal() else name


def _as_is(value: Any, encoding: str) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    try:
        return str(value).encode(encoding) if type(value) is str else _number(value)
    except UnicodeError as exc:
        _refuse(f"cannot be said in {encoding}: {exc}")


def _number(value: Any) -> bytes:
    return _Filler().format_field(value, "").encode()


def bounded(data: bytes) -> bytes:
    """Return a command; InvalidArgument where it is too long."""
    if len(data) > MOST:
        _refuse(f"{len(data)} bytes for the device; at most {MOST}")
    return data


def _refuse(text: str) -> NoReturn:
    raise InvalidArgument(uris.INVALID_ARGUMENT, text)
