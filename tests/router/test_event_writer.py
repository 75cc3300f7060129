"""One publication under several heads: whatever is written again, its arguments are not."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite import serializers
from wamplite.core.errors import UsageError
from wamplite.core.messages import Event
from wamplite.core.parsing import to_array
from wamplite.router.event_writer import EventWriter
from wamplite.serializers import Serializer

DICTS = [{"temperature": 21.5, "name": "kitchen", "octets": b"\xff\0"}] * 50
PAYLOADS: list[tuple[list[Any] | None, dict[str, Any] | None]] = [
    (None, None),
    ([], {}),
    (["short"], None),
    (["x" * 70_000], None),
    ([DICTS], {"more": DICTS}),
    (None, {"only": DICTS}),
]
HEADS: list[dict[str, Any]] = [
    {},
    {"topic": "com.example.kitchen"},
    {"publisher": 2**53, "publisher_authid": "jo\u00e9", "retained": True},
    {str(number): number for number in range(300)},
    {},
]


@pytest.fixture(params=["json", "msgpack", "cbor"])
def serializer(request: pytest.FixtureRequest) -> Serializer:
    return serializers.get(request.param)


def write(writer: EventWriter, serializer: Serializer, event: Event) -> bytes:
    """Write and keep an EVENT, as an encoder does."""
    payload = writer.find(event) or serializer.dumps(to_array(event))
    writer.keep(event, payload)
    return payload


class Counting:
    """Arguments of which is counted how often they are written."""

    def __init__(self, serializer: Serializer) -> None:
        self.dumps, self.with_head, self.written = serializer.dumps, serializer.with_head, 0
        serializer.dumps = self.count  # type: ignore[method-assign]

    def count(self, array: list[Any]) -> bytes:
        self.written += len(array) > 4
        return self.dumps(array)


@pytest.mark.parametrize(("args", "kwargs"), PAYLOADS)
def test_whatever_the_heads_are_the_octets_are_those_of_each_event(
    serializer: Serializer, args: Any, kwargs: Any
) -> None:
    writer = EventWriter(serializer)
    for number, details in enumerate(HEADS):
        event = Event(10**number, 7, details, args, kwargs)
        assert write(writer, serializer, event) == serializer.dumps(to_array(event))


@pytest.mark.parametrize(("args", "kwargs"), PAYLOADS[3:])
def test_arguments_are_written_once_for_all_heads(
    serializer: Serializer, args: Any, kwargs: Any
) -> None:
    counting = Counting(serializer)
    writer = EventWriter(serializer)
    for number, details in enumerate(HEADS):
        event = Event(number, 7, details, args, kwargs)
        assert write(writer, serializer, event) is writer.find(event)
    assert counting.written == 1
    writer.forget()
    assert writer.find(event) == b""
    write(writer, serializer, event)
    assert counting.written == 2


def test_equal_arguments_that_are_others_are_written_anew(serializer: Serializer) -> None:
    counting = Counting(serializer)
    writer = EventWriter(serializer)
    for number in range(3):
        event = Event(1, number, {}, ["x" * 1000])
        assert serializer.loads(write(writer, serializer, event)) == to_array(event)
    assert counting.written == 3


def test_an_event_that_cannot_be_written_changes_nothing(serializer: Serializer) -> None:
    writer = EventWriter(serializer)
    args = ["x" * 1000]
    first = Event(1, 2, {}, args)
    kept = write(writer, serializer, first)
    with pytest.raises(UsageError, match="carry"):
        write(writer, serializer, Event(1, 3, {}, [object()]))
    assert writer.find(first) is kept
