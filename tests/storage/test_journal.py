from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import thread_named, until
from wamplite.core.errors import UsageError
from wamplite.storage import journal
from wamplite.storage.journal import Journal

SCHEMA = "CREATE TABLE IF NOT EXISTS thing (number INTEGER PRIMARY KEY);"
INSERT = "INSERT INTO thing VALUES (?)"


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Make files that nobody else can read."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "journal.db")


@pytest.fixture
def open_(path: str) -> Iterator[Callable[[], Journal]]:
    opened: list[Journal] = []

    def open_() -> Journal:
        opened.append(Journal(path, SCHEMA))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def read(path: str) -> list[int]:
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT number FROM thing ORDER BY number").fetchall()
    database.close()
    return [number for (number,) in found]


def test_what_is_put_is_in_the_file_when_it_is_closed_and_loaded_again(
    path: str, open_: Callable[[], Journal]
) -> None:
    first = open_()
    for number in range(100):
        first.put(INSERT, lambda number=number: [number])  # type: ignore[misc]
    first.close()
    assert read(path) == list(range(100))
    assert open_().load("SELECT max(number) FROM thing") == [(99,)]


def test_whoever_waits_is_told_once_it_is_stored_by_the_writing_thread(
    path: str, open_: Callable[[], Journal]
) -> None:
    told: list[str] = []
    done = threading.Event()

    def tell() -> None:
        told.append(threading.current_thread().name)
        done.set()

    open_().put(INSERT, lambda: [7], tell)
    assert done.wait(5)
    assert told == ["wamplite-journal"]


def test_what_nobody_waits_for_is_stored_before_long(open_: Callable[[], Journal]) -> None:
    made = open_()
    stored = threading.Event()
    made.put(INSERT, lambda: [stored.set() or 7])
    assert stored.wait(5)


def test_what_cannot_be_written_is_counted_and_logged_once_and_nobody_is_kept_waiting(
    path: str, open_: Callable[[], Journal], caplog: pytest.LogCaptureFixture
) -> None:
    made = open_()
    done = threading.Semaphore(0)
    with caplog.at_level(logging.WARNING, "wamplite.router"):
        for _ in range(3):
            made.put("INSERT INTO absent VALUES (1)", lambda: [], done.release)
            assert done.acquire(timeout=5)
    assert made.faults == 3
    assert caplog.text.count("could not be stored: no such table: absent") == 1
    made.put(INSERT, lambda: [7], done.release)
    assert done.acquire(timeout=5)
    made.close()
    assert read(path) == [7]


def test_a_batch_that_fails_leaves_nothing_half_done(
    path: str, open_: Callable[[], Journal]
) -> None:
    made = open_()
    held, go = threading.Event(), threading.Event()
    made.put(INSERT, lambda: held.set() or go.wait(5) and [1], lambda: None)  # type: ignore[func-returns-value]
    assert held.wait(5)
    made.put(INSERT, lambda: [2])
    made.put("INSERT INTO absent VALUES (1)", lambda: [])
    go.set()
    made.close()
    assert read(path) == [1] and made.faults == 2


def test_so_much_waits_and_no_more(
    open_: Callable[[], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST", 3)
    made = open_()
    held, go, done = threading.Event(), threading.Event(), threading.Semaphore(0)
    made.put(INSERT, lambda: held.set() or go.wait(5) and [0], lambda: None)  # type: ignore[func-returns-value]
    assert held.wait(5)
    for number in range(1, 6):
        made.put(INSERT, lambda number=number: [number], done.release)  # type: ignore[misc]
    assert made.faults == 2
    assert done.acquire(timeout=0) and done.acquire(timeout=0)  # told at once: it is not stored
    go.set()
    for _ in range(3):
        assert done.acquire(timeout=5)


def test_what_comes_after_the_end_is_told_at_once(open_: Callable[[], Journal]) -> None:
    made = open_()
    made.close()
    made.close()
    done = threading.Event()
    made.put(INSERT, lambda: [7], done.set)
    assert done.is_set() and made.faults == 1


def test_a_damaged_file_is_set_aside(
    path: str, open_: Callable[[], Journal], caplog: pytest.LogCaptureFixture
) -> None:
    Path(path).write_bytes(b"this is no database, but long enough to look like one" * 100)
    made = open_()
    assert "is damaged" in caplog.text and "set aside as" in caplog.text
    made.put(INSERT, lambda: [7])
    made.close()
    assert read(path) == [7]
    assert len(list(Path(path).parent.glob("*.damaged-*"))) == 1


def test_a_file_whose_tables_are_damaged_is_set_aside_when_it_is_read(
    path: str, open_: Callable[[], Journal], caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA application_id={journal.APPLICATION}")
        database.execute("CREATE TABLE thing (nvmber INTEGER PRIMARY KEY)")
    database.close()
    made = open_()
    assert made.load("SELECT number FROM thing") == []
    assert "no such column" in caplog.text and "set aside as" in caplog.text
    made.put(INSERT, lambda: [7])
    made.close()
    assert read(path) == [7]


def test_a_file_has_one_owner(open_: Callable[[], Journal]) -> None:
    open_()
    with pytest.raises(UsageError, match="another router uses it"):
        open_()


def test_the_file_of_another_program_is_refused(path: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    with pytest.raises(UsageError, match="the database of another program"):
        Journal(path, SCHEMA)


def test_a_file_of_the_future_is_refused(path: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA application_id={journal.APPLICATION}")
        database.execute("PRAGMA user_version=99")
        database.execute("CREATE TABLE thing (number)")
    database.close()
    with pytest.raises(UsageError, match="written by a newer wamplite"):
        Journal(path, SCHEMA)


@pytest.mark.parametrize(
    ("name", "text"), [("none/x.db", "there is no folder"), ("", "it is a folder")]
)
def test_a_file_that_cannot_be_had_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Journal(str(tmp_path / name), SCHEMA)


def test_the_thread_ends_with_the_file(open_: Callable[[], Journal]) -> None:
    made = open_()
    made.close()
    until(lambda: not thread_named("wamplite-journal"), what="the thread has ended")


def test_a_value_that_cannot_be_made_keeps_nobody_waiting(
    path: str, open_: Callable[[], Journal]
) -> None:
    made = open_()
    done = threading.Semaphore(0)

    def broken() -> list[int]:
        raise RuntimeError("no such value")

    made.put(INSERT, broken, done.release)
    assert done.acquire(timeout=5)
    made.put(INSERT, lambda: [7], done.release)
    assert done.acquire(timeout=5)
    made.close()
    assert made.faults == 1 and read(path) == [7]


def test_rows_are_replaced_at_once_or_not_at_all(path: str, open_: Callable[[], Journal]) -> None:
    behind: list[str] = []
    made = Journal(path, SCHEMA, lambda: behind.append("behind"))
    done = threading.Semaphore(0)
    try:
        for number in (1, 2):
            made.put(INSERT, lambda number=number: [number], done.release)  # type: ignore[misc]
            assert done.acquire(timeout=5)
        assert not made.behind
        made.put(INSERT, lambda: [1], done.release)  # there is one already
        assert done.acquire(timeout=5)
        assert made.behind and behind == ["behind"]
        made.replace("DELETE FROM thing", INSERT, lambda: [[7], [7]])
        until(lambda: behind == ["behind"] * 2, what="it has failed")
        assert made.behind and made.faults == 1
        made.replace("DELETE FROM thing", INSERT, lambda: [[7], [8]])
        until(lambda: not made.behind, what="all is replaced")
    finally:
        made.close()
    assert read(path) == [7, 8]


def test_a_file_is_its_owners_alone_or_refused(path: str, open_: Callable[[], Journal]) -> None:
    os.umask(0)
    made = open_()
    made.put(INSERT, lambda: [7])
    until(lambda: os.path.exists(f"{path}-wal"))
    assert [os.stat(path + end).st_mode & 0o777 for end in ("", "-wal")] == [0o600] * 2
    made.close()
    for mode in (0o640, 0o604, 0o620, 0o666):
        os.chmod(path, mode)
        with pytest.raises(UsageError, match=f"others may read it: chmod 600 {path}"):
            open_()
    os.chmod(path, 0o600)
    open_()
