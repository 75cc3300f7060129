"""An outbox on disk keeps what it said it stored, over crashes, full disks and damage."""

from __future__ import annotations

import random
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import CodeType, FrameType

import pytest

from tests.bridge.boxes import StoredBox, all_of, rows
from tests.bridge.events import numbers
from tests.processes import running
from tests.waiting import until
from wamplite.bridge.outbox.queue import Queue

KILLS = 8  # and 20 of the whole bridge, in test_bridge

Open = Callable[..., StoredBox]


@pytest.fixture
def path(outbox_path: Path) -> Path:
    return outbox_path


def test_what_is_confirmed_in_time_is_never_written(open_box: Open, path: Path) -> None:
    box = open_box()
    for number in range(20):
        box.fill(number)
        box.confirm(box.take(10))
        time.sleep(0.05)
    assert box.stored_to == 0
    box.crash()
    assert rows(path) == []


def test_what_waits_is_written_and_comes_back_in_order_and_unmarked(
    open_box: Open, path: Path
) -> None:
    box = open_box()
    box.fill(*range(300))
    box.await_stored()
    box.fill(*range(300, 310))
    box.crash()  # the last ten were in memory
    again = open_box()
    assert again.found == {"a": 300} and len(again) == 300
    found = all_of(again)
    assert numbers(found) == list(range(300))
    assert not any(entry.sent for entry in found)
    again.end()
    assert rows(path) == []


def test_what_was_handed_out_and_not_confirmed_comes_back_marked(open_box: Open) -> None:
    box = open_box()
    box.fill(*range(10))
    box.await_stored()
    first = box.take(3)
    box.confirm(first)
    second = box.take(3)
    box.crash()
    again = open_box()
    found = all_of(again)
    marked = [entry.event()[1][0] for entry in found if entry.sent]
    assert set(numbers(second)) <= set(marked) <= {0, 1, 2, *numbers(second)}
    assert numbers(found)[-4:] == [6, 7, 8, 9]


def test_a_mark_outlives_several_crashes(open_box: Open) -> None:
    box = open_box()
    box.fill(*range(10))
    box.await_stored()
    box.take(3)
    box.crash()
    second = open_box()
    second.fill(10)
    second.await_stored()  # nothing was handed out, and something was written
    second.crash()
    found = all_of(open_box())
    assert numbers(found) == list(range(11))
    assert [entry.sent for entry in found] == [True] * 3 + [False] * 8


def test_what_is_handed_out_from_memory_and_hangs_is_written_as_sent(open_box: Open) -> None:
    box = open_box()
    box.fill(1, 2)
    taken = box.take(2)
    box.await_stored()
    box.crash()
    found = all_of(open_box())
    assert numbers(found) == numbers(taken)
    assert all(entry.sent for entry in found)


def test_a_good_end_writes_all_at_once(open_box: Open, path: Path) -> None:
    box = open_box()
    box.fill(*range(50))
    box.end()
    assert len(rows(path)) == 50
    again = open_box()
    assert numbers(all_of(again)) == list(range(50))


def test_numbers_are_never_given_twice(open_box: Open) -> None:
    box = open_box()
    box.fill(*range(5))
    box.confirm(box.take(9))
    box.crash()
    again = open_box()
    again.fill(5)
    (after_a_crash,) = all_of(again)
    again.end()
    once_more = open_box()
    once_more.fill(6)
    (after_a_good_end,) = all_of(once_more)
    assert after_a_crash.seq > 5
    assert after_a_good_end.seq == after_a_crash.seq + 1


def test_new_events_follow_those_in_the_file(open_box: Open) -> None:
    box = open_box()
    box.fill(*range(600))
    box.await_stored()
    taken = box.take(100)
    box.fill(*range(600, 700))
    assert numbers(taken) == list(range(100))
    box.confirm(taken)
    assert numbers(all_of(box)) == list(range(100, 700))


def test_the_oldest_go_from_the_file(open_box: Open) -> None:
    box = open_box(max_messages=100)
    box.fill(*range(100))
    box.await_stored()
    box.fill(*range(100, 130))
    until(lambda: len(box) == 100, "dropped")
    assert box.dropped == {"overflow": 30}
    assert numbers(all_of(box)) == list(range(30, 130))


def test_the_newest_go_where_the_policy_says_so(open_box: Open) -> None:
    box = open_box(max_messages=100, overflow="drop-newest")
    box.fill(*range(90))
    box.await_stored()
    box.fill(*range(90, 120))
    assert box.dropped == {"overflow": 20}
    assert numbers(all_of(box)) == list(range(100))


def test_what_has_waited_for_too_long_goes_from_the_file(open_box: Open) -> None:
    box = open_box(max_age=1.5)
    box.fill(1, 2)
    box.await_stored()
    until(lambda: len(box) == 0, "expired")
    assert box.dropped == {"expired": 2}


def test_threads_that_put_are_not_kept_waiting_by_the_disk(open_box: Open) -> None:
    box = open_box()
    with box.journal._lock:  # a disk that takes its time
        done = threading.Event()
        thread = threading.Thread(target=lambda: (box.fill(1), done.set()), name="test-put")
        thread.start()
        assert done.wait(1.0)
    thread.join()


CHILD = """
import itertools, sys, time
from tests.bridge.boxes import StoredBox
from pathlib import Path
box = StoredBox(Path(sys.argv[1]), max_messages=100000, max_bytes=1 << 26)
box.start()
number = int(sys.argv[2])
said = 0
while True:
    for _ in range(50):
        box.fill(number)
        number += 1
    time.sleep(0.002)
    if box.stored_to != said:
        said = box.stored_to
        print(said, flush=True)
"""


@pytest.mark.long
def test_kill_9_at_random_moments_loses_nothing_that_was_stored(path: Path) -> None:
    """Each child says up to which number it has stored; it is killed, and the file looked at."""
    chance = random.Random(4)
    for _ in range(KILLS):
        with running(sys.executable, "-c", CHILD, str(path), "0") as child:
            promised = int(child.line())
            deadline = time.monotonic() + chance.uniform(0.0, 0.4)
            while (left := deadline - time.monotonic()) > 0:
                try:
                    promised = int(child.line(left))
                except TimeoutError:
                    break
            child.process.send_signal(signal.SIGKILL)
            child.wait()
            while line := child.line():
                promised = int(line)
        found = rows(path)
        assert found and found[-1] >= promised
        first = next(seq for seq in found if seq > 0)
        assert found == list(range(first, found[-1] + 1)), "a gap"
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("DELETE FROM event")


def test_it_is_small(open_box: Open) -> None:
    box = open_box(max_messages=1_000_000, max_bytes=1 << 30, write_every=0.05)
    for _ in range(4):
        box.fill(*("x" * 100 for _ in range(5_000)))
        box.await_stored()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10):
        box.fill(*("x" * 100 for _ in range(5_000)))
        box.await_stored()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4096, f"{grown} KiB for 50,000 events that are in the file"


@pytest.mark.parametrize(("every", "most"), [(0.1, 100), (2.0, 3)])
def test_what_comes_one_by_one_is_written_together_every_so_often(
    open_box: Open, every: float, most: int
) -> None:
    box = open_box(write_every=every)
    commits: list[str] = []
    box.database.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    began, number = time.monotonic(), 0
    while time.monotonic() - began < 2.5:
        box.fill(number)
        number += 1
        time.sleep(0.01)
    took = time.monotonic() - began
    box.await_stored()
    assert 1 <= len(commits) <= min(most, 2 + took / every)
    box.crash()
    assert numbers(all_of(open_box())) == list(range(number))


@pytest.mark.parametrize("code", [Queue.stored.fget.__code__, Queue.load.__code__])
def test_nothing_is_put_while_the_queue_is_asked_and_told_of_the_file(
    open_box: Open, code: CodeType
) -> None:
    box = open_box()
    box.fill(*range(3))
    box.await_stored()
    putting = threading.Thread(target=box.fill, args=(3,))
    waited: list[bool] = []

    def put_meanwhile(frame: FrameType, event: str, _: object) -> None:
        asks = frame.f_back is not None and frame.f_back.f_code.co_name == "_read"
        if asks and frame.f_code is code:
            putting.start()
            putting.join(0.05)
            waited.append(putting.is_alive())

    def take() -> None:
        sys.settrace(put_meanwhile)
        box.confirm(box.take(3))

    taking = threading.Thread(target=take)
    taking.start()
    for thread in (taking, putting):
        thread.join(20)
    assert waited == [True]
    assert numbers(box.take(3)) == [3]
