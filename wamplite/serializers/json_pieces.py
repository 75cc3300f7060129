"""Read JSON as far as it can be built: what the fast way refuses.

Where a number or a text cannot be carried, a `Flaw` stands. What nests too deep is never decoded:
the message is cut at its commas, and so are its Arguments, and a Flaw stands for the piece.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..core.errors import ProtocolError
from .flaws import Flaw
from .payload import INTEGER, LEVELS, MAX_CONTAINERS, MOST_VALUES, raise_too_deep, raise_too_many

MOST_TOKENS = 500_000  # brackets, commas and texts that are looked at
MANY_OCTETS = 512
MOST_PIECES = 1024  # into which a container is cut
_MOST_DIGITS = 20  # of 2**64-1; a sign may stand before them
_SPACE = b" \t\r\n"
_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_tokens = re.compile(rb'"[^"]*"|[][{},]').finditer

_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{},"'))
_TOO_DEEP = b"[" * (LEVELS + 1)
_SQUARE = bytes.maketrans(b"{}", b"[]")


def count_some(data: bytes, octet: bytes, most: int) -> int:
    """Return how often an octet stands there, at most `most`.

    Where it is rare among many, `replace` leaps from one to the next, and is 15 times as fast as
    `count`.
    """
    return len(data) - len(data.replace(octet, b"", most))


def check_depth(data: bytes, levels: int = LEVELS) -> None:
    """Refuse what nests too deep, or holds too many containers or values, before it is decoded."""
    are_many = False
    if len(data) <= levels:
        return
    if len(data) < MANY_OCTETS:
        opened = data.count(b"[") + data.count(b"{")
    else:
        opened = count_some(data, b"[", levels + 1) + count_some(data, b"{", levels + 1)
        are_many = len(data) > MOST_VALUES and _many_commas(data)
    if opened <= levels and not are_many:
        return
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    bare = _without_texts(data.translate(None, _NOT_STRUCTURE))
    if are_many and _many_commas(bare):
        raise_too_many()
    brackets = bare.translate(_SQUARE, b",")
    if len(brackets) > 2 * MAX_CONTAINERS:
        raise_too_many()
    for _ in range(levels):  # each time the innermost containers go
        if not brackets:
            return
        if _TOO_DEEP in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    if b"[" in brackets:
        raise_too_deep()


def _many_commas(data: bytes) -> bool:
    return count_some(data, b",", MOST_VALUES) == MOST_VALUES


def _without_texts(structure: bytes) -> bytes:
    """Return brackets and commas that stand in no text, of all of them and the quotes."""
    structure = structure.replace(b'""', b"")  # also between two texts: they become one
    if count_some(structure, b'"', 2 * MOST_VALUES) == 2 * MOST_VALUES:
        raise_too_many()  # of texts; to part them would take eight times their size
    return b"".join(structure.split(b'"')[::2])


def read(data: bytes) -> Any:
    """Return the message as far as it can be built."""
    try:
        data.decode()
    except ValueError as exc:
        raise ProtocolError(f"not JSON: {exc}") from exc
    return _read(data, LEVELS, 2)


def _read(data: bytes, levels: int, cuts: int) -> Any:
    """Decode what nests at most so many levels; else cut it into pieces, a few times."""
    try:
        check_depth(data, levels)
    except ProtocolError as deep:
        pieces = _pieces(data.strip(_SPACE), str(deep)) if cuts else None
        if pieces is None:
            return _flaw(data, str(deep))
        if type(pieces) is dict:
            return {key: _read(value, levels - 1, cuts - 1) for key, value in pieces.items()}
        return [
            piece if type(piece) is Flaw else _read(piece, levels - 1, cuts - 1) for piece in pieces
        ]
    try:
        return _decode(data.decode())
    except (ValueError, RecursionError) as exc:
        raise ProtocolError(f"not JSON: {exc}") from exc


def _flaw(data: bytes, why: str) -> Flaw:
    return Flaw(why, {} if data.lstrip(_SPACE)[:1] == b"{" else [])


def _pieces(data: bytes, why: str) -> Any:
    """Cut a list or dict at its own commas; None if that takes too long."""
    bare = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    pieces: list[Any] = []
    depth, start = 0, 1
    for number, token in enumerate(_tokens(bare)):
        depth += _STEPS.get(token[0], 0)
        if not depth or (depth == 1 and token[0] == b","):
            pieces.append(data[start : token.start()])
            start = token.end()
        if not depth:
            break
        if len(pieces) > MOST_PIECES:
            return None
        if number > MOST_TOKENS:  # the rest is left unread
            return [*pieces, _flaw(data[start:], why)] if pieces and data[:1] == b"[" else None
    if depth or start != len(data):
        raise ProtocolError("not JSON: its brackets do not match")
    return _pairs(pieces) if data[:1] == b"{" else pieces


def _pairs(pieces: list[bytes]) -> dict[Any, bytes]:
    """Part each key from its value."""
    pairs = {}
    for piece in pieces:
        text = piece.decode().lstrip()
        try:
            key, end = _decode_first(text)
        except ValueError as exc:
            raise ProtocolError(f"not JSON: {exc}") from exc
        value = text[end:].lstrip()
        if type(key) is not str or value[:1] != ":":
            raise ProtocolError("not JSON: a key must be text, and a colon follow it")
        pairs[key] = value[1:].encode()
    return pairs


def _to_int(digits: str) -> Any:
    number = int(digits) if len(digits) <= _MOST_DIGITS else 1 << 64
    return number if -(1 << 63) <= number < 1 << 64 else Flaw(INTEGER, 1 << 64)


# NaN and Infinity, which are no JSON, are read as floats: Python's own library writes them.
_decoder = json.JSONDecoder(parse_int=_to_int)
_decode, _decode_first = _decoder.decode, _decoder.raw_decode
