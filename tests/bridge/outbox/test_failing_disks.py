"""An outbox on disk whose file fails or is damaged: it is told once, and lived with."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.boxes import StoredBox, all_of, rows
from tests.bridge.events import numbers
from tests.waiting import PATIENCE, until
from wamplite.bridge.outbox import journal
from wamplite.core.errors import UsageError

Open = Callable[..., StoredBox]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon."""
    monkeypatch.setattr(journal, "RETRY", 0.05)
    monkeypatch.setattr(journal, "PAUSE", 0.01)


@pytest.fixture
def path(outbox_path: Path) -> Path:
    return outbox_path


def test_a_file_that_cannot_be_read_for_a_while_gives_its_events_later(open_box: Open) -> None:
    box = open_box(write_every=0.05)
    box.fill(1, 2, 3)
    box.await_stored()
    box.database.set_progress_handler(lambda: 1, 1)  # each statement fails: "interrupted"
    assert box.take(10) == []
    assert box.trouble == "interrupted" and len(box) == 3
    box.database.set_progress_handler(None, 1)
    box.fill(4)
    until(lambda: not box.trouble, "written again")
    assert numbers(all_of(box)) == [1, 2, 3, 4]
    assert not box.dropped


def test_a_file_that_cannot_be_written_gives_its_events_all_the_same(
    open_box: Open, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box(write_every=0.05)
    box.fill(1, 2, 3)
    box.await_stored()
    box.database.execute("PRAGMA query_only=ON")
    taken = box.take(2)
    assert numbers(taken) == [1, 2] and "readonly" in box.trouble
    box.confirm(taken)
    box.fill(4)
    assert numbers(all_of(box)) == [3, 4]
    box.database.execute("PRAGMA query_only=OFF")
    box.fill(5)
    until(lambda: not box.trouble, "written again")
    assert caplog.text.count("kept in memory until it works") == 1
    assert caplog.text.count("written again") == 1
    assert not box.dropped


def test_an_event_that_is_handed_out_while_it_is_written_comes_back_marked(
    open_box: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = open_box(write_every=0.05)
    writing, may_go_on = threading.Event(), threading.Event()
    commit = box.journal._file.commit

    def slow(**more: Any) -> None:
        if more.get("add"):
            writing.set()
            assert may_go_on.wait(PATIENCE)
        commit(**more)

    monkeypatch.setattr(box.journal._file, "commit", slow)
    taken: list[Any] = []
    taker = threading.Thread(target=lambda: taken.extend(box.take(10)), name="test-taker")
    box.fill(1, 2)
    assert writing.wait(PATIENCE)
    taker.start()
    until(lambda: box.handed_out == 2, "taken from memory")
    assert taken == []  # the file has not recorded it yet
    may_go_on.set()
    taker.join(PATIENCE)
    assert numbers(taken) == [1, 2]
    box.crash()
    again = all_of(open_box(write_every=0.05))
    assert numbers(again) == [1, 2] and all(entry.sent for entry in again)


def test_a_fault_of_ours_does_not_end_the_writing_thread(
    open_box: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box(write_every=0.05)
    faults = [RuntimeError("a fault of ours")]
    commit = box.journal._file.commit

    def once(**more: Any) -> None:
        if faults:
            raise faults.pop()
        commit(**more)

    monkeypatch.setattr(box.journal._file, "commit", once)
    box.fill(1, 2)
    box.await_stored()
    assert caplog.text.count("a fault of ours") == 1
    assert numbers(all_of(box)) == [1, 2]


def test_a_file_that_cannot_be_written_at_the_end_is_closed_and_told(
    open_box: Open, outbox_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box(write_every=0.05)
    box.fill(1)
    box.await_stored()
    box.fill(2)
    box.database.execute("PRAGMA query_only=ON")
    box.end()
    assert caplog.text.count("readonly") == 2  # events, and the number that comes next
    assert rows(outbox_path) == [1]


def test_a_file_that_is_no_database_is_set_aside(
    open_box: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"garbage " * 1000)
    path.chmod(0o600)
    box = open_box(write_every=0.05)
    box.fill(1)
    assert numbers(all_of(box)) == [1]
    (aside,) = path.parent.glob("outbox.damaged-*")
    assert aside.read_bytes().startswith(b"garbage")
    assert "is damaged" in caplog.text and aside.name in caplog.text


def test_a_database_with_damaged_pages_is_set_aside(open_box: Open, path: Path) -> None:
    box = open_box(write_every=0.05)
    box.fill(*("x" * 1000 for _ in range(200)))
    box.end()
    data = bytearray(path.read_bytes())
    data[8192:40960] = os.urandom(40960 - 8192)
    path.write_bytes(data)
    again = open_box(write_every=0.05)
    assert len(again) == 0
    assert list(path.parent.glob("outbox.damaged-*"))


def test_damage_that_is_found_while_it_runs_costs_what_was_in_the_file_and_is_counted(
    open_box: Open, path: Path
) -> None:
    box = open_box(write_every=0.05)
    box.fill(*("x" * 1000 for _ in range(200)))
    box.await_stored()
    box.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    box.database.execute("PRAGMA shrink_memory")
    box.fill("new")
    until(lambda: box.dropped["damaged"] == 200, "found and counted")
    assert numbers(all_of(box)) == ["new"]
    box.fill("after")
    box.await_stored()


def test_a_full_disk_is_survived_in_memory_and_written_later(
    open_box: Open, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box(write_every=0.05)
    box.fill(*("x" * 1000 for _ in range(10)))
    box.await_stored()
    pages = box.database.execute("PRAGMA page_count").fetchone()[0]
    box.database.execute(f"PRAGMA max_page_count={pages}")  # what a full disk answers
    box.fill(*("y" * 1000 for _ in range(100)))
    until(lambda: box.trouble, "full")
    assert "full" in box.trouble and box.figures()["trouble"] == box.trouble
    taken = box.take(5)
    box.confirm(taken)
    assert len(box) == 105
    box.database.execute("PRAGMA max_page_count=100000")
    until(lambda: not box.trouble, "written again")
    assert numbers(all_of(box)) == ["x" * 1000] * 5 + ["y" * 1000] * 100
    assert not box.dropped
    assert caplog.text.count("kept in memory until it works") == 1


def test_a_file_that_another_bridge_uses_is_refused_and_stays_where_it_is(
    open_box: Open, path: Path
) -> None:
    open_box()
    with pytest.raises(UsageError, match="in use by"):
        StoredBox(path).start()
    assert path.exists() and not list(path.parent.glob("*.damaged-*"))


@pytest.mark.parametrize("value", ["x", b"\xff", None])
def test_a_value_that_the_disk_has_changed_is_damage(
    open_box: Open, path: Path, value: object
) -> None:
    open_box().end()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE state SET value = ? WHERE name = 'next'", (value,))
    box = open_box(write_every=0.05)
    box.fill(1)
    assert numbers(all_of(box)) == [1]
    assert list(path.parent.glob("*.damaged-*"))


def test_events_that_are_missing_in_the_file_are_counted_and_hold_nothing_up(
    open_box: Open, path: Path
) -> None:
    box = open_box(write_every=0.05)
    box.fill(1, 2, 3)
    box.await_stored()
    with box.journal._lock:
        box.database.execute("DELETE FROM event")
    box.fill(4)
    assert numbers(all_of(box)) == [4]
    assert box.dropped == {"damaged": 3}


def test_a_file_that_cannot_be_read_for_long_is_given_up(
    open_box: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "GIVE_UP", 0.3)
    box = open_box(write_every=0.05)
    box.fill(1, 2, 3)
    box.await_stored()
    box.database.set_progress_handler(lambda: 1, 1)  # each statement fails: "interrupted"
    box.fill(4)
    found: list[Any] = []
    until(lambda: found.extend(box.take(10)) or found, "the events after it")
    assert numbers(found) == [4] and box.dropped == {"damaged": 3}
    assert list(path.parent.glob("*.damaged-1"))


def test_damage_that_is_found_at_the_end_costs_no_event_in_memory(
    open_box: Open, path: Path
) -> None:
    box = open_box(write_every=60.0)
    box.fill(*("x" * 1000 for _ in range(100)))
    with box.journal._lock:
        box.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(path.stat().st_size - 4096))
        box.database.execute("PRAGMA shrink_memory")
    box.end()
    assert list(path.parent.glob("*.damaged-1"))
    assert len(rows(path)) == 100
