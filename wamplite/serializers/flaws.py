"""Look at a message value by value, in order, and find the first that cannot be carried.

The checks of `payload.py` are fast and only know that something is wrong. Whatever they refuse is
read again by a reader that builds all it can, within the same bounds, and puts a `Flaw` where it
cannot; this walk then finds the place and the words, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any, NamedTuple

from ..core.errors import ProtocolError
from ..core.unfit import Uncarriable
from . import payload
from .payload import LEVELS, MAX_INT, MAX_LENGTH, MAX_TOTAL, MIN_INT

MOST_KEYS = 1024  # of Options that are looked at, once there is a flaw


class Flaw(NamedTuple):
    """Stands where a value could not be built; `instead` is of its kind."""

    why: str
    instead: Any


def judged(array: Any) -> Any:
    """Return a message if all of it can be carried; raises Uncarriable with its head."""
    found = find_flaw(array if type(array) is list else [array])
    if found is None:
        return array
    path, why = found
    if type(array) is not list:
        raise ProtocolError(why)
    raise Uncarriable(why, path, [head(element) for element in array])


def find_flaw(array: list[Any], own: int | None = None) -> tuple[list[int | str], str] | None:
    """Return the path of the first flaw and what is wrong there; None if there is none.

    `own` elements are not counted: those of the message itself and of its Options.
    """
    if len(array) > MAX_LENGTH:
        return [], payload.TOO_LONG
    if own is None:
        own = len(array) + next((len(item) for item in array if type(item) is dict), 0)
    left = MAX_TOTAL + own - len(array)
    path: list[int | str] = [0]
    ways: list[Iterator[tuple[Any, Any]]] = [iter(enumerate(array))]
    while ways:
        for key, value in ways[-1]:
            path[-1] = key
            why = flaw_of(value)
            if why is None and type(value) in payload.CONTAINERS:
                left -= len(value)
                why = _bound(value, len(path), left)
                if why is None and value:
                    ways.append(iter(value.items() if type(value) is dict else enumerate(value)))
                    path.append(0)
                    break
            if why is not None:
                return ([], why) if why is payload.TOO_MANY else (path, why)
        else:
            ways.pop()
            path.pop()
    return None


def _bound(value: Any, depth: int, left: int) -> str | None:
    if depth >= LEVELS:
        return payload.TOO_DEEP
    if len(value) > MAX_LENGTH:
        return payload.TOO_LONG
    if left < 0:
        return payload.TOO_MANY
    return next(filter(None, map(_key_flaw, value)), None) if type(value) is dict else None


def _key_flaw(key: Any) -> str | None:
    """Say what is wrong with a key of a dict; that its text begins with NUL is not."""
    if type(key) is Flaw:
        return str(key.why)
    if type(key) is not str:
        return payload.KEY + type(key).__name__
    return None if _is_unicode(key) else payload.SURROGATE


def flaw_of(value: Any) -> str | None:
    """Say what is wrong with one value, whatever lies below it; None: nothing."""
    kind = type(value)
    if kind is Flaw:
        why: str = value.why
        return why
    if kind is str:
        if value[:1] == "\0":
            return payload.NUL
        return None if _is_unicode(value) else payload.SURROGATE
    if kind is int:
        return None if MIN_INT <= value <= MAX_INT else payload.INTEGER
    if kind is float:
        return None if isfinite(value) else payload.FINITE
    return None if kind in payload.KNOWN else payload.KIND + kind.__name__


def _is_unicode(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def head(element: Any) -> Any:
    """Return an element of the message as far as its grammar goes: Options without its flaws."""
    if type(element) is Flaw:
        return element.instead
    if type(element) is list:
        return []
    if type(element) is dict and len(element) > MOST_KEYS:
        return {}
    if type(element) is dict:
        return {
            key: value for key, value in element.items() if find_flaw([{key: value}], 2) is None
        }
    return element
