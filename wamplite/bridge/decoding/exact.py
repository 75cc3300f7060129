"""Arithmetic as people do it: 2301 times 0.1 is 230.1, not 230.10000000000002."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["scaled"]


def scaled(
    value: int | float, scale: int | float = 1, offset: int | float = 0, digits: int | None = None
) -> int | float:
    """Return value * scale + offset, computed in decimal; whole numbers stay whole.

    digits: round half to even to so many behind the point; with 0, the result is whole.
    """
    exact = _decimal(value) * _decimal(scale) + _decimal(offset)
    if digits is not None:
        exact = round(exact, digits)
    whole = all(type(number) is int for number in (value, scale, offset)) or digits == 0
    return int(exact) if whole else float(exact)


def _decimal(number: int | float) -> Decimal:
    return Decimal(repr(number))
