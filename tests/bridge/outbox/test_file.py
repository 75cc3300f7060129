"""Files that cannot be used: damaged, foreign, newer, in use, full; each said and survived."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.bridge.boxes import StoredBox, all_of
from tests.bridge.events import numbers
from tests.waiting import until
from wamplite.bridge.outbox import stored
from wamplite.bridge.outbox.file import Store
from wamplite.bridge.outbox.memory import OVERHEAD, WaitingEvent
from wamplite.core.errors import UsageError

Open = Callable[..., StoredBox]


@pytest.fixture
def path(outbox_path: Path) -> Path:
    return outbox_path


def test_a_file_that_is_no_database_is_set_aside(
    open_box: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"garbage " * 1000)
    path.chmod(0o600)
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
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="the database of another program"):
        Store(str(path))
    assert path.read_bytes() == before


def test_a_file_in_use_is_refused(open_box: Open, path: Path) -> None:
    open_box()
    with pytest.raises(UsageError, match="in use by"):
        Store(str(path))


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*absent$"):
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


@pytest.mark.usefixtures("hurried")
def test_nobody_sees_half_of_what_is_written_together(path: Path) -> None:
    store = Store(str(path))
    store._database.set_trace_callback(lambda statement: time.sleep(0))  # other threads may run

    def write() -> None:
        for first in range(1, 2001, 20):
            store.commit(add=[WaitingEvent(first + n, "a", 0.0, b"x") for n in range(20)])

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[int] = set()
    while writer.is_alive():
        number, _ = store.tally().get("a", (0, 0))
        seen |= {number, store.last(), len(store.load(0, 10_000)), len(store.oldest(0, 9999, 0, 0))}
    writer.join()
    assert {number % 20 for number in seen} == {0}
    assert store.tally() == {"a": (2000, 2000 * (1 + OVERHEAD))}
    store.close(2001)


def test_a_file_is_its_owners_alone_or_refused(open_box: Open, path: Path) -> None:
    open_box().close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others may read it: chmod 600"):
        Store(str(path))
