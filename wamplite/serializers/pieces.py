"""Write what holds many elements in pieces: other threads may go on between two of them.

A library holds the interpreter's lock for all of one call, which takes 10 ms for 15,000 dicts. The
octets are those of the whole: what a list or dict holds is written a few elements at a time, and
its head and its end are put round that. Long ones are found some levels down, and no further. A
long text, where that is slow to write, too, is cut by who knows the serializer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

MANY = 256  # elements of a piece, with what those among them hold that are containers
LEVELS = 4  # in which long ones are looked for: the message, its arguments, one of them, a value
CONTAINERS = frozenset({list, dict})
TEXTS = frozenset({str, bytes})


class Form(NamedTuple):
    """How a serializer writes a list or a dict: its head, its elements, its end."""

    write: Callable[[Any], bytes]  # any value, whole
    ends: Callable[[Any], tuple[bytes, bytes]]  # of a list or dict: what stands before and behind
    between: bytes  # two elements
    longest: float = inf  # characters, or octets, of a text or binary that is written at once
    write_long: Callable[[Any], bytes] | None = None  # a longer one


def holds_many(value: Any, levels: int = LEVELS, longest: float = inf) -> bool:
    """Tell whether a list or dict, or one that lies within it, has more than MANY elements.

    One that has a text or binary longer than `longest` counts as such.
    """
    if len(value) > MANY:
        return True
    for element in value if type(value) is list else value.values():
        kind = type(element)
        if kind in CONTAINERS:
            if levels > 1 and holds_many(element, levels - 1, longest):
                return True
        elif kind in TEXTS and len(element) > longest:
            return True
    return False


def write_in_pieces(value: Any, form: Form, levels: int = LEVELS) -> bytes:
    """Return what `form.write` would return of a list or dict."""
    if not levels or not holds_many(value, levels, form.longest):
        return form.write(value)
    begin, end = form.ends(value)
    return begin + form.between.join(_pieces(value, form, levels - 1)) + end


def _pieces(value: Any, form: Form, levels: int) -> Iterator[bytes]:
    """Write the elements of a list or dict; levels: in how many of those below it to look."""
    is_dict = type(value) is dict
    deeper = levels if len(value) <= MANY else 0  # of many elements only how long they are
    piece: list[Any] = []
    weight = 0
    for element in value.items() if is_dict else value:
        held = element[1] if is_dict else element
        size = len(held) if type(held) in CONTAINERS else 0
        is_long = not size and type(held) in TEXTS and len(held) > form.longest
        if is_long or size > MANY or (deeper and size and holds_many(held, deeper, form.longest)):
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
