"""What is large and slow to write is written by the thread that decodes it, and given a head."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from math import nan
from typing import Any

import pytest

from tests.faults.sessions import Session, open_session
from wamplite.core.errors import UsageError
from wamplite.core.messages import Call, Error, Event, Invocation, Message, Publish, Result, Yield
from wamplite.core.parsing import to_array
from wamplite.router import large
from wamplite.router.large import LargePlace, Places
from wamplite.router.receiving import LARGE_RECEIVE
from wamplite.serializers import NAMES, Serializer
from wamplite.serializers.cbor import Cbor
from wamplite.serializers.json import FastJson, Json
from wamplite.serializers.pieces import MANY, Form

from .conftest import Start, eventually

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
        (
            Error(68, 1, {}, "com.error", args, kwargs),
            Error(48, 300, {}, "com.error", args, kwargs),
        ),
    ]


def place() -> LargePlace:
    return LargePlace(Places(0))


def write_json_by(make: type[Json], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wamplite.serializers.json.make", make)
    monkeypatch.setattr(
        large, "longest_at_once", large.longest_at_once.__wrapped__
    )  # it remembers the other


@pytest.fixture
def slow_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have JSON written as where orjson is not installed."""
    write_json_by(Json, monkeypatch)


@pytest.mark.usefixtures("slow_json")
@pytest.mark.parametrize(("args", "kwargs"), PAYLOADS)
def test_what_came_is_written_but_for_its_head(args: Any, kwargs: Any) -> None:
    for came, becomes in passed_on(args, kwargs):
        taken = place()
        taken.write([came, "no message"], NAMES)
        array = to_array(becomes)
        others = to_array(becomes._replace(args=[*args], kwargs={**(kwargs or {}), "b": 1}))
        for serializer in (Json(), Cbor()):
            assert taken.find(array, serializer.name) == serializer.dumps(array)
            assert taken.find(others, serializer.name) == b""
        assert taken.find(array, "msgpack") == b""


@pytest.mark.usefixtures("slow_json")
@pytest.mark.parametrize("name", ["json", "cbor"])
def test_it_is_written_for_who_is_here_and_for_nobody_else(name: str) -> None:
    taken = place()
    ((came, becomes), *_) = passed_on([ROWS], None)
    taken.write([came], [name, "msgpack"])
    found = {one for one in NAMES if taken.find(to_array(becomes), one)}
    assert found == {name}


@pytest.mark.usefixtures("slow_json")
def test_each_payload_is_found_among_several() -> None:
    taken = place()
    pairs = [pair for number in range(3) for pair in passed_on([[number] * 1000], None)]
    taken.write([came for came, _ in pairs], ["cbor", "json"])
    for _, becomes in pairs:
        array = to_array(becomes)
        assert taken.find(array, "cbor") == Cbor().dumps(array)
        assert taken.find(array, "json") == Json().dumps(array)


def test_what_is_quick_is_written_by_who_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    write_json_by(FastJson, monkeypatch)
    taken = place()
    ((came, becomes), *_) = passed_on([ROWS], None)
    taken.write([came], ["json", "msgpack"])
    assert taken.find(to_array(becomes), "json") == taken.find(to_array(becomes), "msgpack") == b""


@pytest.mark.usefixtures("slow_json")
def test_what_one_serializer_cannot_carry_is_written_for_the_others() -> None:
    taken = place()
    ((came, becomes), *_) = passed_on([[*ROWS, nan]], None)  # no decoder lets this pass
    taken.write([came], ["json", "cbor"])
    array = to_array(becomes)
    assert taken.find(array, "cbor") == Cbor().dumps(array)
    assert taken.find(array, "json") == b""
    with pytest.raises(UsageError, match="carry"):  # as whoever routes is told
        Json().dumps(array)


@pytest.mark.parametrize("args", [["x" * 100_000, [1] * (MANY // 2)], None, b"sealed"])
def test_so_is_what_has_few_elements_or_is_not_to_be_read(args: Any) -> None:
    taken = place()
    for came, becomes in passed_on(args, None):
        taken.write([came], ["cbor"])
        assert taken.find(to_array(becomes), "cbor") == b""


@pytest.mark.usefixtures("slow_json")
@pytest.mark.parametrize("value", ["x" * 100_000, bytes(100_000)])
def test_a_long_text_is_written_where_that_is_slow(value: Any) -> None:
    taken = place()
    for came, becomes in passed_on([1, value], {"more": value}):
        taken.write([came], NAMES)
        array = to_array(becomes)
        assert taken.find(array, "json") == Json().dumps(array)
        assert taken.find(array, "cbor") == taken.find(array, "msgpack") == b""


def test_a_place_that_is_given_back_holds_nothing() -> None:
    places = Places(0)
    taken = LargePlace(places)
    ((came, becomes), *_) = passed_on([ROWS], None)
    taken.write([came], ["cbor"])
    taken.release()
    assert places.acquire(blocking=False)
    assert taken.find(to_array(becomes), "cbor") == b""


Whole = list[tuple[str, str]]  # a thread that wrote what is large in one piece, and by what


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Whole:
    """Who writes, in one call of a slow serializer, what holds much."""
    found: Whole = []

    def watch(kind: type[Serializer]) -> None:
        dumps = kind.dumps

        def watched(serializer: Serializer, array: list[Any]) -> bytes:
            octets = dumps(serializer, array)
            if len(octets) > LARGE_RECEIVE:
                found.append((threading.current_thread().name, serializer.name))
            return octets

        monkeypatch.setattr(kind, "dumps", watched)

    watch(Cbor)
    watch(Json)
    return found


@pytest.mark.usefixtures("slow_json")
@pytest.mark.parametrize("readers", ["threads", "shared"])
@pytest.mark.parametrize("sender", ["rs-json", "rs-cbor", "rs-msgpack", "ws-cbor"])
@pytest.mark.parametrize("callee", ["rs-cbor", "ws-json"])
def test_who_routes_writes_none_of_it(
    start: Start, readers: str, sender: str, callee: str, whole: Whole
) -> None:
    router = start(readers=readers)
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    with ExitStack() as stack:

        def opened(dialect: str) -> Session:
            session = open_session(port, dialect)
            stack.callback(session.close)
            return session

        one, other = opened(sender), opened(callee)
        subscribers = [opened(f"{kind}-{name}") for kind in ("rs", "ws") for name in NAMES]
        for session in subscribers:
            session.subscribe("com.topic")
        subscribers[0].subscribe("com", match="prefix")
        other.register("com.rows")
        one.say(16, 1, {}, "com.topic", [ROWS])
        for session in (*subscribers, subscribers[0]):
            assert session.hear()[4:] == [[ROWS]]
        one.say(48, 1, {}, "com.rows", [], {"rows": ROWS})
        invocation = other.hear()
        assert invocation[4:] == [[], {"rows": ROWS}]
        other.say(70, invocation[1], {}, ROWS)
        assert one.hear() == [50, 1, {}, ROWS]
        one.say(48, 2, {}, "com.rows")
        other.say(8, 68, other.hear()[1], {}, "com.error", [ROWS])
        assert one.hear() == [8, 48, 2, {}, "com.error", [ROWS]]
    assert not whole


def test_nothing_is_written_for_who_is_not_here(
    start: Start, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json_by(FastJson, monkeypatch)
    written: list[str] = []
    write = large.write_in_pieces

    def noted(array: list[Any], form: Form) -> bytes:
        written.append(threading.current_thread().name)
        return write(array, form)

    monkeypatch.setattr(large, "write_in_pieces", noted)
    router = start()
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    with ExitStack() as stack:
        one, other = (open_session(port, name) for name in ("rs-json", "rs-msgpack"))
        stack.callback(one.close)
        stack.callback(other.close)

        def publish() -> None:
            one.say(16, 1, {}, "com.topic", [ROWS])
            assert other.hear()[4:] == [[ROWS]]

        other.subscribe("com.topic")
        publish()
        third = open_session(port, "rs-cbor")
        stack.callback(third.close)
        assert not written
        publish()
        assert len(written) == 1
        third.leave()
        eventually(lambda: router.realms["realm1"].encoders.names() == {"json", "msgpack"})
        publish()
        assert len(written) == 1
    assert not whole


def test_who_joins_meanwhile_is_written_for_by_who_routes(
    start: Start, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It subscribes after the message was read, and before it is routed."""
    router = start(readers="threads")
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    write = LargePlace.write
    with ExitStack() as stack:
        one = open_session(port, "rs-msgpack")
        stack.callback(one.close)
        joined: list[Session] = []

        def late(taken: LargePlace, entries: Any, names: Any) -> None:
            write(taken, entries, names)
            third = open_session(port, "rs-cbor")
            stack.callback(third.close)
            third.subscribe("com.topic")
            joined.append(third)

        monkeypatch.setattr(LargePlace, "write", late)
        one.say(16, 1, {"acknowledge": True}, "com.topic", [ROWS])
        assert one.hear()[:2] == [17, 1]
        assert joined[0].hear()[4:] == [[ROWS]]
    assert [name for _, name in whole] == ["cbor"]
