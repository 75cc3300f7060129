"""Batches: several messages in one message of a transport; pure (RFC "Message Batching").

    JSON             message 0x1E  message 0x1E ...
    MsgPack, CBOR    size in four octets, message, size, message ...

The text leaves the framing of CBOR open; it is that of MsgPack here, as with Autobahn.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from ..core.errors import ProtocolError

PREFIX = "wamp.2."  # of a subprotocol
SUFFIX = ".batched"
SEPARATOR = b"\x1e"  # a control character: no JSON has it unescaped
OVERHEAD = 4  # octets that a message grows by at most
LARGEST = 65536  # octets that are joined; a message above it goes in a batch of its own
MOST = 16384  # messages of a batch: more would weigh far more than their octets
TOO_MANY = f"a batch of over {MOST} messages"


def split(subprotocol: str) -> tuple[str, bool]:
    """Return the serializer of a name like json.batched, and whether it is batched."""
    serializer = subprotocol.removesuffix(SUFFIX)
    return serializer, serializer != subprotocol


def choose(asked: Iterable[Any], serializers: Container[str]) -> str | None:
    """Return the first subprotocol that is asked for and served, as json.batched; or None."""
    for subprotocol in asked:
        name = subprotocol.removeprefix(PREFIX) if type(subprotocol) is str else subprotocol
        if name != subprotocol and split(name)[0] in serializers:
            return str(name)
    return None


def pack(is_text: bool, payload: bytes) -> bytes:
    """Return a message as a part of a batch."""
    return payload + SEPARATOR if is_text else len(payload).to_bytes(4, "big") + payload


def cut(parts: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut parts into those of one batch each: at most LARGEST octets together, or one part."""
    gathered: list[bytes] = []
    size = 0
    for part in parts:
        if gathered and size + len(part) > LARGEST:
            yield gathered
            gathered, size = [], 0
        gathered.append(part)
        size += len(part)
    if gathered:
        yield gathered


def unpack(is_text: bool, batch: bytes) -> list[bytes]:
    """Return the messages of a batch; ProtocolError where it is none."""
    messages = _unpack_text(batch) if is_text else _unpack_sized(batch)
    if not messages:
        raise ProtocolError("a batch without a message")
    if b"" in messages:
        raise ProtocolError("a batch with a message of no octets")
    return messages


def _unpack_text(batch: bytes) -> list[bytes]:
    *messages, rest = batch.split(SEPARATOR, MOST)
    if len(messages) == MOST and rest:
        raise ProtocolError(TOO_MANY)
    if rest:
        raise ProtocolError("a batch that does not end with the octet 0x1E")
    return messages


def _unpack_sized(batch: bytes) -> list[bytes]:
    messages: list[bytes] = []
    position, end = 0, len(batch)
    while position < end:
        if len(messages) == MOST:
            raise ProtocolError(TOO_MANY)
        start = position + 4
        position = start + int.from_bytes(batch[position:start], "big")
        if start > end or position > end:
            raise ProtocolError("a batch that ends within a message")
        messages.append(batch[start:position])
    return messages
