"""Files of ours: readable on a full disk, upgraded, and set aside in a bounded number."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from wamplite.core.errors import UsageError
from wamplite.storage.database import KEPT, FileFormat, is_damage, open_private, set_aside

FIRST = FileFormat(0x1234, 1, "CREATE TABLE IF NOT EXISTS thing (a);", "NORMAL")
SECOND = FIRST._replace(
    version=2,
    schema="CREATE TABLE IF NOT EXISTS thing (a, b);",
    upgrades={1: "ALTER TABLE thing ADD COLUMN b;"},
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "file")


def test_a_file_that_is_as_it_should_be_is_not_written(path: str) -> None:
    open_private(path, FIRST).close()
    before = Path(path).read_bytes()
    again = open_private(path, FIRST)
    assert not Path(path + "-wal").stat().st_size
    again.close()
    assert Path(path).read_bytes() == before


def test_a_file_of_an_earlier_version_is_upgraded_once(path: str) -> None:
    first = open_private(path, FIRST)
    first.execute("INSERT INTO thing VALUES (7)")
    first.close()
    for _ in range(2):
        second = open_private(path, SECOND)
        assert list(second.execute("SELECT a, b FROM thing")) == [(7, None)]
        assert second.execute("PRAGMA user_version").fetchone() == (2,)
        second.close()
    with pytest.raises(UsageError, match="newer wamplite"):
        open_private(path, FIRST)


def test_a_file_has_one_user(path: str) -> None:
    first = open_private(path, FIRST)
    with pytest.raises(sqlite3.OperationalError, match="locked") as raised:
        open_private(path, FIRST)
    assert not is_damage(raised.value)
    first.close()


def test_what_is_no_database_is_damage(path: str) -> None:
    Path(path).write_bytes(b"no database" * 1000)
    Path(path).chmod(0o600)
    with pytest.raises(sqlite3.DatabaseError) as raised:
        open_private(path, FIRST)
    assert is_damage(raised.value)


def test_the_latest_damaged_files_stay_and_no_more(path: str) -> None:
    for number in range(KEPT + 3):
        Path(path).write_text(f"{number}")
        if number == KEPT:
            Path(path + "-wal").write_text(f"log of {number}")
        assert set_aside(path) == Path(f"{path}.damaged-1")
        assert not Path(path).exists()
    found = {file.name: file.read_text() for file in Path(path).parent.iterdir()}
    assert found == {
        "file.damaged-1": "5",
        "file.damaged-2": "4",
        "file.damaged-3": "3",
        "file.damaged-3-wal": "log of 3",
    }
