"""How many bytes a payload takes, about: for whoever keeps payloads and must bound them.

It stops counting beyond `most`, so that a large payload costs no more than that.
"""

from __future__ import annotations

from typing import Any

EACH = 16  # bytes of an element, whatever it is


def weigh(value: Any, most: int) -> int:
    """Return about how many bytes a payload takes: more than `most`, if it is more than that."""
    total = 0
    waiting = [value]
    while waiting and total <= most:
        value = waiting.pop()
        total += EACH
        if isinstance(value, (str, bytes)):
            total += len(value)
        elif isinstance(value, dict):
            total += EACH * len(value) + sum(map(len, value))
            if total <= most:
                waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            total += EACH * len(value)
            if total <= most:
                waiting.extend(value)
    return total
