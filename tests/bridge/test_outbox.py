"""Readings wait in order, within bounds, and the oldest go first."""

from __future__ import annotations

import threading

import pytest

from wamplite.bridge.decoding import Reading
from wamplite.bridge.outbox import Outbox


def readings(*numbers: int, size: int = 1) -> list[Reading]:
    return [Reading([number], {}, size) for number in numbers]


def test_readings_leave_in_the_order_they_came() -> None:
    outbox = Outbox()
    outbox.put(readings(1, 2))
    outbox.put(readings(3))
    assert outbox.take(2) == readings(1, 2)
    assert outbox.take(2) == readings(3)


def test_the_oldest_are_dropped_and_counted_when_there_are_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = Outbox(max_readings=3)
    outbox.put(readings(1, 2, 3, 4))
    outbox.put(readings(5))
    assert caplog.text.count("the oldest are dropped") == 1
    assert (outbox.take(9), outbox.dropped) == (readings(3, 4, 5), 2)


def test_the_oldest_are_dropped_and_counted_when_they_hold_too_many_bytes() -> None:
    outbox = Outbox(max_bytes=100)
    outbox.put(readings(1, 2, 3, size=40))
    assert (len(outbox), outbox.dropped) == (2, 1)
    outbox.take(2)
    outbox.put(readings(4, 5, size=50))
    assert (len(outbox), outbox.dropped) == (2, 1)


def test_take_waits_for_a_reading_and_ends_when_the_outbox_is_closed() -> None:
    outbox = Outbox()
    taken: list[list[Reading]] = []

    def run() -> None:
        while batch := outbox.take(10):
            taken.append(batch)

    thread = threading.Thread(target=run, name="test-taker")
    thread.start()
    outbox.put(readings(1))
    outbox.put(readings(2))
    outbox.close()
    thread.join(5)
    assert not thread.is_alive()
    assert sum(taken, []) == readings(1, 2)
