from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.client.scripted import PATIENCE
from tests.waiting import until
from wamplite.client import workers
from wamplite.client.workers import Events, Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("wamplite-call-1", 3)
    yield pool
    pool.end()


def finish(pool: Pool) -> None:
    for thread in pool.running():
        thread.join(PATIENCE)
    assert not pool.running()


def test_each_job_has_a_named_thread_at_once(pool: Pool) -> None:
    meet, names = threading.Barrier(4), []

    def job() -> None:
        names.append(threading.current_thread().name)
        meet.wait(PATIENCE)

    assert all(pool.submit(job) for _ in range(3))
    meet.wait(PATIENCE)
    assert sorted(names) == [f"wamplite-call-1-{number}" for number in (1, 2, 3)]


def test_a_full_pool_refuses_and_then_goes_on(pool: Pool) -> None:
    go, done = threading.Event(), threading.Semaphore(0)

    def job() -> None:
        go.wait(PATIENCE)
        done.release()

    assert [pool.submit(job) for _ in range(4)] == [True, True, True, False]
    go.set()
    for _ in range(3):
        assert done.acquire(timeout=PATIENCE)
    while not pool.submit(done.release):
        pass
    assert done.acquire(timeout=PATIENCE)


def test_an_idle_thread_is_used_again(pool: Pool) -> None:
    seen: list[threading.Thread] = []
    for _ in range(20):
        done = threading.Event()

        def job(done: threading.Event = done) -> None:
            seen.append(threading.current_thread())
            done.set()

        assert pool.submit(job)
        assert done.wait(PATIENCE)
        while not pool._idle:
            pass
    assert len(set(seen)) == 1


def test_a_thread_that_nobody_needs_ends(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE", 0.01)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(PATIENCE)
    finish(pool)
    assert pool.submit(done.clear)


def test_after_the_end_nothing_is_taken(pool: Pool) -> None:
    go = threading.Event()
    pool.submit(lambda: go.wait(PATIENCE) and None)
    pool.end()
    assert not pool.submit(go.clear)
    go.set()
    finish(pool)


def test_the_end_wakes_idle_threads(pool: Pool) -> None:
    done = threading.Event()
    pool.submit(done.set)
    done.wait(PATIENCE)
    while not pool._idle:
        pass
    pool.end()
    finish(pool)


def test_a_system_without_threads_is_a_full_pool(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert not pool.submit(lambda: None)
    assert not pool.running()
    assert pool.submit(lambda: None)


def test_a_job_handed_over_as_its_thread_grows_old_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE", 0.0005)
    pool, done = Pool("wamplite-call-1"), threading.Semaphore(0)
    for _ in range(300):
        assert pool.submit(done.release)
        assert done.acquire(timeout=PATIENCE)
        threading.Event().wait(0.0004)
    pool.end()
    finish(pool)


# ---- events


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
    monkeypatch.setattr(workers, "MOST_EVENTS", 3)
    queue, go = Events("wamplite-events-1"), threading.Event()
    for _ in range(3):
        assert queue.put(lambda: go.wait(PATIENCE) and None, 1)
    assert not queue.put(go.set, 1)
    go.set()
    queue.end(drop=True)


def test_so_many_bytes_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_BYTES", 100)
    queue, go = Events("wamplite-events-1"), threading.Event()
    assert queue.put(lambda: go.wait(PATIENCE) and None, 200)  # one alone may be larger
    assert not queue.put(go.set, 1)
    go.set()
    queue.end(drop=True)


def test_who_keeps_up_may_have_any_number_of_events_and_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "MOST_EVENTS", 3)
    monkeypatch.setattr(workers, "MOST_BYTES", 100)
    queue, handled = Events("wamplite-events-1"), threading.Semaphore(0)
    for number in range(50):
        assert queue.put(lambda: None, 40)
        assert queue.put(lambda: handled.release() and None, 60), number
        assert handled.acquire(timeout=PATIENCE)
        until(lambda n=number: queue._taken == 2 * n + 2, "its books are written")
    queue.end(drop=False)


def test_up_to_the_bound_in_bytes_they_wait_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_BYTES", 100)
    queue, go = Events("wamplite-events-1"), threading.Event()
    assert queue.put(lambda: go.wait(PATIENCE) and None, 40)
    assert queue.put(lambda: None, 60)
    assert not queue.put(lambda: None, 1)
    go.set()
    until(lambda: queue._taken == 2, "both are done")
    assert queue.put(lambda: None, 100)
    queue.end(drop=True)


def test_the_bounds_are_those_of_the_design() -> None:
    assert (workers.MOST_EVENTS, workers.MOST_BYTES) == (10_000, 16 * 1024 * 1024)


def test_events_are_drained_once_those_that_came_are_handled() -> None:
    events, go, seen = Events("wamplite-events-1"), threading.Event(), []
    assert events.drain(0)  # none has come
    events.put(lambda: seen.append(go.wait(PATIENCE)), 5)
    assert not events.drain(0.01)
    go.set()
    assert events.drain(PATIENCE) and seen == [True]
    events.end(drop=False)


def test_draining_is_not_counted_as_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_EVENTS", 1)
    events, go = Events("wamplite-events-1"), threading.Event()
    events.put(lambda: None, 5)
    assert events.drain(PATIENCE) and events.drain(PATIENCE)
    assert events.put(lambda: None if go.wait(PATIENCE) else None, 5)
    assert not events.put(lambda: None, 5)
    go.set()
    events.end(drop=False)
