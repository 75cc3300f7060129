"""Values that are nested deeply."""

from __future__ import annotations

from typing import Any


def nested(depth: int) -> Any:
    """Return a value of so many containers, lists and dicts in turn."""
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value
