"""From an array on the wire to a message and back, by the law of `grammar.py`.

The quick way asks only whether an array is right, by the types of its elements, and takes nearly
all. What is rare or wrong goes the careful way, element by element in the order of the
specification, and raises ProtocolError at the first offence, in words that name it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from .errors import ProtocolError
from .grammar import ANSWERABLE, GRAMMAR, PAYLOAD, REVOCATION, Keys, Shape
from .ids import MAX_ID
from .messages import NAMES, Message, build
from .words import show

_TYPES: dict[str, type] = {"id": int, "request": int, "uri": str, "string": str, "dict": dict}
_WANTED = {int: "an integer", str: "a string", dict: "a dict"}
_MORE = {PAYLOAD: 2, REVOCATION: 1}


class _Fast(NamedTuple):
    """A Shape as `parse` asks it: all from one look-up by the types of an array's elements."""

    message: type[Any]
    ids: tuple[int, ...]  # where ids stand
    details: int  # where the dict with typed keys stands
    check: Callable[[dict[str, Any]], None] | None  # looks at that
    is_required: bool  # that there is something in it
    absent: list[None]  # what the array left out


def _compiled(code: int, shape: Shape) -> dict[tuple[type, ...], _Fast]:
    kinds = list(shape.elements.values())
    if "request" in kinds:
        return {}  # ERROR: more is to be asked of it
    ids = tuple(at for at, kind in enumerate(kinds, 1) if kind == "id")
    details = 1 + kinds.index("dict") if "dict" in kinds else 0
    name, check = NAMES[code], None
    if shape.required:
        check = partial(_check_details, name, shape)
    elif details and shape.keys:
        check = partial(_check_keys, name, shape.keys)
    is_required = bool(shape.required)
    types = (int, *(_TYPES[kind] for kind in kinds))
    null = type(None)  # as some peers write what is absent
    tails: list[tuple[type, ...]] = [(), (list,), (list, dict)]
    tails += [(null,), (null, dict), (list, null), (null, null)]
    fields = len(shape.message._fields)
    return {
        types + tail: _Fast(
            shape.message,
            ids,
            details,
            check,
            is_required,
            [None] * (fields - len(kinds + [*tail])),
        )
        for tail in (tails if shape.ends == PAYLOAD else tails[:1])
    }


_ENDS = {shape.message: (code, shape.ends) for code, shape in GRAMMAR.items()}


def parse(array: Any) -> Message:
    """Check a decoded array against the grammar and return its message.

    Raises ProtocolError whose text names the offending element or key.
    """
    if type(array) is not list:
        return _parse_with_care(array)
    try:
        message, ids, details, check, is_required, absent = _FAST[array[0]][tuple(map(type, array))]
    except (LookupError, TypeError):  # it is empty, or its code is none
        return _parse_with_care(array)
    for at in ids:
        if not 0 < array[at] <= MAX_ID:
            return _parse_with_care(array)
    if (array[details] or is_required) and check:
        check(array[details])
    return build(message, array[1:] + absent)  # type: ignore[no-any-return]


def _parse_with_care(array: Any) -> Message:
    """Take the shapes that are legal but rare, and say what is wrong with all others."""
    if type(array) is not list or not array or type(array[0]) is not int:
        raise ProtocolError(
            f"a message must be a list that starts with its code, not {_kind_of(array)}"
        )
    shape = GRAMMAR.get(array[0])
    if shape is None:
        raise ProtocolError(f"{show(array[0])} is not the code of a message")
    _check_shape(NAMES[array[0]], shape, array)
    message: Message = shape.message(*array[1:])
    return message


def to_array(message: Message) -> list[Any]:
    """Return the array that stands for `message` on the wire; an empty payload is left out."""
    code, ends = _ENDS[type(message)]
    elements: tuple[Any, ...] = message
    if ends is PAYLOAD:
        if elements[-1]:
            array = [code, *elements]
            if array[-2] is None:
                array[-2] = []
            return array
        return [code, *(elements[:-1] if elements[-2] else elements[:-2])]
    if ends is REVOCATION and not elements[-1]:
        return [code, elements[0]]
    return [code, *elements]


def _check_shape(name: str, shape: Shape, array: list[Any]) -> None:
    """Check an array against the shape of its message; ProtocolError names the first offence."""
    count = 1 + len(shape.elements)
    _check_length(name, count, _MORE.get(shape.ends, 0), array)
    rest = array[count:]
    if shape.ends == REVOCATION and rest:
        return _check_revocation(name, shape, array)
    details: dict[str, Any] = {}
    for (element, kind), value in zip(shape.elements.items(), array[1:count], strict=True):
        _check_element(name, element, kind, value)
        if kind == "dict":
            details = value
            _check_details(name, shape, details)
    if rest:
        _check_payload(name, rest, "enc_algo" in details or "ppt_scheme" in details)
    return None


def _check_length(name: str, count: int, more: int, array: list[Any]) -> None:
    if not count <= len(array) <= count + more:
        wanted = f"{count} to {count + more}" if more else str(count)
        raise ProtocolError(f"{name} must have {wanted} elements, not {len(array)}")


def _check_revocation(name: str, shape: Shape, array: list[Any]) -> None:
    (element,) = shape.elements
    if type(array[1]) is not int or array[1] != 0:
        raise ProtocolError(
            f"{name}: {element} must be 0 where Details follow, not {show(array[1])}"
        )
    _check_element(name, "Details", "dict", array[2])
    _check_keys(name, shape.keys, array[2])


def _check_element(name: str, element: str, kind: str, value: Any) -> None:
    wanted, found = _TYPES[kind], type(value)
    if found is not wanted:
        raise ProtocolError(f"{name}: {element} must be {_WANTED[wanted]}, not {show(value)}")
    if kind == "id" and not 0 < value <= MAX_ID:
        raise ProtocolError(f"{name}: {element} must be an id from 1 to 2**53, not {show(value)}")
    if kind == "request" and value not in ANSWERABLE:
        raise ProtocolError(
            f"{name}: {element} must be one of {sorted(ANSWERABLE)}, not {show(value)}"
        )


def _check_details(name: str, shape: Shape, details: dict[str, Any]) -> None:
    if shape.required and details.get(shape.required) is None:
        wanted = shape.keys[shape.required].wanted
        raise ProtocolError(f"{name}: {shape.required} is missing; it must be {wanted}")
    _check_keys(name, shape.keys, details)


def _check_keys(name: str, keys: Keys, details: dict[str, Any]) -> None:
    """Check the types of the keys that are known; null is taken out, all others are ignored."""
    absent = []
    for key, value in details.items():
        typed = keys.get(key)
        if typed and not typed.fits(value):
            if value is None:
                absent.append(key)
                continue
            fault = typed.fault(value) if typed.fault else show(value)
            raise ProtocolError(f"{name}: {key} must be {typed.wanted}, not {fault}")
    for key in absent:
        del details[key]


def _check_payload(name: str, rest: list[Any], passed: bool) -> None:
    """Arguments is a list, or one binary where the payload passes through unread.

    Other peers write null for what is absent, so it may stand for either.
    """
    whole = passed and len(rest) == 1 and type(rest[0]) in (bytes, str)
    if type(rest[0]) not in (list, type(None)) and not whole:
        raise ProtocolError(f"{name}: Arguments must be a list, not {_kind_of(rest[0])}")
    if len(rest) == 2 and type(rest[1]) not in (dict, type(None)):
        raise ProtocolError(f"{name}: ArgumentsKw must be a dict, not {_kind_of(rest[1])}")


def _kind_of(value: Any) -> str:
    """Return what an error may tell of a payload: never what it says."""
    return f"a {type(value).__name__}"


_FAST = {code: _compiled(code, shape) for code, shape in GRAMMAR.items()}
