"""The types of values that are made from text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from .readings import Undecodable

__all__ = ["TYPES", "converted", "likely"]

LONGEST = 64  # characters of a value with a type; int() refuses more than 4300 digits
EXACT = 15  # digits that a float holds


def converted(
    values: Mapping[str, str],
    types: Mapping[str, str],
    decimal: str = ".",
    none: Mapping[str, Collection[Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Convert the values that have a type; the others stay text.

    decimal: the point, or a comma. none: texts, by names, that are no values; these are left out.
    """
    return {
        name: _convert(name, text.strip(), types[name], decimal) if name in types else text
        for name, text in values.items()
        if name not in none or text.strip() not in none[name]
    }


def likely(text: str, decimal: str = ".") -> Any:
    """Return the number that a text looks like, else the text."""
    plain = _pointed(text, decimal)
    if plain is None or len(plain) > EXACT:
        return text
    if TYPES["int"][0].fullmatch(plain):
        return int(plain)
    if TYPES["float"][0].fullmatch(plain) and math.isfinite(float(plain)):
        return float(plain)
    return text


def _convert(name: str, text: str, kind: str, decimal: str) -> Any:
    pattern, make = TYPES[kind]
    plain = _pointed(text, decimal) if kind in ("int", "float") else text
    if kind == "quantity":
        plain = _quantity(text, decimal)
    if plain is None or pattern.fullmatch(plain) is None or len(plain) > LONGEST:
        raise Undecodable(f"{name}: no {kind}")
    value = make(plain)
    if type(value) is float and not math.isfinite(value):
        raise Undecodable(f"{name}: no {kind}")
    return value


def _pointed(text: str, decimal: str) -> str | None:
    """Return a number as Python writes it; None where a point stands that is none."""
    if decimal == ".":
        return text
    return None if "." in text else text.replace(decimal, ".")


def _quantity(text: str, decimal: str) -> str | None:
    """Return the number of "+  1 234,5 kg" or "1.5E-3*kW": sign, digits and their groups joined."""
    found = _QUANTITY[decimal].match(text)
    if found is None:
        return None
    sign, digits, decimals, exponent = found.groups(default="")
    return sign + re.sub(r"\D", "", digits) + decimals.replace(decimal, ".") + exponent


def _hexadecimal(text: str) -> tuple[int, int]:
    """Return a number, and that of which its highest bit alone is set."""
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    return int(digits, 16), 1 << 4 * len(digits) - 1


def _twos_complement(text: str) -> int:
    value, half = _hexadecimal(text)
    return value - 2 * half if value >= half else value


def _sign_magnitude(text: str) -> int:
    value, half = _hexadecimal(text)
    return half - value if value >= half else value


def _plain(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


BOOLS = {"1": True, "true": True, "on": True, "yes": True}
BOOLS |= {"0": False, "false": False, "off": False, "no": False}

# What a unit begins with, if there is one; not what belongs to a number: "0x10", "1E-", "10/20"
_UNIT = r"\s*(?:$|(?![eE][+\-0-9]|[xX]\s*[0-9a-fA-F])[^\W\d_]|[%°]|[*/](?!\s*[+\-.,0-9]))"

# Sign, whole part (in groups of three, or without), decimals, exponent; not binary nor octal digits
_QUANTITY = {
    point: re.compile(
        r"([+-]?)\s*(?!0[bBoO][0-9])"
        rf"([0-9]{{1,3}}(?:[\s'{group}][0-9]{{3}})+|[0-9]+)([{point}][0-9]*)?([eE][+-]?[0-9]+)?"
        + _UNIT
    )
    for point, group in ((".", ","), (",", "."))
}
_HEX = re.compile(r"(0[xX])?[0-9a-fA-F]+")

# The pattern of the text, and the function that converts it. Python's own int() and float() also
# take "nan", "1_000" and digits of other scripts.
TYPES: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "int": (re.compile(r"[+-]?[0-9]+"), int),
    "float": (re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"), float),
    "str": (re.compile(r".*", re.S), str),
    "bool": (re.compile("|".join(BOOLS), re.I), lambda text: BOOLS[text.lower()]),
    "hex": (_HEX, lambda text: int(text, 16)),
    "hex-twos-complement": (_HEX, _twos_complement),
    "hex-sign-magnitude": (_HEX, _sign_magnitude),
    "quantity": (re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?"), _plain),
}
