"""An outbox on disk whose file fails for a while: no event is lost, and none is sent unmarked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.boxes import StoredBox, all_of, rows
from tests.bridge.events import numbers
from tests.waiting import PATIENCE, until
from wamplite.bridge.outbox import stored

Open = Callable[..., StoredBox]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again soon."""
    monkeypatch.setattr(stored, "RETRY", 0.05)
    monkeypatch.setattr(stored, "PAUSE", 0.01)
    monkeypatch.setattr(stored, "HOLD", 0.05)


def database(box: StoredBox) -> sqlite3.Connection:
    return box._store._database


def test_a_file_that_cannot_be_read_for_a_while_gives_its_events_later(open_box: Open) -> None:
    box = open_box()
    box.fill(1, 2, 3)
    box.await_stored()
    database(box).set_progress_handler(lambda: 1, 1)  # each statement fails: "interrupted"
    assert box.take(10) == []
    assert box.trouble == "interrupted" and len(box) == 3
    database(box).set_progress_handler(None, 1)
    box.fill(4)
    until(lambda: not box.trouble, "written again")
    assert numbers(all_of(box)) == [1, 2, 3, 4]
    assert not box.dropped


def test_a_file_that_cannot_be_written_gives_its_events_all_the_same(
    open_box: Open, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box()
    box.fill(1, 2, 3)
    box.await_stored()
    database(box).execute("PRAGMA query_only=ON")
    taken = box.take(2)
    assert numbers(taken) == [1, 2] and "readonly" in box.trouble
    box.confirm(taken)
    box.fill(4)
    assert numbers(all_of(box)) == [3, 4]
    database(box).execute("PRAGMA query_only=OFF")
    box.fill(5)
    until(lambda: not box.trouble, "written again")
    assert caplog.text.count("kept in memory until it works") == 1
    assert caplog.text.count("written again") == 1
    assert not box.dropped


def test_an_event_that_is_handed_out_while_it_is_written_comes_back_marked(
    open_box: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = open_box()
    writing, may_go_on = threading.Event(), threading.Event()
    commit = box._store.commit

    def slow(**more: Any) -> None:
        if more.get("add"):
            writing.set()
            assert may_go_on.wait(PATIENCE)
        commit(**more)

    monkeypatch.setattr(box._store, "commit", slow)
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
    again = all_of(open_box())
    assert numbers(again) == [1, 2] and all(entry.sent for entry in again)


def test_a_fault_of_ours_does_not_end_the_writing_thread(
    open_box: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box()
    faults = [RuntimeError("a fault of ours")]
    commit = box._store.commit

    def once(**more: Any) -> None:
        if faults:
            raise faults.pop()
        commit(**more)

    monkeypatch.setattr(box._store, "commit", once)
    box.fill(1, 2)
    box.await_stored()
    assert caplog.text.count("a fault of ours") == 1
    assert numbers(all_of(box)) == [1, 2]


def test_a_file_that_cannot_be_written_at_the_end_is_closed_and_told(
    open_box: Open, outbox_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = open_box()
    box.fill(1)
    box.await_stored()
    box.fill(2)
    database(box).execute("PRAGMA query_only=ON")
    box.end()
    assert caplog.text.count("readonly") == 2  # events, and the number that comes next
    assert rows(outbox_path) == [1]
