"""The queue of an outbox, step by step; tests/property/test_queue_model.py goes all ways."""

from __future__ import annotations

import pytest

from wamplite.bridge.outbox.queue import OVERHEAD, Queue, StoredRow
from wamplite.bridge.settings import BufferSettings

SIZE = OVERHEAD + 1


@pytest.fixture
def queue() -> Queue:
    """Give a queue with the events 1 to 4, for four at most."""
    queue = Queue(BufferSettings(max_messages=4), lambda port, reason, number: None)
    for _ in range(4):
        queue.put("a", b"x", 0.0)
    return queue


def numbers(queue: Queue) -> list[int]:
    return [entry.seq for entry in queue.in_memory()]


def store(queue: Queue, number: int, are_stored: bool = True) -> None:
    queue.begin_storing(0.0, number, 10_000)
    queue.end_storing(are_stored)


def test_what_could_not_be_stored_is_where_it_was(queue: Queue) -> None:
    store(queue, 3, are_stored=False)
    assert (numbers(queue), queue.stored, queue.stored_to) == ([1, 2, 3, 4], 0, 0)
    assert [entry.seq for entry in queue.take(9)] == [1, 2, 3, 4]


def test_what_is_being_stored_is_handed_out_before_what_is_not(queue: Queue) -> None:
    queue.begin_storing(0.0, 2, 10_000)
    assert [entry.seq for entry in queue.take(3)] == [1, 2, 3]
    queue.end_storing(True)
    assert (queue.stored, queue.flying, queue.stored_to) == (0, 3, 2)


def test_what_is_being_stored_is_not_dropped(queue: Queue) -> None:
    queue.begin_storing(0.0, 2, 10_000)
    queue.put("a", b"x", 0.0)
    queue.make_room(1e9)
    assert numbers(queue) == [1, 2]
    queue.end_storing(True)
    assert (queue.stored, queue.memory, queue.size) == (2, 0, 2 * SIZE)


def test_what_is_dropped_from_the_file_has_left(queue: Queue) -> None:
    store(queue, 3)
    queue.drop_stored([StoredRow(1, "a", SIZE, "expired"), StoredRow(2, "a", SIZE, "expired")])
    assert (queue.left_to, queue.done_to, queue.sent_to, len(queue)) == (2, 2, 0, 2)


def test_that_events_are_dropped_is_over_once_some_are_handed_out(queue: Queue) -> None:
    queue.put("a", b"x", 0.0)
    queue.make_room(0.0)
    assert queue.is_dropping
    queue.take(0)
    assert queue.is_dropping
    queue.take(1)
    assert not queue.is_dropping


def test_what_is_confirmed_twice_counts_once(queue: Queue) -> None:
    batch = queue.take(2)
    queue.confirm(batch)
    queue.confirm(batch, "refused")
    assert (len(queue), queue.waiting("a"), queue.size) == (2, 2, 2 * SIZE)
