"""Walk the headers of a binary message before its library decodes it.

A decoder believes headers: lengths that lie make it reserve memory, nesting makes it recurse on the
small stack of a thread, tags make it build objects. This walk costs little, holds one number per
open container, and refuses all of that on the bytes.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from ..core.errors import ProtocolError
from .payload import (
    LEVELS,
    MAX_CONTAINERS,
    MAX_LENGTH,
    raise_too_deep,
    raise_too_long,
    raise_too_many,
)

ENDLESS = inf  # the length of a container that a break ends


class Header(NamedTuple):
    """The first octet of what has a length: text and binary, or a container."""

    width: int  # octets of the length that follow; 0: `length` says it
    items: int  # values for each element: 0 octets, 1 a list, 2 a dict
    length: float = 0


class Format(NamedTuple):
    """What a first octet means: how long the whole value is, or else its header, or refused."""

    name: str
    sizes: list[int]
    headers: dict[int, Header]
    stop: int | None = None  # the octet that ends an endless container


def check_headers(data: bytes, form: Format) -> None:
    """Refuse what lies, nests too deep, holds too much or goes on after its end."""
    _, sizes, headers, stop = form
    at, opened = 0, 0
    left: float = 1
    outer: list[float] = []
    try:
        while True:
            while not left:
                if not outer:
                    return _check_end(at, data, form)
                left = outer.pop()
            head = data[at]
            size = sizes[head]
            left -= 1
            if size:
                at += size
                continue
            if head == stop and left == ENDLESS:
                left = 0
                at += 1
                continue
            if head not in headers:
                raise ProtocolError(f"{form.name}: a value must not begin with octet {head:#04x}")
            width, items, length = headers[head]
            at += 1 + width
            if width:
                length = int.from_bytes(data[at - width : at], "big")
            if items:
                opened += 1
                outer.append(left)
                left = length * items
                _check_container(length, opened, len(outer))
            else:
                at += int(length)
    except IndexError:
        raise ProtocolError(f"{form.name}: the message ends too early") from None


def _check_container(length: float, opened: int, depth: int) -> None:
    if length > MAX_LENGTH and length != ENDLESS:
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
