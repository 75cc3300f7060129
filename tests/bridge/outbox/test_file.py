"""The outbox's file: what it refuses, what it knows of earlier boots, what it takes over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bridge.boxes import rows
from tests.bridge.clocks import HOUR, NOON, SetClock
from wamplite.bridge.outbox.file import OutboxFile
from wamplite.bridge.outbox.queue import OVERHEAD, EarlierBoot, WaitingEvent
from wamplite.core.errors import UsageError


@pytest.fixture
def path(outbox_path: Path) -> Path:
    return outbox_path


class Files:
    """Opens one file again and again, as a process of a boot would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: OutboxFile | None = None

    def open(self, clock: SetClock | None = None) -> OutboxFile:
        self.close()
        self.file = OutboxFile(str(self.path), clock or SetClock())
        return self.file

    def close(self) -> None:
        if self.file is not None:
            self.file.close(self.file.following)
            self.file = None


@pytest.fixture
def files(path: Path) -> Iterator[Files]:
    files = Files(path)
    yield files
    files.close()


def entry(seq: int, since: float = 50.0, data: bytes = b"[]") -> WaitingEvent:
    return WaitingEvent(seq, "a", since, data)


def refused(path: Path, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        OutboxFile(str(path), SetClock())


def test_a_file_of_a_newer_wamplite_is_refused(files: Files, path: Path) -> None:
    files.open()
    files.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version=3")
    refused(path, r"newer wamplite \(format 3\); this one knows format 2")


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE precious (thing)")
    path.chmod(0o600)
    before = path.read_bytes()
    refused(path, "the database of another program")
    assert path.read_bytes() == before


def test_a_file_in_use_is_refused(files: Files, path: Path) -> None:
    files.open()
    refused(path, "in use by")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "absent" / "outbox", r"there is no folder .*absent$")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path, "it is a folder")


def test_a_file_is_its_owners_alone_or_refused(files: Files, path: Path) -> None:
    files.open()
    files.close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    refused(path, "others may read it: chmod 600")


def test_what_is_committed_is_there_and_what_is_done_is_not(files: Files, path: Path) -> None:
    file = files.open()
    file.commit(add=[entry(seq, data=b"x" * seq) for seq in range(1, 6)], following=6)
    file.commit(gone_to=2, sent_to=4, following=6)
    assert [found.seq for found in file.load(0, 9)] == [3, 4, 5]
    assert [found.seq for found in file.load(3, 1)] == [4]
    again = files.open()
    assert (again.last, again.following) == (5, 6)
    assert again.tally == {"a": (3, 3 * OVERHEAD + 12)}
    assert [found.sent for found in again.load(0, 9)] == [True, True, False]
    files.close()
    assert rows(path) == [3, 4, 5]


def test_a_commit_that_fails_leaves_nothing_of_it(files: Files) -> None:
    file = files.open()
    file.commit(add=[entry(1)], following=2)
    file._database.execute("PRAGMA query_only=ON")
    with pytest.raises(sqlite3.OperationalError):
        file.commit(add=[entry(2)], gone_to=1, sent_to=1, following=3)
    file._database.execute("PRAGMA query_only=OFF")
    assert [(found.seq, found.sent) for found in file.load(0, 9)] == [(1, False)]
    file.commit(add=[entry(2)], following=3)
    assert [found.seq for found in file.load(0, 9)] == [1, 2]


def test_the_oldest_are_found_by_number_by_bytes_and_by_age(files: Files) -> None:
    file = files.open()
    file.commit(add=[entry(seq, since=10.0 * seq, data=b"x" * 100) for seq in range(1, 6)])
    size = OVERHEAD + 100

    def oldest(number: int = 0, size: int = 0, before: float = 0.0) -> list[tuple[int, str]]:
        return [(row.seq, row.reason) for row in file.oldest(1, number, size, before)]

    assert oldest() == []
    assert oldest(number=2) == [(2, "overflow"), (3, "overflow")]
    assert oldest(size=size) == [(2, "overflow")]
    assert oldest(size=size + 1) == [(2, "overflow"), (3, "overflow")]
    assert oldest(before=30) == [(2, "expired")]
    assert oldest(number=1, before=40.5) == [(2, "overflow"), (3, "expired"), (4, "expired")]
    assert [row.size for row in file.oldest(0, 1, 0, 0)] == [size]


# ---- clocks and boots


def test_an_event_of_this_boot_has_its_time_from_this_boots_clock(files: Files) -> None:
    files.open(SetClock(boot="one")).commit(add=[entry(1, since=42.5)])
    (found,) = files.open(SetClock(boot="one", at=70)).load(0, 9)
    assert (found.since, found.origin) == (42.5, None)


@pytest.mark.parametrize("shown", [NOON + 7 * HOUR, NOON - 7 * HOUR, 20.0])
@pytest.mark.parametrize("synchronized", [None, False])
def test_after_a_reboot_whose_clock_may_be_off_by_hours_the_age_begins_anew(
    files: Files, shown: float, synchronized: bool | None
) -> None:
    files.open(SetClock(boot="one", synchronized=True)).commit(add=[entry(1, since=40)])
    file = files.open(SetClock(shown, synchronized, "two", at=9))
    (found,) = file.load(0, 9)
    assert found.since == 9
    assert found.origin is not None and found.origin.since == 40
    assert file.oldest(0, 0, 0, 9) == []


def test_after_a_reboot_with_a_right_clock_the_time_that_it_took_counts(files: Files) -> None:
    files.open(SetClock(boot="one", synchronized=True)).commit(add=[entry(1, since=40)])
    clock = SetClock(NOON + 90, True, "two", at=9)
    file = files.open(clock)
    (found,) = file.load(0, 9)
    assert found.since == 9 - 100
    assert [row.reason for row in file.oldest(0, 0, 0, 9 - 99)] == ["expired"]
    clock.synchronized = None
    assert file.oldest(0, 0, 0, 9 - 99) == []


def test_an_event_of_an_earlier_boot_keeps_the_time_that_boot_knew_last(files: Files) -> None:
    clock = SetClock(61.6, boot="one", at=60)  # a board without a battery
    file = files.open(clock)
    file.commit(add=[entry(1, since=58)], following=2)
    clock.passes(10)
    clock.shown, clock.synchronized = NOON, True  # the network has told it the time
    file.commit(following=2)
    clock.shown = 100.0  # and somebody has set it back
    file.commit(add=[entry(2, since=71)], following=3)
    first, second = files.open(SetClock(NOON + HOUR, boot="two")).load(0, 9)
    assert first.origin is not None and second.origin is not None
    assert first.origin.reckoning.utc(first.origin.since) == NOON - 12
    assert second.origin.reckoning.utc(second.origin.since) == NOON + 1
    assert first.origin.reckoning.synchronized is True


def test_an_event_of_a_boot_that_never_knew_the_time_has_none(files: Files) -> None:
    files.open(SetClock(61.6, boot="one")).commit(add=[entry(1)])
    file = files.open(SetClock(boot="two"))
    (found,) = file.load(0, 9)
    assert found.origin is not None
    assert found.origin.reckoning.utc(found.origin.since) is None
    assert file.latest < 100


@pytest.mark.parametrize(("synchronized", "speaks"), [(True, True), (None, True), (False, False)])
def test_the_latest_event_speaks_against_a_clock_that_shows_less(
    files: Files, synchronized: bool | None, speaks: bool
) -> None:
    file = files.open(SetClock(boot="one", synchronized=synchronized))
    file.commit(add=[entry(1, since=40), entry(2, since=45)])
    assert files.open(SetClock(boot="one")).latest == 0  # this boot's own
    assert files.open(SetClock(boot="two")).latest == (NOON - 5 if speaks else 0)


def test_boots_of_which_nothing_is_left_are_forgotten(files: Files, path: Path) -> None:
    for number in range(1, 6):
        files.open(SetClock(boot=f"boot {number}")).commit(
            add=[entry(number)], gone_to=number - 1, following=number + 1
        )
    files.close()
    with closing(sqlite3.connect(path)) as database:
        assert list(database.execute("SELECT id FROM boot")) == [("boot 5",)]


def test_an_event_whose_own_boot_is_not_in_this_file_is_kept_without_a_time(files: Files) -> None:
    lost = entry(1)._replace(origin=EarlierBoot(7, SetClock().reckoning()))
    files.open(SetClock(boot="one")).commit(add=[lost])
    (found,) = files.open(SetClock(boot="one")).load(0, 9)
    assert found.origin is not None
    assert found.origin.reckoning.utc(found.origin.since) is None


OLD = """
CREATE TABLE state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY, port TEXT NOT NULL, since REAL NOT NULL, at REAL NOT NULL,
    data BLOB NOT NULL);
PRAGMA application_id=0x77616D70;
PRAGMA user_version=1;
"""


def test_a_file_of_the_first_format_is_taken_over(files: Files, path: Path) -> None:
    data = json.dumps(["com.example.t", [1], {"ts": 2.5}, {}, 2.5]).encode()
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(OLD)
        database.execute("INSERT INTO state VALUES ('boot', 'one'), ('next', 900), ('sent_to', 7)")
        for seq, since in ((7, 40.0), (8, 41.0)):
            row = (seq, "a", since, NOON - 50 + since, data)
            database.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?)", row)
    path.chmod(0o600)
    file = files.open(SetClock(boot="two"))
    first, second = file.load(0, 9)
    assert (file.following, first.sent, second.sent) == (900, True, False)
    assert first.event() == ["com.example.t", [1], {"ts": 2.5}, {}, 2.5]
    assert second.origin is not None
    assert second.origin.reckoning.utc(second.origin.since) == NOON - 9
    assert files.open(SetClock(boot="one")).load(0, 9)[0].since == 40.0
