"""From an array on the wire to a message and back, by the law of `grammar.py`.

The quick way asks only whether an array is right, and takes nearly all: a function for each
message, compiled when the first of them comes. What is rare or wrong goes the careful way, element
by element in the order of the specification, and raises ProtocolError at the first offence, in
words that name it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .errors import ProtocolError
from .grammar import ANSWERABLE, GRAMMAR, PAYLOAD, REVOCATION, Keys, Shape
from .ids import MAX_ID
from .messages import NAMES, Message, build
from .words import show

_TYPES: dict[str, type] = {"id": int, "request": int, "uri": str, "string": str, "dict": dict}
_WANTED = {int: "an integer", str: "a string", dict: "a dict"}
_MORE = {PAYLOAD: 2, REVOCATION: 1}


# How the quick way asks for what is right, by kind.
_ASKED = {
    "code": "type({0}) is int",
    "id": "type({0}) is int and 0 < {0} <= MAX_ID",
    "request": "type({0}) is int and {0} in ANSWERABLE",
    "uri": "type({0}) is str",
    "string": "type({0}) is str",
    "dict": "type({0}) is dict",
    "list?": "({0} is None or type({0}) is list)",  # null, as some peers write what is absent
    "dict?": "({0} is None or type({0}) is dict)",
}
_QUICK_WAY = """
def quick_way(array):
    size = len(array)
    {taken_apart}
    else:
        return parse_with_care(array)
    if {is_right}:
        {looked_at}
        return build(message, ({fields},))
    return parse_with_care(array)
"""
_ONE_LENGTH = """if size == {size}:
        {came} = array
        {absent}"""


def _quick_way(code: int) -> Callable[[list[Any]], Message]:
    """Write and compile the function for one message, as `namedtuple` does with its own.

    Of CALL it begins so: if size == 5: code, a, b, c, args = array; kwargs = None.
    """
    shape = GRAMMAR[code]
    kinds = dict(zip("abcd", shape.elements.values(), strict=False))
    payload = {"args": "list?", "kwargs": "dict?"} if shape.ends is PAYLOAD else {}
    lengths = []
    for number in (1, 0, 2) if payload else (0,):  # the most frequent first
        came = ["code", *kinds, *list(payload)[:number]]
        absent = "; ".join(f"{field} = None" for field in list(payload)[number:]) or "pass"
        lengths.append(_ONE_LENGTH.format(size=len(came), came=", ".join(came), absent=absent))
    details = next((name for name, kind in kinds.items() if kind == "dict" and shape.keys), "")
    looked_at = f"check({details})" if shape.required else f"if {details}: check({details})"
    asked = {"code": "code", **kinds, **payload}
    never = ["None"] * (len(shape.message._fields) - len(kinds) - len(payload))
    source = _QUICK_WAY.format(
        taken_apart="\n    el".join(lengths),
        is_right=" and ".join(_ASKED[kind].format(name) for name, kind in asked.items()),
        looked_at=looked_at if details else "pass",
        fields=", ".join([*kinds, *payload, *never]),
    )
    names: dict[str, Any] = {
        "ANSWERABLE": ANSWERABLE,
        "MAX_ID": MAX_ID,
        "build": build,
        "check": partial(_check_details, NAMES[code], shape),
        "message": shape.message,
        "parse_with_care": _parse_with_care,
    }
    exec(source, names)
    return names["quick_way"]  # type: ignore[no-any-return]


def _first(code: int, array: list[Any]) -> Message:
    """Take the first message of a kind; with care where a small stack does not hold a compiler."""
    try:
        _WAYS[code] = _quick_way(code)
    except (MemoryError, RecursionError):
        return _parse_with_care(array)
    return _WAYS[code](array)


_WAYS: dict[int, Callable[[list[Any]], Message]] = {code: partial(_first, code) for code in GRAMMAR}
_ENDS = {shape.message: (code, shape.ends) for code, shape in GRAMMAR.items()}


def parse(array: Any) -> Message:
    """Check a decoded array against the grammar and return its message.

    Raises ProtocolError whose text names the offending element or key.
    """
    if type(array) is not list:
        return _parse_with_care(array)
    try:
        way = _WAYS[array[0]]
    except (LookupError, TypeError):  # it is empty, or its code is none
        return _parse_with_care(array)
    return way(array)


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
    args, kwargs = [*rest, None, None][:2]
    whole = passed and len(rest) == 1 and type(args) in (bytes, str)
    if type(args) not in (list, type(None)) and not whole:
        raise ProtocolError(f"{name}: Arguments must be a list, not {_kind_of(args)}")
    if type(kwargs) not in (dict, type(None)):
        raise ProtocolError(f"{name}: ArgumentsKw must be a dict, not {_kind_of(kwargs)}")


def _kind_of(value: Any) -> str:
    """Return what an error may tell of a payload: never what it says."""
    return f"a {type(value).__name__}"
