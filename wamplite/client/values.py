"""What users hand over, checked before anything is sent, and converted where that is needed.

Whatever passes the gate goes out as it is, at no further cost. What does not is walked once:

    a subclass (IntEnum, numpy.float64, OrderedDict, namedtuple) ──> its base, as in json.dumps
    bytearray, memoryview ──> bytes
    any other type ──> default(value), which may hold more of them; without it, UsageError

An error names the argument, the place in it, the type with its module, and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core import uris
from ..core.errors import ProtocolError, UsageError
from ..serializers import check_payload
from ..serializers.payload import MAX_DEPTH, MAX_LENGTH, MAX_TOTAL

Default = Callable[[Any], Any]
Place = tuple[Any, ...]  # the argument's name, then keys and indices

SCALARS = frozenset({type(None), bool, int, float, str, bytes})
BASES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, lambda value: memoryview(value).tobytes()),
    (bytearray, bytes),
    (memoryview, memoryview.tobytes),
)
FEW = 1000  # arguments that need no counting
REMEDY = "convert it, or connect(default=wamplite.to_plain)"


def in_order(uri: Any, handler: Any) -> tuple[str, Any]:
    """Return URI and handler, whichever came first."""
    if callable(uri):
        uri, handler = handler, uri
    if not isinstance(uri, str):
        raise UsageError(f"expected a URI and a handler, not {uri!r} and {handler!r}")
    return uri, handler


def check_uri(what: str, uri: str, match: str = "exact") -> None:
    """Refuse a URI that the router would refuse, or drop without a word."""
    if not isinstance(uri, str) or not uris.is_valid_for(match, uri):
        raise UsageError(f"{what}: {uri!r} is not a valid URI: {uris.flaw(uri)}")


def check_request(
    what: str, uri: str, args: list[Any], kwargs: dict[str, Any], default: Default | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments as they can be sent; refuse what cannot be, before anything is."""
    if type(uri) is not str or not uris.is_valid(uri):
        check_uri(what, uri)
    if not kwargs and len(args) <= FEW and _are_plain(args):
        return args, kwargs
    try:
        return sendable(args, kwargs, default)
    except UsageError as error:
        raise UsageError(f"{what} of {uri}: {error}") from error.__cause__


def _are_plain(values: list[Any]) -> bool:
    """Tell whether the gate has nothing to ask of these values: a call is half as dear then."""
    for value in values:
        kind = type(value)
        if kind is str:
            if not value.isascii() or value[:1] == "\0":
                return False
        elif kind is int:
            if not -(1 << 63) <= value < 1 << 64:
                return False
        elif kind is not bool and value is not None:
            return False
    return True


def sendable(
    args: list[Any], kwargs: dict[str, Any], default: Default | None
) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments that every serializer carries; UsageError names one that cannot be."""
    try:
        check_payload(args, kwargs)
        return args, kwargs
    except ProtocolError:
        pass
    converting = Converting(default)
    args = [converting.value(value, (at,), 1) for at, value in enumerate(args, 1)]
    kwargs = {
        converting.key(key, ()): converting.value(value, (key,), 1) for key, value in kwargs.items()
    }
    try:
        check_payload(args, kwargs)
    except ProtocolError as error:
        raise UsageError(f"{_blamed(args, kwargs)}: {error}") from None
    return args, kwargs


class Converting:
    """One payload that is converted; what is too deep, too long or too many is left to the gate."""

    def __init__(self, default: Default | None) -> None:
        self._default = default
        self._elements = 0

    def value(self, value: Any, place: Place, depth: int) -> Any:
        """Return a value as it can be sent."""
        if type(value) in SCALARS:
            return value
        if isinstance(value, dict):
            return self._dict(value, place, depth)
        if isinstance(value, (list, tuple)):
            return self._list(value, place, depth)
        for base, exactly in BASES:
            if isinstance(value, base):
                return exactly(value)
        if depth > MAX_DEPTH:
            return value
        return self.value(self._by_default(value, place), place, depth + 1)

    def key(self, key: Any, place: Place) -> str:
        """Return a key of a dict as it can be sent."""
        if not isinstance(key, str):
            where = f"{shown(place)}: " if place else ""
            raise UsageError(f"{where}a key of a dict must be a string, not {kind(key)}")
        return key if type(key) is str else str.__str__(key)

    def _dict(self, value: dict[Any, Any], place: Place, depth: int) -> dict[str, Any]:
        if self._is_too_much(value, depth):
            return value
        return {
            self.key(key, place): self.value(item, (*place, key), depth + 1)
            for key, item in value.items()
        }

    def _list(self, value: Any, place: Place, depth: int) -> Any:
        if self._is_too_much(value, depth):
            return value
        return [self.value(item, (*place, at), depth + 1) for at, item in enumerate(value)]

    def _is_too_much(self, value: Any, depth: int) -> bool:
        """Tell whether the gate would refuse it anyway: a loop, or what could use up the memory."""
        self._elements += len(value)
        return depth > MAX_DEPTH or len(value) > MAX_LENGTH or self._elements > MAX_TOTAL

    def _by_default(self, value: Any, place: Place) -> Any:
        wanted = "a value must be None, bool, int, float, str, bytes, list or dict"
        if self._default is None:
            raise UsageError(f"{shown(place)}: {wanted}, not {kind(value)}; {REMEDY}")
        try:
            made = self._default(value)
        except Exception as error:
            text = f"{shown(place)}: {wanted}, and default= failed for {kind(value)}"
            raise UsageError(f"{text}: {type(error).__name__}: {error}") from error
        if type(made) is type(value):
            text = f"{shown(place)}: {wanted}, and default= returned {kind(value)} again"
            raise UsageError(text)
        return made


def kind(value: Any) -> str:
    """Name a value's type, with its module where it has one of note."""
    module, name = type(value).__module__, type(value).__qualname__
    return name if module == "builtins" else f"{module}.{name}"


def shown(place: Place) -> str:
    """Name an argument and a place in it: argument 2[0]['when']."""
    name, *within = place
    return f"argument {name}" + "".join(f"[{key!r}]" for key in within)


def _blamed(args: Iterable[Any], kwargs: Mapping[str, Any]) -> str:
    """Name the argument that cannot be sent."""
    for place, value in (*enumerate(args, 1), *kwargs.items()):
        try:
            check_payload([value], None)
        except ProtocolError:
            return shown((place,))
    return "arguments"
