"""Read a binary message value by value: what the fast way does not take, and what it refuses.

It builds what WAMP has, turns tags and extensions that stand for that into it (`tags.py`), and
leaves a `Flaw` where it cannot, so that the message fails and not its session. What is not whole,
or not of the format, is refused. The bounds are those of the gate: nothing nests deeper, tags
counted, and after MOST_VALUES the rest is left unread.

A format says by `Take` what begins at an octet:
    VALUE, the value        LIST, its length         TEXT or BINARY, in pieces until STOP
    TAG, its number         DICT, how many pairs     STOP ends what has no length
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.errors import ProtocolError
from .flaws import Flaw
from .headers import ENDLESS
from .payload import KEY, LEVELS, MAX_LENGTH, MOST_VALUES, NOT_UTF_8, TOO_DEEP, TOO_LONG, TOO_MANY
from .tags import untagged

VALUE, LIST, DICT, TAG, TEXT, BINARY, STOP = (
    "value",
    "list",
    "dict",
    "tag",
    "text",
    "binary",
    "stop",
)

Take = Callable[[bytes, int], "tuple[str, Any, int]"]


class _List:
    """An open list; `left` counts down to its end, unless it is ENDLESS, below 0."""

    most = MAX_LENGTH  # values that are read: one more, and the rest is left unread

    def __init__(self, length: int) -> None:
        self.left = length
        self.endless = length < 0
        self.value: list[Any] = []

    def put(self, value: Any) -> None:
        self.value.append(value)
        self.left -= 1

    def finish(self) -> Any:
        return self.value


class _Dict(_List):
    """The same with keys and values in turn."""

    most = 2 * MAX_LENGTH

    def __init__(self, length: int) -> None:
        super().__init__(2 * length)

    def finish(self) -> Any:
        keys = [_as_key(key) for key in self.value[::2]]
        return dict(zip(keys, self.value[1::2], strict=False))


class _Tag(_List):
    """A tag, and the one value that follows it."""

    def __init__(self, number: int) -> None:
        super().__init__(1)
        self.number = number

    def finish(self) -> Any:
        return untagged(self.number, self.value[0])


class _Pieces(_List):
    """Text or binary in pieces, none of which is in pieces."""

    most = MOST_VALUES

    def __init__(self, empty: Any) -> None:
        super().__init__(ENDLESS)
        self._empty = empty

    def put(self, value: Any) -> None:
        if type(value) not in (type(self._empty), Flaw):
            raise ProtocolError("text or binary in pieces must have pieces of its own kind")
        super().put(value)

    def finish(self) -> Any:
        flaw = next((piece for piece in self.value if type(piece) is Flaw), None)
        return self._empty.join(self.value) if flaw is None else flaw


_OPEN: dict[str, Callable[[Any], _List]] = {LIST: _List, DICT: _Dict, TAG: _Tag}
_OPEN |= {TEXT: lambda _: _Pieces(""), BINARY: lambda _: _Pieces(b"")}
_INSTEAD: dict[str, Any] = {DICT: {}, TEXT: "", BINARY: b""}


def read(data: bytes, take: Take) -> Any:
    """Return the message as far as it can be built."""
    opened: list[_List] = []
    at = 0
    for _ in range(MOST_VALUES):
        try:
            kind, content, at = take(data, at)
        except (IndexError, EOFError):
            raise ProtocolError("the message ends too early") from None
        if kind is STOP:
            content = _stopped(opened)
        elif kind is not VALUE:
            flaw = _flaw(kind, content, len(opened), len(data) - at)
            if flaw:
                return _given_up(opened, Flaw(flaw, _INSTEAD.get(kind, [])))
            if opened and type(opened[-1]) is _Pieces:
                raise ProtocolError("text or binary in pieces must have pieces of its own kind")
            opened.append(_OPEN[kind](content))
            if opened[-1].left:
                continue
            content = opened.pop().finish()
        while opened:
            opened[-1].put(content)
            if len(opened[-1].value) > opened[-1].most:
                return _given_up(opened, Flaw(TOO_LONG, []))
            if opened[-1].left:
                break
            content = opened.pop().finish()
        else:
            if at < len(data):
                raise ProtocolError(f"{len(data) - at} octets follow the message")
            return content
    return _given_up(opened, Flaw(TOO_MANY, []))


def _flaw(kind: str, content: Any, depth: int, octets: int) -> str | None:
    """Say what is wrong with a container before it is opened; a length that lies is refused."""
    sized = kind in (LIST, DICT) and content != ENDLESS
    if sized and content > octets:
        raise ProtocolError("the message ends too early")
    if depth >= LEVELS and kind not in (TEXT, BINARY):
        return TOO_DEEP
    return TOO_LONG if sized and content > MAX_LENGTH else None


def _stopped(opened: list[_List]) -> Any:
    if not opened or not opened[-1].endless:
        raise ProtocolError("a break stands where nothing is open")
    if type(opened[-1]) is _Dict and len(opened[-1].value) % 2:
        raise ProtocolError("a dict ends after a key")
    return opened.pop().finish()


def _given_up(opened: list[_List], flaw: Flaw) -> Any:
    """Close all that is open: the rest of the message is left unread."""
    value: Any = flaw
    while opened:
        top = opened.pop()
        if type(top) is not _Pieces:
            top.put(value)
            if type(top) is _Dict and len(top.value) % 2:  # a key, whose value is left unread
                top.put(value)
            value = top.finish()
    return value


def _as_key(value: Any) -> Any:
    """Return a key that a dict can hold; all that are no text are few, or their hashes collide."""
    if type(value) is str:
        return value
    return Flaw(value.why if type(value) is Flaw else KEY + type(value).__name__, "")


def cut(data: bytes, at: int, size: int) -> bytes:
    """Return so many octets; EOFError if they are not there."""
    if size > len(data) - at:
        raise EOFError
    return data[at : at + size]


def as_text(octets: bytes) -> Any:
    """Return the text that is written in these octets, or a Flaw."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return Flaw(NOT_UTF_8, "")
