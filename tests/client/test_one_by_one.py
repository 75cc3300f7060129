"""Calls served one by one, in order of arrival: what a device that hears one at a time needs."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, soon
from tests.waiting import until
from wamplite.client.workers import MOST_WAITING, OneByOne, Pool

ONE_BY_ONE = {"concurrent": False}


def serving(peer: Peer, handler: Any, options: Any = None, **connecting: Any) -> wamplite.Session:
    """Join, and register com.app.p as registration 100."""
    session = peer.join(**connecting)
    registering = soon(session.register, "com.app.p", handler, options=options)
    assert peer.receive()[2] == {}  # it is ours alone
    peer.send([65, 1, 100])
    registering.result()
    return session


@pytest.mark.parametrize(
    ("options", "connecting"), [(ONE_BY_ONE, {}), (None, ONE_BY_ONE), (ONE_BY_ONE, ONE_BY_ONE)]
)
def test_calls_are_served_in_order_and_never_two_at_a_time(
    peer: Peer, options: Any, connecting: Any
) -> None:
    served: list[int] = []
    running: list[int] = []

    def handler(number: int) -> int:
        running.append(number)
        assert len(running) == 1
        threading.Event().wait(0.0005)
        served.append(number)
        running.clear()
        return number

    session = serving(peer, handler, options, **connecting)
    peer.send(*([68, number, 100, {}, [number]] for number in range(1, 301)))
    assert [peer.receive() for _ in range(300)] == [[70, n, {}, [n]] for n in range(1, 301)]
    assert served == list(range(1, 301))
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


def test_a_registration_may_be_concurrent_in_a_session_that_is_not(peer: Peer) -> None:
    meeting = threading.Barrier(2)
    serving(peer, lambda: meeting.wait(PATIENCE), {"concurrent": True}, concurrent=False)
    peer.send([68, 1, 100, {}], [68, 2, 100, {}])
    assert {peer.receive()[1], peer.receive()[1]} == {1, 2}


def test_beyond_the_queue_a_call_is_refused_by_name(peer: Peer) -> None:
    hold = threading.Event()
    serving(peer, lambda: hold.wait(PATIENCE), ONE_BY_ONE)
    peer.send(*([68, number, 100, {}] for number in range(1, MOST_WAITING + 3)))
    code, _, request, _, error, args = peer.receive()
    assert (code, error) == (8, "wamp.error.unavailable")
    assert request in (MOST_WAITING + 1, MOST_WAITING + 2)  # one has begun, or has not
    assert args[0].startswith("com.app.p: ") and "1024 calls wait for their turn" in args[0]
    hold.set()
    while peer.receive()[1] != MOST_WAITING:
        pass


def test_what_fails_does_not_stop_the_next(peer: Peer) -> None:
    def handler(number: int) -> int:
        return 10 // number

    serving(peer, handler, ONE_BY_ONE)
    peer.send([68, 1, 100, {}, [0]], [68, 2, 100, {}, [5]])
    assert peer.receive()[:3] == [8, 68, 1]
    assert peer.receive() == [70, 2, {}, [2]]


def test_once_the_session_is_over_nothing_that_waits_is_begun(peer: Peer) -> None:
    begun: list[int] = []
    hold = threading.Event()

    def handler(number: int) -> None:
        begun.append(number)
        hold.wait(PATIENCE)

    session = serving(peer, handler, ONE_BY_ONE)
    peer.send([68, 1, 100, {}, [1]], [68, 2, 100, {}, [2]])
    until(lambda: begun == [1])
    peer.hang_up()
    reader = f"wamplite-read-{session.id}"  # the last that it does is to tell its handlers
    until(lambda: reader not in [thread.name for thread in threading.enumerate()])
    hold.set()
    session.leave()
    assert begun == [1]


def test_without_a_thread_nothing_stays_queued() -> None:
    pool = Pool("test", 1)
    hold = threading.Event()
    assert pool.submit(lambda: [hold.wait(PATIENCE)])  # type: ignore[arg-type, return-value]
    in_turn, done = OneByOne(pool), threading.Event()
    assert not in_turn.submit(done.set)
    hold.set()
    until(lambda: in_turn.submit(done.set))
    assert done.wait(PATIENCE)
    pool.end()


def test_a_thread_serves_while_it_does_and_no_longer() -> None:
    pool = Pool("test", 1)
    in_turn = OneByOne(pool)
    told: list[bool] = []

    def tell() -> None:
        told.append(in_turn.is_served_here())

    assert in_turn.submit(tell)
    until(lambda: told == [True])
    until(lambda: pool.submit(tell))  # on the same thread
    until(lambda: told == [True, False])
    assert not in_turn.is_served_here()
    pool.end()
