"""A message that is whole but holds what cannot be carried on: it fails alone, the session goes on.

A serializer raises `Uncarriable` with the head of the message, which is all but its payload, and
where in it the flaw lies. `unfit` makes of it an entry that a realm or a conversation handles:
the request, answer or event without its payload, and words for whoever is to be told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import uris
from .errors import ProtocolError
from .grammar import GRAMMAR, REQUESTS, misplaced
from .messages import CODES, Call, Error, Event, Invocation, Message, Result, Yield, name_of
from .parsing import parse
from .words import show

Path = Sequence["int | str"]

ALONE = frozenset({*REQUESTS, Yield, Error, Result, Event, Invocation})  # may fail by themselves
MOST_STEPS = 5  # below an argument that are named
_ABSENT: dict[str, Any] = {"uri": "", "string": "", "dict": {}}
_PLAIN = re.compile(r"[\w-]{1,40}").fullmatch


class Uncarriable(ProtocolError):
    """The flaw of one message: `path` leads to it from the message's elements."""

    def __init__(self, why: str, path: Path, head: list[Any]) -> None:
        super().__init__(why)
        self.path = path
        self.head = head


class Unfit(NamedTuple):
    """A message without its payload, which could not be carried."""

    message: Message
    text: str


def unfit(flaw: Uncarriable) -> Unfit:
    """Return what stands for a message with a flaw; ProtocolError where it cannot fail alone."""
    head = flaw.head
    shape = GRAMMAR.get(head[0]) if head and type(head[0]) is int else None
    if shape is not None:  # what follows a flaw of the Options may be unread
        head = head + [_ABSENT.get(kind) for kind in [*shape.elements.values()][len(head) - 1 :]]
    message: Any = parse(head)
    text = f"{_place(head[0], flaw.path)}: {flaw}"
    if type(message) not in ALONE:
        raise ProtocolError(f"{name_of(message)}: {text}")
    if "args" in message._fields:
        message = message._replace(args=None, kwargs=None)
    return Unfit(message, text)


def failure(entry: Unfit) -> Error:
    """Return the ERROR that stands for what a router sent and cannot be carried.

    Of an INVOCATION it is the answer. Raises ProtocolError where a router may not say that at all.
    """
    message, text = entry
    if type(message) is Invocation:
        return Error(CODES[Invocation], message.request, {}, uris.INVALID_ARGUMENT, [text])
    if type(message) is Result:
        return Error(CODES[Call], message.request, {}, uris.INVALID_ARGUMENT, [text])
    if type(message) is Error:
        return message._replace(error=message.error or uris.INVALID_ARGUMENT, args=[text])
    raise misplaced(message, "router")


def _place(code: int, path: Path) -> str:
    names = ["code", *GRAMMAR[code].elements, "Arguments", "ArgumentsKw"]
    if not path:
        return "the payload"
    place, steps = names[int(path[0])], path[1:]
    if steps and place.startswith("Arguments"):
        first, steps = steps[0], steps[1:]
        place = f"argument {first + 1 if type(first) is int else _key(str(first)).lstrip('.')}"
    shown = [_key(step) if type(step) is str else f"[{step}]" for step in steps[:MOST_STEPS]]
    return place + "".join(shown) + "..." * (len(steps) > MOST_STEPS)


def _key(key: str) -> str:
    return f".{key}" if _PLAIN(key) else f"[{show(key)}]"
