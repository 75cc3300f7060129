"""A message that is whole but holds what cannot be carried on: it fails alone, the session goes on.

A serializer raises `Uncarriable` with the head of the message, which is all but its payload, and
where in it the flaw lies. `unfit` makes of it an entry that a realm or a conversation handles:
the request, answer or event without its payload, and words for whoever is to be told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import uris
from .errors import ProtocolError
from .messages import (
    CODES,
    GRAMMAR,
    NAMES,
    Call,
    Error,
    Event,
    Invocation,
    Message,
    Publish,
    Register,
    Result,
    Subscribe,
    Unregister,
    Unsubscribe,
    Yield,
    parse,
)
from .shapes import show

if TYPE_CHECKING:
    from .conversation import Conversation

Path = Sequence["int | str"]

REQUESTS = (Call, Publish, Register, Subscribe, Unregister, Unsubscribe)
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
        raise ProtocolError(f"{NAMES[CODES[type(message)]]}: {text}")
    if "args" in message._fields:
        message = message._replace(args=None, kwargs=None)
    return Unfit(message, text)


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


def on_unfit_of_router(conversation: Conversation, entry: Unfit) -> None:
    """Let what came from a router and cannot be carried fail alone, in a client.

    The call raises, the invocation is refused, the event is dropped and told of.
    """
    message, text = entry
    if type(message) is Event:
        conversation.dropped(text)
    elif type(message) is Invocation:
        conversation.send(
            Error(CODES[Invocation], message.request, {}, uris.INVALID_ARGUMENT, [text])
        )
    elif type(message) is Result:
        error = Error(CODES[Call], message.request, {}, uris.INVALID_ARGUMENT, [text])
        conversation.handlers[Error](conversation, error)
    elif type(message) is Error:
        uri = message.error or uris.INVALID_ARGUMENT
        conversation.handlers[Error](conversation, message._replace(error=uri, args=[text]))
    else:
        raise ProtocolError(f"{NAMES[CODES[type(message)]]} is nothing a router says in a session")
