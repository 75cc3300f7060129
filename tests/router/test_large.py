"""What is large and slow to write is written by the thread that decodes it, and given a head."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import pytest

from tests.faults.sessions import open_session
from wamplite.core.messages import Call, Event, Invocation, Message, Publish, Result, Yield
from wamplite.core.parsing import to_array
from wamplite.router.large import LargePlace
from wamplite.serializers import Serializer
from wamplite.serializers.cbor import Cbor
from wamplite.serializers.json import FastJson, Json
from wamplite.serializers.msgpack import MsgPack
from wamplite.serializers.pieces import MANY, holds_many

from .conftest import Start

ROWS = [{"id": number} for number in range(5000)]
DETAILS = {"topic": "com.topic", "more": [1, 2]}
PAYLOADS: list[tuple[Any, Any]] = [
    ([ROWS], None),
    (ROWS, {}),
    ([], {"rows": ROWS}),
    ([1, ROWS], {"a": 1}),
]


def passed_on(args: Any, kwargs: Any) -> list[tuple[Message, Message]]:
    """Return what may come with a payload, and what it becomes."""
    return [
        (Call(1, {}, "com.procedure", args, kwargs), Invocation(5, 2**40, DETAILS, args, kwargs)),
        (Publish(1, {}, "com.topic", args, kwargs), Event(7, 2**50, DETAILS, args, kwargs)),
        (Yield(1, {}, args, kwargs), Result(300, {}, args, kwargs)),
    ]


def place() -> LargePlace:
    return LargePlace(threading.Semaphore(0))


@pytest.mark.parametrize("serializer", [Json(), Cbor()])
@pytest.mark.parametrize(("args", "kwargs"), PAYLOADS)
def test_what_came_is_written_but_for_its_head(
    serializer: Serializer, args: Any, kwargs: Any
) -> None:
    for came, becomes in passed_on(args, kwargs):
        taken = place()
        taken.write([came, "no message"], serializer)
        array = to_array(becomes)
        assert taken.find(array, serializer.name) == serializer.dumps(array)
        assert taken.find(array, "msgpack") == b""
        others = to_array(becomes._replace(args=[*args], kwargs={**(kwargs or {}), "b": 1}))
        assert taken.find(others, serializer.name) == b""


def test_each_payload_is_found_among_several() -> None:
    taken, serializer = place(), Cbor()
    pairs = [pair for number in range(3) for pair in passed_on([[number] * 1000], None)]
    taken.write([came for came, _ in pairs], serializer)
    for _, becomes in pairs:
        array = to_array(becomes)
        assert taken.find(array, "cbor") == serializer.dumps(array)


@pytest.mark.parametrize("serializer", [MsgPack(), FastJson()])
def test_what_is_quick_is_written_by_who_routes(serializer: Serializer) -> None:
    taken = place()
    ((came, becomes), *_) = passed_on([ROWS], None)
    taken.write([came], serializer)
    assert taken.find(to_array(becomes), serializer.name) == b""


@pytest.mark.parametrize("args", [["x" * 100_000, [1] * MANY], None, b"sealed"])
def test_so_is_what_has_few_elements_or_is_not_to_be_read(args: Any) -> None:
    taken = place()
    for came, becomes in passed_on(args, None):
        taken.write([came], Cbor())
        assert taken.find(to_array(becomes), "cbor") == b""


def test_a_place_that_is_given_back_holds_nothing() -> None:
    places = threading.Semaphore(0)
    taken = LargePlace(places)
    ((came, becomes), *_) = passed_on([ROWS], None)
    taken.write([came], Cbor())
    taken.release()
    assert places.acquire(blocking=False)
    assert taken.find(to_array(becomes), "cbor") == b""


@pytest.mark.parametrize("readers", ["threads", "shared"])
def test_who_routes_writes_none_of_it(
    start: Start, readers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = start(readers=readers)
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    whole: list[Any] = []
    dumps = Cbor.dumps

    def watched(serializer: Cbor, array: list[Any]) -> bytes:
        whole.extend([array] if holds_many([array]) else [])
        return dumps(serializer, array)

    monkeypatch.setattr(Cbor, "dumps", watched)
    with ExitStack() as stack:
        names = ["rs-cbor", "rs-cbor", "ws-cbor", "rs-msgpack"]
        sessions = [open_session(port, name) for name in names]
        for session in sessions:
            stack.callback(session.close)
        one, *others = sessions
        for session in others[1:]:
            session.subscribe("com.topic")
        one.register("com.rows")
        others[0].say(16, 1, {}, "com.topic", [ROWS])
        for session in others[1:]:
            assert session.hear()[4:] == [[ROWS]]
        others[0].say(48, 1, {}, "com.rows", [], {"rows": ROWS})
        invocation = one.hear()
        assert invocation[4:] == [[], {"rows": ROWS}]
        one.say(70, invocation[1], {}, ROWS)
        assert others[0].hear() == [50, 1, {}, ROWS]
    assert not whole
