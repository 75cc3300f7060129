"""The token bucket of a session, and what becomes of who sends more."""

from __future__ import annotations

import time
from typing import Any

import pytest

from wamplite.router import Router
from wamplite.router.pacing import Bucket

from .conftest import Connect, Start, eventually

pytestmark = pytest.mark.usefixtures("either_reader")

TOPIC = "com.topic"


def test_a_bucket_is_full_at_first_and_fills_at_its_rate() -> None:
    bucket = Bucket()
    assert [bucket.take(4, 10, 5, at) for at in (100.0, 100.0, 100.0)] == [4, 1, 0]
    assert bucket.wait(10) == pytest.approx(0.1)
    assert bucket.take(9, 10, 5, 100.25) == 2
    assert bucket.take(9, 10, 5, 200.0) == 5


def test_without_a_burst_it_holds_what_one_second_brings() -> None:
    assert Bucket().take(99, 7, 0, 0.0) == 7


def test_a_bucket_follows_bounds_that_change() -> None:
    bucket = Bucket()
    assert bucket.take(9, 1, 3, 0.0) == 3
    assert bucket.take(90, 100, 50, 1.0) == 50
    assert bucket.take(9, 1, 2, 2.0) == 1
    assert bucket.take(9, 1, 2, 9.0) == 2


def published(wire: Any, number: int) -> None:
    wire.send_at_once(*([16, at, {}, TOPIC, [at]] for at in range(1, number + 1)))


def test_max_message_rate_slows_the_sender_down_and_loses_nothing(
    start: Start, connect: Connect
) -> None:
    router = start(max_message_rate=50, max_message_burst=10)
    subscriber, publisher = connect(router.url).join(), connect(router.url).join()
    subscriber.ask(32, 1, {}, TOPIC)
    begun = time.monotonic()
    published(publisher, 40)
    assert [subscriber.receive()[4] for _ in range(40)] == [[at] for at in range(1, 41)]
    assert 0.5 < time.monotonic() - begun < 20  # 30 of them beyond the burst
    assert router.counters["sessions_slowed"] >= 1


def test_max_message_burst_passes_at_once(start: Start, connect: Connect) -> None:
    router = start(max_message_rate=1, max_message_burst=100)
    subscriber, publisher = connect(router.url).join(), connect(router.url).join()
    subscriber.ask(32, 1, {}, TOPIC)
    published(publisher, 60)
    assert [subscriber.receive()[4] for _ in range(60)] == [[at] for at in range(1, 61)]
    assert "sessions_slowed" not in router.counters


def test_nobody_else_waits(start: Start, connect: Connect) -> None:
    router = start(max_message_rate=5)
    busy, other = connect(router.url).join(), connect(router.url).join()
    published(busy, 200)
    eventually(lambda: router.counters.get("sessions_slowed"))
    begun = time.monotonic()
    assert other.ask(32, 1, {}, TOPIC)[0] == 33
    assert time.monotonic() - begun < 5


def test_who_has_gone_and_the_end_of_the_router_wait_for_nobody(connect: Connect) -> None:
    with Router(max_message_rate=1) as router:
        url = router.listen("rs://127.0.0.1:0")
        wire = connect(url).join()
        published(wire, 500)
        eventually(lambda: router.counters.get("sessions_slowed"))
        begun = time.monotonic()
    assert time.monotonic() - begun < 10


def test_who_is_slowed_is_not_taken_for_silent(connect: Connect) -> None:
    with Router(max_message_rate=20, max_message_burst=1, ping_interval=0.2) as router:
        wire = connect(router.listen("ws://127.0.0.1:0")).join()
        for at in range(1, 31):
            wire.send(16, at, {}, TOPIC)
        wire.send(32, 31, {}, TOPIC)
        assert wire.receive()[0] == 33
        assert "pings_unanswered" not in router.counters


def test_what_stands_behind_goodbye_and_another_session_follow_in_order(
    start: Start, connect: Connect
) -> None:
    router = start(max_message_rate=20, max_message_burst=2)
    wire = connect(router.url).join()
    wire.send_at_once(
        *([32, at, {}, f"{TOPIC}.a{at}"] for at in range(1, 6)),
        [6, {}, "wamp.close.close_realm"],
    )
    assert [array[0] for array in (wire.receive() for _ in range(6))] == [33] * 5 + [6]
    assert wire.join().ask(32, 1, {}, TOPIC)[0] == 33


def test_a_session_in_the_same_process_is_not_slowed(start: Start) -> None:
    router = start(max_message_rate=1)
    with router.connect() as session:
        for at in range(20):
            session.publish(TOPIC, at, options={"acknowledge": True})
    assert "sessions_slowed" not in router.counters
