"""The names of values that a bridge adds to events itself: no device's value stands for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

__all__ = ["MARKS", "TIMES", "renamed"]

MARKS = ("seq", "_resent")  # where events are marked
TIMES = ("ts", "_clock")  # where they tell when they were heard


def renamed(values: dict[str, Any], reserved: Collection[str]) -> dict[str, Any]:
    """Return the values of a device; a name that is the bridge's own has `_` behind it."""
    if values.keys().isdisjoint(reserved):
        return values
    free = {name: _free(name, values) for name in reserved}
    return {free.get(name, name): value for name, value in values.items()}


def _free(name: str, values: dict[str, Any]) -> str:
    while name in values:
        name += "_"
    return name
