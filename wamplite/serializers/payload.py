"""The gate: what a payload may hold, so that every serializer can carry it to every receiver.

None, bool, int from -2**63 to 2**64-1, finite float, text, bytes, list, and dict with text keys.
Text holds no lone surrogate and, because JSON writes bytes as text behind a NUL, does not begin
with NUL (a key of a dict may). A container has at most 65,536 elements, a payload 100,000 in all
(a message's own elements and the keys of its Options or Details are not counted: those change on
the way), and each single argument nests at most 64 containers: the message and its Arguments,
ArgumentsKw, Options or Details do not count.

The walk goes level by level and asks each question once per level, at the speed of C; nothing
recurses, and a cyclic value ends it by depth or by count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from ..core.errors import ProtocolError

MAX_DEPTH = 64  # containers within one argument
MAX_LENGTH = 65_536  # elements of one container
MAX_TOTAL = 100_000  # elements of one payload
MAX_CONTAINERS = 2 * MAX_TOTAL  # beyond what any good message can hold: refused unread
# Keys and values, of a payload, of Options, and of the message itself: what holds more is refused
# before it is built, which would take a hundred times its size.
MOST_VALUES = 2 * MAX_TOTAL + 3 * MAX_LENGTH
LEVELS = MAX_DEPTH + 2  # with the message and its Arguments
MIN_INT, MAX_INT = -(2**63), 2**64 - 1

FINITE = "a float must be finite, neither NaN nor Infinity"
INTEGER = "an integer must lie between -2**63 and 2**64-1"
SURROGATE = "text must not hold a lone surrogate"
NOT_UTF_8 = "text must be UTF-8"
NUL = "text must not begin with NUL: in JSON that means bytes"
KEY = "a key of a dict must be a string, not "
KIND = "a value must be None, bool, int, float, str, bytes, list or dict, not "
TOO_DEEP = f"an argument must nest at most {MAX_DEPTH} containers"
TOO_LONG = f"a container must have at most {MAX_LENGTH} elements"
TOO_MANY = f"a payload must have at most {MAX_TOTAL} elements in all"

DONE = frozenset({type(None), bool, int, str, bytes})  # nothing to ask, once it is decoded
PLAIN = DONE | {float}
NUMBERS = frozenset({bool, int, float})
STRING = frozenset({str})
LISTS = frozenset({list, tuple})
CONTAINERS = LISTS | {dict}
SMALL = 4096  # bytes of a message that is checked value by value, faster than by kinds
MANY = 256  # octets that may be odd: so many are not looked at one by one
FEW = 32  # so many arguments are checked one by one, faster than by kinds
KNOWN = PLAIN | CONTAINERS


def check_finite(floats: Iterable[float]) -> None:
    """Refuse NaN and the infinities, which JSON cannot write."""
    if not all(map(isfinite, floats)):
        raise ProtocolError(FINITE)


def check_ints(ints: list[int]) -> None:
    """Refuse integers that do not fit in 64 bits."""
    if min(ints) < MIN_INT or max(ints) > MAX_INT:
        raise ProtocolError(INTEGER)


def check_surrogates(texts: Iterable[str]) -> None:
    """Refuse text that UTF-8 cannot write."""
    joined = "".join(texts)
    if not joined.isascii():
        try:
            joined.encode()
        except UnicodeEncodeError as exc:
            raise ProtocolError(SURROGATE) from exc


def check_nul(texts: Iterable[str]) -> None:
    """Refuse text that JSON would take for bytes."""
    if "\0" in "".join(texts) and any(text[:1] == "\0" for text in texts):
        raise ProtocolError(NUL)


def check_texts(texts: list[str]) -> None:
    """Refuse text that some serializer could not carry."""
    check_surrogates(texts)
    check_nul(texts)


class Rules(NamedTuple):
    """What is still to be asked of each kind of value; None: the decoder has seen to it."""

    floats: Callable[[Iterable[float]], None] = check_finite
    ints: Callable[[list[int]], None] | None = None
    texts: Callable[[list[str]], None] | None = None
    keys: Callable[[list[str]], None] | None = None


NUL_RULES = Rules(texts=check_nul)
STRICT = Rules(check_finite, check_ints, check_texts, check_surrogates)


def check_small(array: Any) -> None:
    """Check a decoded message of few bytes or few values whose integers are known to be right.

    At most SMALL bytes hold nothing that is too long. What is odd goes on to `check_all`.
    """
    level: Iterable[Any] = array if type(array) is list else [array]
    for _ in range(LEVELS):
        below: list[Iterable[Any]] = []
        for value in level:
            kind = type(value)
            if kind is str:
                if value[:1] == "\0":
                    return check_all(array, NUL_RULES)
            elif kind in DONE or (kind is float and isfinite(value)):
                continue
            elif kind is list:
                below.append(value)
            elif kind is dict and STRING.issuperset(map(type, value)):
                below.append(value.values())
            else:
                return check_all(array, Rules())
        if not below:
            return None
        level = chain.from_iterable(below)
    raise_too_deep()


def check_message(array: Any, floats: Callable[[Iterable[float]], None] = check_finite) -> None:
    """Check a decoded message whose text and integers are known to be right.

    This is the way of nearly all messages: elements that hold scalars, or nothing. The others go
    on to `check_all`.
    """
    if type(array) is not list:
        array = [array]
    total = len(array)
    for value in array:
        kind = type(value)
        if kind is int or kind is str or not value:
            continue
        if kind is dict and set(map(type, value)) <= STRING:
            value = value.values()
        elif kind is not list:
            break
        total += len(value)
        kinds = set(map(type, value))
        if not kinds <= DONE:
            if not kinds <= PLAIN:
                break
            floats(value if kinds <= NUMBERS else [item for item in value if type(item) is float])
    else:
        if total <= MAX_LENGTH:
            return
    check_all(array, Rules(floats))


def check_all(array: Any, rules: Rules) -> None:
    """Check a decoded message by every rule that is given."""
    if type(array) is not list:
        array = [array]
    if len(array) > MAX_LENGTH:
        raise_too_long()
    own = len(array) + next((len(value) for value in array if type(value) is dict), 0)
    check_deep(array, rules, own)


def check_deep(level: list[Any], rules: Rules, own: int) -> None:
    """Check the elements of a message and what lies below; `own` of them are not counted."""
    total = len(level) - own
    for _ in range(LEVELS):
        kinds = set(map(type, level))
        _check_level(level, kinds, rules)
        if kinds <= PLAIN:
            return
        below: list[Iterable[Any]] = [
            value for value in level if type(value) is list or type(value) is tuple
        ]
        if dict in kinds:
            dicts = [value for value in level if type(value) is dict]
            _check_keys(dicts, rules)
            below += [value.values() for value in dicts]
        sizes = list(map(len, below))  # type: ignore[arg-type]  # every one of them has a length
        total += sum(sizes)
        if max(sizes) > MAX_LENGTH:
            raise_too_long()
        if total > MAX_TOTAL:
            raise_too_many()
        level = list(chain.from_iterable(below))
    raise_too_deep()


def raise_too_deep() -> NoReturn:
    """Refuse what nests too deep; on the small stacks of threads it could end the process."""
    raise ProtocolError(TOO_DEEP)


def raise_too_long() -> NoReturn:
    """Refuse a container that holds too much."""
    raise ProtocolError(TOO_LONG)


def raise_too_many() -> NoReturn:
    """Refuse a payload that holds too much in all."""
    raise ProtocolError(TOO_MANY)


def _check_level(level: Iterable[Any], kinds: set[type], rules: Rules) -> None:
    if not kinds <= KNOWN:
        names = ", ".join(sorted(kind.__name__ for kind in kinds - KNOWN))
        raise ProtocolError(KIND + names)
    if float in kinds:
        rules.floats([value for value in level if type(value) is float])
    if rules.ints and int in kinds:
        rules.ints([value for value in level if type(value) is int])
    if rules.texts and str in kinds:
        rules.texts([value for value in level if type(value) is str])


def _check_keys(dicts: list[dict[Any, Any]], rules: Rules) -> None:
    keys = list(chain.from_iterable(dicts))
    wrong = set(map(type, keys)) - {str}
    if wrong:
        names = ", ".join(sorted(kind.__name__ for kind in wrong))
        raise ProtocolError(KEY + names)
    if rules.keys:
        rules.keys(keys)


def check_payload(args: Any, kwargs: dict[str, Any] | None) -> None:
    """Check arguments that have not come through a serializer; a tuple passes as a list."""
    few = args is None or (type(args) in LISTS and len(args) <= FEW)
    if not (few and _are_simple(args or ()) and _are_simple_keywords(kwargs)):
        check_deep([args, kwargs], STRICT, 2)


def _are_simple_keywords(kwargs: dict[str, Any] | None) -> bool:
    return kwargs is None or (
        type(kwargs) is dict
        and len(kwargs) <= FEW
        and set(map(type, kwargs)) <= STRING
        and _are_simple(kwargs)
        and _are_simple(kwargs.values())
    )


def _are_simple(values: Iterable[Any]) -> bool:
    """Tell whether a few values are plainly right; False: look closer."""
    for value in values:
        kind = type(value)
        if kind is str:
            if not value.isascii() or value[:1] == "\0":
                return False
        elif kind is int:
            if not MIN_INT <= value <= MAX_INT:
                return False
        elif kind is float:
            if not isfinite(value):
                return False
        elif value is not None and kind is not bool and kind is not bytes:
            return False
    return True


def copy_payload(value: Any) -> Any:
    """Return a checked copy that shares nothing mutable with `value`; tuples become lists."""
    check_deep([value], STRICT, 1)
    return copy_checked(value)


def copy_checked(value: Any) -> Any:
    """Return a copy of what has been checked."""
    kind = type(value)
    if kind is dict:
        if PLAIN.issuperset(map(type, value.values())):
            return {**value}
        return {key: copy_checked(item) for key, item in value.items()}
    if kind in CONTAINERS:
        if PLAIN.issuperset(map(type, value)):
            return [*value]
        return [copy_checked(item) for item in value]
    return value
