"""The shape of a message, and the words for what is wrong with an array that does not have it.

`messages.py` holds the table; its fast path asks only whether an array is right. What is rare or
wrong comes here: `check_shape` goes through the array element by element, in the order of the
specification, and raises ProtocolError at the first offence.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import ProtocolError
from .ids import MAX_ID
from .options import Keys

PAYLOAD = "payload"  # Arguments and ArgumentsKw may follow
REVOCATION = "revocation"  # where the request is 0, a dict follows
_MORE = {PAYLOAD: 2, REVOCATION: 1}
NO_KEYS: Keys = {}
REQUESTS = frozenset({16, 32, 34, 48, 64, 66, 68})  # what an ERROR may answer
TYPES: dict[str, type] = {"id": int, "request": int, "uri": str, "string": str, "dict": dict}
_WANTED = {int: "an integer", str: "a string", dict: "a dict"}


class Shape(NamedTuple):
    """One message: its class, its elements (name -> kind), the typed keys of its dict, its end."""

    message: type[Any]
    elements: dict[str, str]
    keys: Keys
    ends: str
    required: str  # the key that must be there, or ""


def shape(
    message: type[Any], elements: str, keys: Keys = NO_KEYS, ends: str = "", required: str = ""
) -> Shape:
    """Build a Shape from the specification's own notation, `Realm|uri, Details|dict`."""
    pairs = (element.split("|") for element in elements.split(", "))
    return Shape(message, {name: kind for name, kind in pairs}, keys, ends, required)


def check_shape(name: str, shape: Shape, array: list[Any]) -> None:
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
    check_keys(name, array[2], shape.keys)


def _check_element(name: str, element: str, kind: str, value: Any) -> None:
    wanted, found = TYPES[kind], type(value)
    if found is not wanted:
        raise ProtocolError(f"{name}: {element} must be {_WANTED[wanted]}, not {show(value)}")
    if kind == "id" and not 0 < value <= MAX_ID:
        raise ProtocolError(f"{name}: {element} must be an id from 1 to 2**53, not {show(value)}")
    if kind == "request" and value not in REQUESTS:
        raise ProtocolError(
            f"{name}: {element} must be one of {sorted(REQUESTS)}, not {show(value)}"
        )


def _check_details(name: str, shape: Shape, details: dict[str, Any]) -> None:
    if shape.required and details.get(shape.required) is None:
        wanted = shape.keys[shape.required].wanted
        raise ProtocolError(f"{name}: {shape.required} is missing; it must be {wanted}")
    check_keys(name, details, shape.keys)


def check_keys(name: str, details: dict[str, Any], keys: Keys) -> None:
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
        raise ProtocolError(f"{name}: Arguments must be a list, not {kind_of(rest[0])}")
    if len(rest) == 2 and type(rest[1]) not in (dict, type(None)):
        raise ProtocolError(f"{name}: ArgumentsKw must be a dict, not {kind_of(rest[1])}")


def kind_of(value: Any) -> str:
    """Return what an error may tell of a payload: never what it says."""
    return f"a {type(value).__name__}"


def show(value: Any) -> str:
    """Return a few words for a value that came from a peer, however large it is."""
    if isinstance(value, (list, dict, bytes)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge integer"
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:57] + "..."
