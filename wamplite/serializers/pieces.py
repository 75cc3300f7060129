"""Write what holds many elements in pieces: other threads may go on between two of them.

A library holds the interpreter's lock for all of one call, which takes 10 ms for 15,000 dicts. The
octets are those of the whole: what a list or dict holds is written a few elements at a time, and
its head and its end are put round that. A long text, where that is slow to write, too, is cut by
who knows the serializer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

MANY = 256  # elements of a piece, with all that those among them hold that are containers
LEVELS = 66  # of what may be carried: the message, its arguments, and 64 of each of these
CONTAINERS = frozenset({list, dict})
TEXTS = frozenset({str, bytes})


class Form(NamedTuple):
    """How a serializer writes a list or a dict: its head, its elements, its end."""

    write: Callable[[Any], bytes]  # any value, whole
    ends: Callable[[Any], tuple[bytes, bytes]]  # of a list or dict: what stands before and behind
    between: bytes  # two elements
    longest: float = inf  # characters, or octets, of a text or binary that is written at once
    write_long: Callable[[Any], bytes] | None = None  # a longer one


def holds_many(value: Any, longest: float = inf) -> bool:
    """Tell whether a list or dict holds more than MANY elements, with those that it holds in turn.

    One that has a text or binary longer than `longest` counts as such.
    """
    return _weight(value, longest) > MANY


def _weight(value: Any, longest: float) -> int:
    """Return how many elements a list or dict holds at any depth; beyond MANY nobody counts."""
    weight = len(value)
    if weight > MANY:
        return weight
    for element in value if type(value) is list else value.values():
        kind = type(element)
        if kind in CONTAINERS:
            weight += _weight(element, longest)
            if weight > MANY:
                break
        elif kind in TEXTS and len(element) > longest:
            return MANY + 1
    return weight


def write_in_pieces(value: Any, form: Form, levels: int = LEVELS) -> bytes:
    """Return what `form.write` would return of a list or dict."""
    if not levels or not holds_many(value, form.longest):
        return form.write(value)
    begin, end = form.ends(value)
    return begin + form.between.join(_pieces(value, form, levels - 1)) + end


def _pieces(value: Any, form: Form, levels: int) -> Iterator[bytes]:
    """Write the elements of a list or dict; levels: how many more there may be."""
    is_dict = type(value) is dict
    piece: list[Any] = []
    weight = 0
    for element in value.items() if is_dict else value:
        held = element[1] if is_dict else element
        kind = type(held)
        size = _weight(held, form.longest) if kind in CONTAINERS else 0
        is_long = kind in TEXTS and len(held) > form.longest
        if is_long or size > MANY:
            if piece:
                yield _inside(piece, is_dict, form)
            piece, weight = [], 0
            key = _key(element[0], form) if is_dict else b""
            write = form.write_long if is_long else None
            yield key + (write(held) if write else write_in_pieces(held, form, levels))
            continue
        piece.append(element)
        weight += 1 + size
        if weight >= MANY:
            yield _inside(piece, is_dict, form)
            piece, weight = [], 0
    if piece:
        yield _inside(piece, is_dict, form)


def _inside(elements: list[Any], is_dict: bool, form: Form) -> bytes:
    """Write elements of a list, or pairs of a dict, without head and end."""
    value = dict(elements) if is_dict else elements
    begin, end = form.ends(value)
    written = form.write(value)
    return written[len(begin) : len(written) - len(end)]


def _key(key: Any, form: Form) -> bytes:
    """Write a key of a dict, and what parts it from its value."""
    pair = _inside([(key, None)], True, form)
    return pair[: len(pair) - len(form.write(None))]
