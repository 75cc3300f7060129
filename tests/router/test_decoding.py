"""What is large is decoded by few threads at a time; what is small passes it by."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

from tests.faults.sessions import Session, dumps, open_session
from wamplite.router import Router
from wamplite.router.receiving import LARGE_RECEIVE
from wamplite.router.socket_connection import SocketConnection

from .conftest import Start, connections, eventually, parts

LARGE_PUBLISH = dumps("msgpack", [16, 1, {"acknowledge": True}, "com.topic", ["x" * LARGE_RECEIVE]])


def session(router: Router, stack: ExitStack) -> Session:
    port = int(router.url.rpartition(":")[2])  # type: ignore[attr-defined]
    made = open_session(port, "rs-msgpack")
    stack.callback(made.close)
    return made


def waiting(router: Router) -> list[SocketConnection]:
    return [one for one in connections(router) if one.held >= LARGE_RECEIVE]


def take_all(router: Router) -> None:
    for _ in range(router.limits.max_decoding):
        assert parts(router).decoding.acquire(timeout=5)


def give_back(router: Router) -> None:
    for _ in range(router.limits.max_decoding):
        parts(router).decoding.release()


def all_are_free(router: Router) -> bool:
    decoding, most = parts(router).decoding, router.limits.max_decoding
    taken = sum(decoding.acquire(blocking=False) for _ in range(most))
    if taken:
        decoding.release(taken)
    return taken == most


def test_small_messages_are_served_while_large_ones_wait(start: Start) -> None:
    router = start()
    with ExitStack() as stack:
        large, small = session(router, stack), session(router, stack)
        take_all(router)
        large.put(LARGE_PUBLISH)
        eventually(lambda: len(waiting(router)) == 1)
        assert small.is_served()
        (one,) = waiting(router)
        assert one.held >= LARGE_RECEIVE  # what waits is in the bound of all that is buffered
        give_back(router)
        assert large.hear()[0] == 17
        eventually(lambda: all_are_free(router) and not waiting(router))


def test_a_place_is_given_back_once_the_message_is_handled(start: Start) -> None:
    router = start()
    handled = threading.Event()
    routing = router.realms["realm1"]
    with ExitStack() as stack:
        large = session(router, stack)
        routing.realm.broker.published.append(lambda *_: handled.wait(5))
        large.put(LARGE_PUBLISH)
        eventually(lambda: not all_are_free(router))
        handled.set()
        assert large.hear()[0] == 17
        eventually(lambda: all_are_free(router))


def test_a_violation_a_loss_and_a_fault_give_the_place_back(start: Start) -> None:
    router = start()
    with ExitStack() as stack:
        for payload in (
            b"\xc1" * 2 * LARGE_RECEIVE,
            dumps("msgpack", [16, 1, {}, 5, ["x" * LARGE_RECEIVE]]),
            dumps("msgpack", [6, {"x_junk": "x" * LARGE_RECEIVE}, "wamp.close.normal"]),
        ):
            one = session(router, stack)
            one.put(payload)
            assert one.hear()[0] in (3, 6)
            eventually(lambda: all_are_free(router))


def test_who_is_ended_while_it_waits_decodes_nothing(start: Start) -> None:
    router = start()
    with ExitStack() as stack:
        large = session(router, stack)
        take_all(router)
        large.put(LARGE_PUBLISH)
        eventually(lambda: waiting(router))
        waiting(router)[0].shutdown("why")
        published: list[Any] = []
        router.realms["realm1"].realm.broker.published.append(
            lambda publisher, *told: published.append(told) if publisher else None
        )
        give_back(router)
        eventually(lambda: not router.sessions and all_are_free(router))
        assert not published
