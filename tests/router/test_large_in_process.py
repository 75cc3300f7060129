"""What in-process sessions send and get that is large: who routes neither writes nor copies it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from operator import is_
from typing import Any

import pytest

from tests.client.scripted import soon
from tests.faults.sessions import Session, open_session
from wamplite import in_process_channel
from wamplite.core.messages import Event, Publish, Published
from wamplite.router import Router
from wamplite.router.large import LargePlace, Places
from wamplite.router.receiving import LARGE_RECEIVE
from wamplite.serializers.cbor import Cbor
from wamplite.serializers.pieces import holds_many

from .conftest import Start, parts

ROWS = [{"id": number} for number in range(5000)]


@pytest.fixture
def routing_threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who checks, copies or writes, in one call, what holds much: threads of routers only."""
    found: list[str] = []

    def watch(holder: Any, name: str) -> None:
        function = getattr(holder, name)

        def watched(*values: Any) -> Any:
            thread = threading.current_thread().name
            result = function(*values)
            is_much = len(result) > LARGE_RECEIVE if name == "dumps" else holds_many([*values])
            if is_much and thread.startswith(("wamplite-route", "wamplite-conn")):
                found.append(f"{name} in {thread}")
            return result

        monkeypatch.setattr(holder, name, watched)

    watch(Cbor, "dumps")
    for name in ("check_payload", "copy_payload"):
        watch(in_process_channel, name)
    return found


@pytest.fixture(params=["threads", "shared"])
def router(request: pytest.FixtureRequest, start: Start) -> Router:
    return start(readers=request.param)


@pytest.fixture
def cbor(router: Router) -> Iterator[Session]:
    port = int(router.listen("tcp://127.0.0.1:0").rpartition(":")[2])
    with ExitStack() as stack:
        session = open_session(port, "rs-cbor")
        stack.callback(session.close)
        yield session


def test_from_a_session_in_the_process(
    router: Router, cbor: Session, routing_threads: list[str]
) -> None:
    cbor.subscribe("com.topic")
    cbor.register("com.rows")
    with router.connect() as session:
        session.publish("com.topic", ROWS)
        assert cbor.hear()[4:] == [[ROWS]]
        asking = soon(session.call, "com.rows", rows=ROWS)
        invocation = cbor.hear()
        assert invocation[4:] == [[], {"rows": ROWS}]
        cbor.say(70, invocation[1], {}, [ROWS])
        assert asking.result() == ROWS
    assert not routing_threads


def test_to_sessions_in_the_process_of_which_each_has_its_own(
    router: Router, cbor: Session, routing_threads: list[str]
) -> None:
    came: queue.Queue[Any] = queue.Queue()
    spoilt: list[Any] = []

    def spoil(rows: list[Any], more: dict[str, Any]) -> list[Any]:
        rows[0]["id"] = more["of"]["all"] = "spoilt"
        spoilt.append(rows)
        return rows

    with router.connect() as one, router.connect() as other:
        one.subscribe("com.topic", lambda rows, more: came.put((spoil(rows, more), more)))
        other.subscribe("com.topic", lambda rows, more: came.put((spoil(rows, more), more)))
        one.register("com.rows", lambda rows: rows)
        cbor.say(16, 1, {}, "com.topic", [ROWS], {"more": {"of": {"each": 1}}})
        (rows, more), (others, mores) = came.get(timeout=20), came.get(timeout=20)
        assert rows == others == [{"id": "spoilt"}, *ROWS[1:]]
        assert not any(map(is_, rows, others)) and more["of"] is not mores["of"]
        cbor.say(48, 1, {}, "com.rows", [ROWS])
        assert cbor.hear() == [50, 1, {}, [ROWS]]
        assert other.call("com.rows", ROWS) == ROWS
    assert not routing_threads


def test_what_a_trace_is_told_of_is_not_copied_by_who_routes_either(
    router: Router, cbor: Session, routing_threads: list[str]
) -> None:
    came: queue.Queue[Any] = queue.Queue()
    with router.connect() as session:
        session.subscribe("com.topic", came.put)
        (presence,) = [
            one for one in parts(router).presences.of("realm1") if one.carrier.address is None
        ]
        told: list[Any] = []
        presence.mailbox.tell(lambda message, _: told.append(message))
        cbor.say(16, 1, {}, "com.topic", [ROWS])
        assert came.get(timeout=20) == ROWS
        assert [type(message) for message in told] == [Event]
    assert not routing_threads


def test_what_the_router_itself_says_is_checked_and_copied() -> None:
    """While what is large is handled: it is not what came."""
    place = LargePlace(Places(1))
    came = Publish(1, {}, "com.topic", [ROWS], {"a": 1})
    place.write([came], [])
    assert place.brought(Event(1, 2, {}, came.args, came.kwargs))
    for args, kwargs in ((list(ROWS), came.kwargs), (came.args, {"a": 1}), (came.args, None)):
        assert not place.brought(Event(1, 2, {}, args, kwargs))
    assert not place.brought(Published(1, 2))
    place.release()
    assert not place.brought(Event(1, 2, {}, came.args, came.kwargs))


def test_places_are_given_back(router: Router, cbor: Session) -> None:
    places = parts(router).decoding
    cbor.subscribe("com.topic")
    with router.connect() as session:
        for _ in range(2 * parts(router).limits.max_decoding + 1):
            session.publish("com.topic", ROWS)
            assert cbor.hear()[4:] == [[ROWS]]
    for _ in range(parts(router).limits.max_decoding):
        assert places.acquire(timeout=20)
