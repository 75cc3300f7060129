"""Events wait in order, within bounds of number, bytes and age, and what goes is counted."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from tests.bridge.events import event, numbers
from tests.waiting import Hesitant, until
from wamplite import serializers
from wamplite.bridge.outbox.outbox import Outbox
from wamplite.bridge.outbox.queue import OVERHEAD, WaitingEvent
from wamplite.bridge.settings import BufferSettings


class MemoryBox(Outbox):
    """An outbox that keeps what it was told to count."""

    def __init__(self, **more: object) -> None:
        self.dropped: Counter[tuple[str, str]] = Counter()
        super().__init__(BufferSettings(**more), self._count)  # type: ignore[arg-type]

    def _count(self, port: str, reason: str, number: int) -> None:
        self.dropped[port, reason] += number

    def fill(self, *values: object, port: str = "a") -> None:
        self.put(port, [event(value) for value in values])


def test_events_leave_in_the_order_they_came_with_numbers_of_their_own() -> None:
    box = MemoryBox()
    box.fill(1, 2)
    box.fill(3, port="b")
    first = box.take(2)
    assert numbers(first) == [1, 2]
    second = box.take(2)
    assert numbers(second) == [3]
    assert [entry.seq for entry in (*first, *second)] == [1, 2, 3]
    assert [entry.port for entry in (*first, *second)] == ["a", "a", "b"]


def test_what_is_handed_out_waits_until_it_is_confirmed() -> None:
    box = MemoryBox()
    box.fill(1, 2)
    box.fill(3, port="b")
    taken = box.take(3)
    assert (len(box), box.waiting("a"), box.waiting("b")) == (3, 2, 1)
    box.confirm(taken[:1])
    box.confirm(taken[1:2], "refused")
    assert (len(box), box.waiting("a"), box.waiting("b")) == (1, 0, 1)
    assert box.dropped == {("a", "refused"): 1}


def test_the_oldest_go_when_there_are_too_many(caplog: pytest.LogCaptureFixture) -> None:
    box = MemoryBox(max_messages=3)
    box.fill(1, 2, 3, 4)
    box.fill(5, port="b")
    assert caplog.text.count("the oldest are dropped") == 1
    assert numbers(box.take(9)) == [3, 4, 5]
    assert box.dropped == {("a", "overflow"): 2}


def test_the_new_ones_go_where_the_policy_says_so(caplog: pytest.LogCaptureFixture) -> None:
    box = MemoryBox(max_messages=3, overflow="drop-newest")
    box.fill(1, 2)
    box.fill(3, 4, 5, port="b")
    assert caplog.text.count("new ones are dropped") == 1
    taken = box.take(9)
    assert numbers(taken) == [1, 2, 3]
    assert box.dropped == {("b", "overflow"): 2}
    box.confirm(taken)
    box.fill(6)
    assert box.take(9)[0].seq == 4


def test_the_oldest_go_when_they_hold_too_many_bytes() -> None:
    box = MemoryBox(max_bytes=3 * OVERHEAD + 3000)
    box.fill(*("x" * 1000 for _ in range(3)))
    assert (len(box), box.dropped["a", "overflow"]) == (2, 1)
    box.confirm(box.take(2))
    box.fill("x" * 1200, "y" * 1200)
    assert (len(box), box.dropped["a", "overflow"]) == (2, 1)


def test_what_is_handed_out_is_not_dropped_and_counts_within_the_bound() -> None:
    box = MemoryBox(max_messages=3)
    box.fill(1, 2)
    taken = box.take(2)
    box.fill(3, 4, 5)
    assert box.dropped == {("a", "overflow"): 2}
    box.confirm(taken)
    assert numbers(box.take(9)) == [5]


def test_what_has_waited_for_too_long_goes() -> None:
    box = MemoryBox(max_age=0.05)
    box.fill(1)
    kept = box.take(1)
    box.fill(2)
    until(lambda: box.too_old(kept) == kept, "too old")
    box.fill(3)
    assert numbers(box.take(9)) == [3]
    assert box.dropped == {("a", "expired"): 1}


def test_a_value_that_no_serializer_carries_is_counted_and_stops_nothing() -> None:
    box = MemoryBox()
    box.fill(1, 1 << 70, 2)
    assert numbers(box.take(9)) == [1, 2]
    assert box.dropped == {("a", "failed"): 1}


def test_take_waits_for_an_event_and_ends_when_the_outbox_is_closed() -> None:
    box = MemoryBox()
    taken: list[list[object]] = []

    def run() -> None:
        while batch := box.take(10):
            taken.append(numbers(batch))

    thread = threading.Thread(target=run, name="test-taker")
    thread.start()
    box.fill(1)
    box.fill(2)
    box.close()
    thread.join(5)
    assert not thread.is_alive()
    assert sum(taken, []) == [1, 2]


@pytest.mark.parametrize("value", [b"\0\xff", 2**64 - 1, -0.1, "ä\0", [None, {"": []}], 1e300])
def test_an_event_leaves_as_it_came(value: object) -> None:
    box = MemoryBox()
    box.fill(value)
    assert numbers(box.take(1)) == [value]


def test_an_event_that_an_early_outbox_wrote_in_msgpack_is_read() -> None:
    data = serializers.get("msgpack").dumps(["com.example.t", [1], {}, {}, 2.5])
    assert WaitingEvent(1, "a", 0.0, data).event() == ["com.example.t", [1], {}, {}, 2.5]


MANY = 300


class HesitantCounter(Hesitant, Counter[str]):
    """A Counter that lets other threads run while it is read."""


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("most", [10, 10_000])
def test_ports_that_fill_it_while_it_is_emptied_lose_nothing_that_is_not_counted(most: int) -> None:
    box, found = MemoryBox(max_messages=most, max_bytes=1 << 30), list[WaitingEvent]()
    box._queue._waiting = HesitantCounter()

    def fill(port: str) -> None:
        for value in range(MANY):
            box.fill(value, port=port)

    ports = [threading.Thread(target=fill, args=(port,)) for port in "abcd"]
    for thread in ports:
        thread.start()
    while any(thread.is_alive() for thread in ports) or len(box):
        batch = box.take(2, 0.01)
        found += batch
        box.confirm(batch)
        assert len(box) <= most + 1
    dropped = sum(box.dropped.values())
    assert len(found) + dropped == 4 * MANY and (dropped == 0 or most == 10)
    order = [entry.seq for entry in found]
    assert order == sorted(set(order))
    for port in "abcd":
        values = numbers(entry for entry in found if entry.port == port)
        assert values == sorted(set(values))
        assert box.waiting(port) == 0
    assert box._queue.size == 0
