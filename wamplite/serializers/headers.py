"""Walk the headers of a binary message before its library decodes it.

A decoder believes headers: lengths that lie make it reserve memory, nesting makes it recurse on the
small stack of a thread, tags make it build objects, and lists as keys become tuples, whose hashes a
peer can make collide. This walk costs little, holds two numbers per open container, and refuses all
of that on the bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from ..core.errors import ProtocolError
from .payload import (
    KEY,
    LEVELS,
    MAX_CONTAINERS,
    MAX_LENGTH,
    MOST_VALUES,
    raise_too_deep,
    raise_too_long,
    raise_too_many,
)

FEW_VALUES = 32  # a message that holds no more is checked value by value, however large it is
ENDLESS = -2  # the length of a container that a break ends; counted down, it never becomes 0


class Header(NamedTuple):
    """The first octet of what has a length: text and binary, or a container."""

    width: int  # octets of the length that follow; 0: `length` says it
    items: int  # values for each element: 0 octets, 1 a list, 2 a dict
    length: int = 0


class Format(NamedTuple):
    """What a first octet means: how long the whole value is, or else its header, or refused."""

    name: str
    sizes: list[int]
    headers: dict[int, Header]
    stop: int | None = None  # the octet that ends an endless container


def check_headers(data: bytes, form: Format) -> None:
    """Refuse what lies, nests too deep, holds too much or goes on after its end."""
    if not are_few(data, form, MOST_VALUES):
        raise_too_many()


def are_few(data: bytes, form: Format, most: int) -> bool:
    """Do the same; after `most` values the rest is left unread, and False returned."""
    _, sizes, headers, stop = form
    at, opened = 0, 0
    left, items = 1, 1
    outer: list[tuple[int, int]] = []
    try:
        for _ in range(most):
            while not left:
                if not outer:
                    _check_end(at, data, form)
                    return True
                left, items = outer.pop()
            head = data[at]
            size = sizes[head]
            left -= 1
            if size:
                at += size
                continue
            if head == stop and left < 0:
                if items == 2 and not left % 2:  # a decoder may take it for the value and read on
                    raise ProtocolError(f"{form.name}: a dict ends after a key")
                left = 0
                at += 1
                continue
            if head not in headers:
                raise ProtocolError(f"{form.name}: a value must not begin with octet {head:#04x}")
            width, within, length = headers[head]
            at += 1 + width
            if width:
                length = int.from_bytes(data[at - width : at], "big")
            if within:
                if items == 2 and left % 2:
                    raise ProtocolError(KEY + "list")
                opened += 1
                outer.append((left, items))
                left, items = length * within, within
                _check_container(length, opened, len(outer))
            else:
                at += length
        return False
    except IndexError:
        raise ProtocolError(f"{form.name}: the message ends too early") from None


def _check_container(length: int, opened: int, depth: int) -> None:
    if length > MAX_LENGTH:
        raise_too_long()
    if depth > LEVELS:
        raise_too_deep()
    if opened > MAX_CONTAINERS:
        raise_too_many()


def _check_end(at: int, data: bytes, form: Format) -> None:
    if at > len(data):
        raise ProtocolError(f"{form.name}: the message ends too early")
    if at < len(data):
        raise ProtocolError(f"{form.name}: {len(data) - at} octets follow the message")
