"""An outbox on disk keeps what it said it stored, over crashes, full disks and damage."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bridge.events import event, numbers
from tests.bridge.pseudo import until
from tests.processes import running
from wamplite.bridge import stored
from wamplite.bridge.outbox import Entry
from wamplite.bridge.settings import BufferSettings
from wamplite.bridge.store import Store
from wamplite.bridge.stored import StoredOutbox
from wamplite.core.errors import UsageError

KILLS = 8  # and 20 of the whole bridge, in test_bridge


class Box(StoredOutbox):
    """An outbox that keeps what it was told to count."""

    def __init__(self, path: Path, **more: object) -> None:
        self.dropped: Counter[str] = Counter()
        super().__init__(BufferSettings(path=str(path), **more), self._count)  # type: ignore[arg-type]

    def _count(self, port: str, reason: str, number: int) -> None:
        self.dropped[reason] += number

    def fill(self, *values: object) -> None:
        self.put("a", [event(value) for value in values])

    def await_stored(self) -> None:
        until(lambda: self.stored_to == self._next - 1, "stored")

    def crash(self) -> None:
        """Leave the file as kill -9 leaves it, and let go of it."""
        self._ending.set()
        self._thread.join()
        self._store._database.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def open_box(path: Path) -> Iterator[Callable[..., Box]]:
    """Give `open(**settings)`: an outbox on the same file, started; the last one is ended."""
    boxes: list[Box] = []

    def start(**more: object) -> Box:
        boxes.append(Box(path, **more))
        boxes[-1].start()
        return boxes[-1]

    yield start
    if boxes and not boxes[-1]._ending.is_set():
        boxes[-1].end()


Open = Callable[..., Box]


def rows(path: Path) -> list[int]:
    """Return the numbers of the events in a file that nobody has open."""
    with closing(sqlite3.connect(path)) as database:
        return [seq for (seq,) in database.execute("SELECT seq FROM event ORDER BY seq")]


def all_of(box: Box, limit: int = 100) -> list[Entry]:
    """Take and confirm everything."""
    found: list[Entry] = []
    while len(box):
        batch = box.take(limit, 5.0)
        found += batch
        box.confirm(batch)
    return found


def test_what_is_confirmed_in_time_is_never_written(open_box: Open, path: Path) -> None:
    box = open_box()
    for number in range(20):
        box.fill(number)
        box.confirm(box.take(10))
        time.sleep(stored.HOLD / 10)
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
    assert again.restored == {"a": 300} and len(again) == 300
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


def test_the_age_counts_on_over_a_restart_and_a_reboot(open_box: Open, path: Path) -> None:
    box = open_box()
    box.fill(1)
    box.end()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE state SET value = 'another boot' WHERE name = 'boot'")
        database.execute("UPDATE event SET since = 1e9, at = at - 100")
    again = open_box(max_age=1000)
    (entry,) = again.take(1)
    assert 100 <= time.monotonic() - entry.since < 110


def test_a_file_that_is_no_database_is_set_aside(
    open_box: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"garbage " * 1000)
    box = open_box()
    box.fill(1)
    assert numbers(all_of(box)) == [1]
    (aside,) = path.parent.glob("outbox.damaged-*")
    assert aside.read_bytes().startswith(b"garbage")
    assert "is damaged" in caplog.text and aside.name in caplog.text


def test_a_database_with_damaged_pages_is_set_aside(open_box: Open, path: Path) -> None:
    box = open_box()
    box.fill(*("x" * 1000 for _ in range(200)))
    box.end()
    data = bytearray(path.read_bytes())
    data[8192:40960] = os.urandom(40960 - 8192)
    path.write_bytes(data)
    again = open_box()
    assert len(again) == 0
    assert list(path.parent.glob("outbox.damaged-*"))


def test_damage_that_is_found_while_it_runs_costs_what_was_in_the_file_and_is_counted(
    open_box: Open, path: Path
) -> None:
    box = open_box()
    box.fill(*("x" * 1000 for _ in range(200)))
    box.await_stored()
    box._store._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    box._store._database.execute("PRAGMA shrink_memory")
    box.fill("new")
    until(lambda: box.dropped["damaged"] == 200, "found and counted")
    assert numbers(all_of(box)) == ["new"]
    box.fill("after")
    box.await_stored()


def test_a_file_of_a_newer_wamplite_is_refused(open_box: Open, path: Path) -> None:
    open_box().end()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version=2")
    with pytest.raises(UsageError, match=r"newer wamplite \(format 2\); this one knows format 1"):
        Store(str(path))


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE precious (thing)")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="the database of another program"):
        Store(str(path))
    assert path.read_bytes() == before


def test_a_file_in_use_is_refused(open_box: Open, path: Path) -> None:
    open_box()
    with pytest.raises(UsageError, match="in use by"):
        Store(str(path))


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unable to open"):
        Store(str(tmp_path / "absent" / "outbox"))


def test_a_full_disk_is_survived_in_memory_and_written_later(
    open_box: Open, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stored, "RETRY", 0.1)
    box = open_box()
    box.fill(*("x" * 1000 for _ in range(10)))
    box.await_stored()
    pages = box._store._database.execute("PRAGMA page_count").fetchone()[0]
    box._store._database.execute(f"PRAGMA max_page_count={pages}")  # what a full disk answers
    box.fill(*("y" * 1000 for _ in range(100)))
    until(lambda: box.trouble, "full")
    assert "full" in box.trouble and box.figures()["trouble"] == box.trouble
    taken = box.take(5)
    box.confirm(taken)
    assert len(box) == 105
    box._store._database.execute("PRAGMA max_page_count=100000")
    until(lambda: not box.trouble, "written again")
    assert numbers(all_of(box)) == ["x" * 1000] * 5 + ["y" * 1000] * 100
    assert not box.dropped
    assert caplog.text.count("kept in memory until it works") == 1


def test_threads_that_put_are_not_kept_waiting_by_the_disk(open_box: Open) -> None:
    box = open_box()
    with box._store.lock:  # a disk that takes its time
        done = threading.Event()
        thread = threading.Thread(target=lambda: (box.fill(1), done.set()), name="test-put")
        thread.start()
        assert done.wait(1.0)
    thread.join()


CHILD = """
import itertools, sys, time
from tests.bridge.test_stored import Box
from pathlib import Path
box = Box(Path(sys.argv[1]), max_messages=100000, max_bytes=1 << 26)
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


def test_it_is_small(open_box: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "HOLD", 0.05)
    box = open_box(max_messages=1_000_000, max_bytes=1 << 30)
    for _ in range(4):
        box.fill(*("x" * 100 for _ in range(5_000)))
        box.await_stored()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10):
        box.fill(*("x" * 100 for _ in range(5_000)))
        box.await_stored()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4096, f"{grown} KiB for 50,000 events that are in the file"
