from __future__ import annotations

import threading

import pytest

from tests.client.scripted import PATIENCE
from tests.waiting import until
from wamplite.client import events
from wamplite.client.events import Events


def test_jobs_run_in_order_on_one_named_thread() -> None:
    queue, seen, last = Events("wamplite-events-1"), [], threading.Event()
    for number in range(100):
        assert queue.put(lambda n=number: seen.append((n, threading.current_thread().name)), 1)
    queue.put(last.set, 1)
    assert last.wait(PATIENCE)
    queue.end(drop=False)
    assert seen == [(number, "wamplite-events-1") for number in range(100)]


def test_no_thread_without_events() -> None:
    queue = Events("wamplite-events-1")
    assert queue.thread is None
    queue.end(drop=True)


@pytest.mark.parametrize("drop", [True, False])
def test_the_end_comes_after_what_waits_unless_that_is_dropped(drop: bool) -> None:
    queue, seen, go = Events("wamplite-events-1"), [], threading.Event()
    queue.put(lambda: go.wait(PATIENCE) and None, 1)
    for number in range(5):
        queue.put(lambda n=number: seen.append(n), 1)
    queue.end(drop)
    go.set()
    assert queue.thread is not None
    queue.thread.join(PATIENCE)
    assert seen == ([] if drop else [0, 1, 2, 3, 4])


def test_so_many_events_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 3)
    queue, go = Events("wamplite-events-1"), threading.Event()
    for _ in range(3):
        assert queue.put(lambda: go.wait(PATIENCE) and None, 1)
    assert not queue.put(go.set, 1)
    go.set()
    queue.end(drop=True)


def test_so_many_bytes_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_BYTES", 100)
    queue, go = Events("wamplite-events-1"), threading.Event()
    assert queue.put(lambda: go.wait(PATIENCE) and None, 200)  # one alone may be larger
    assert not queue.put(go.set, 1)
    go.set()
    queue.end(drop=True)


def test_who_keeps_up_may_have_any_number_of_events_and_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 3)
    monkeypatch.setattr(events, "MOST_BYTES", 100)
    queue, handled = Events("wamplite-events-1"), threading.Semaphore(0)
    for number in range(50):
        assert queue.put(lambda: None, 40)
        assert queue.put(lambda: handled.release() and None, 60), number
        assert handled.acquire(timeout=PATIENCE)
        until(lambda n=number: queue._taken == 2 * n + 2, "its books are written")
    queue.end(drop=False)


def test_up_to_the_bound_in_bytes_they_wait_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_BYTES", 100)
    queue, go = Events("wamplite-events-1"), threading.Event()
    assert queue.put(lambda: go.wait(PATIENCE) and None, 40)
    assert queue.put(lambda: None, 60)
    assert not queue.put(lambda: None, 1)
    go.set()
    until(lambda: queue._taken == 2, "both are done")
    assert queue.put(lambda: None, 100)
    queue.end(drop=True)


def test_the_bounds_are_those_of_the_design() -> None:
    assert (events.MOST_EVENTS, events.MOST_BYTES) == (10_000, 16 * 1024 * 1024)
