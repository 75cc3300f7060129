"""What an object holds, without naming its parts: its attributes, and what lies in containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CONTAINERS = (list, tuple, set, frozenset)


def held_octets(what: Any) -> int:
    """Return how many octets of binary or text an object holds, itself and in what it holds."""
    return sum(len(each) for each in held(what) if isinstance(each, (bytes, bytearray, str)))


def held(what: Any) -> Iterator[Any]:
    """Yield an object's values and, once each, those of what of wamplite it refers to."""
    seen: set[int] = set()
    waiting = list(values(what))
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, CONTAINERS):
            waiting += each
        elif type(each).__module__.startswith("wamplite."):
            waiting += values(each)


def values(what: Any) -> Iterator[Any]:
    """Yield what the attributes of an object are now."""
    yield from getattr(what, "__dict__", {}).values()
    for kind in type(what).__mro__:
        for name in kind.__dict__.get("__slots__", ()):
            if hasattr(what, name):
                yield getattr(what, name)
