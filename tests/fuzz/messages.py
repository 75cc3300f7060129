"""Messages in each serializer: what passes the gate is carried by all, and is a message or not."""

from __future__ import annotations

from tests.serializers.sameness import same
from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.core.parsing import parse, to_array
from wamplite.core.unfit import Uncarriable, unfit
from wamplite.serializers import Serializer
from wamplite.serializers.json import FastJson, Json
from wamplite.transports.batches import pack, unpack

ALL: list[Serializer] = [Json(), FastJson(), serializers.get("msgpack"), serializers.get("cbor")]


def read(data: bytes, serializer: Serializer) -> None:
    """Read bytes: refused, unfit, or a value that every serializer writes and reads back."""
    try:
        array = serializer.loads(data)
    except ProtocolError:
        return
    except Uncarriable as flaw:
        try:
            unfit(flaw)
        except ProtocolError:
            return
        return
    for other in ALL:
        again = other.loads(other.dumps(array))
        assert same(again, array), (other.name, array, again)
    try:
        message = parse(array)
    except ProtocolError:
        return
    parse(to_array(message))


def json(data: bytes) -> None:
    """JSON, by orjson and by the library: both agree whether it is refused."""
    outcomes = []
    for serializer in (ALL[0], ALL[1]):
        try:
            outcomes.append(("read", repr(serializer.loads(data))))
        except ProtocolError:
            outcomes.append(("refused", ""))
        except Uncarriable:
            outcomes.append(("unfit", ""))
    assert outcomes[0] == outcomes[1], outcomes
    read(data, ALL[0])


def msgpack(data: bytes) -> None:
    """MsgPack."""
    read(data, ALL[2])


def cbor(data: bytes) -> None:
    """CBOR."""
    read(data, ALL[3])


def batches(data: bytes) -> None:
    """A batch of messages: refused, or cut into messages that make the same batch."""
    for is_text in (True, False):
        try:
            messages = unpack(is_text, data)
        except ProtocolError:
            continue
        assert messages and all(messages)
        assert b"".join(pack(is_text, message) for message in messages) == data
