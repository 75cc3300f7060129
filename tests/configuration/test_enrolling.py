"""A ticket of a new device holds once, for a while, for the user that it was made for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.configuration.examples import joe, write_users
from wamplite.auth import User
from wamplite.auth.users import Users
from wamplite.configuration.enrolling import Enrolling, invite
from wamplite.configuration.users_file import read, read_all
from wamplite.core.errors import UsageError

KEYS = ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "3d" * 32]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return a file with one user of realm home, joe."""
    file = tmp_path / "users.toml"
    write_users(file, joe())
    return str(file)


def pubkeys(path: str, authid: str) -> frozenset[str]:
    (found,) = [user for user in read(path, "home") if user.authid == authid]
    return frozenset(found.pubkeys)


def test_a_ticket_brings_the_key_of_a_new_user_once(path: str) -> None:
    users = Users(read(path, "home"))
    enroll = Enrolling(path, "home", users)
    ticket = invite(path, "home", "lamp", "device", 60.0)
    assert ticket not in Path(path).read_text()
    assert enroll("lamp", "another", KEYS[0]) is None
    assert enroll("joe", ticket, KEYS[0]) is None
    assert Enrolling(path, "away", Users())("lamp", ticket, KEYS[0]) is None
    user = enroll("lamp", ticket, KEYS[0])
    assert user is not None and (user.authid, user.role) == ("lamp", "device")
    assert pubkeys(path, "lamp") == {KEYS[0]}
    assert {each.authid for each in users} == {"joe", "lamp"}
    assert enroll("lamp", ticket, KEYS[1]) is None
    assert [each.invitation for each in read_all(path)] == [None, None]


def test_a_later_ticket_replaces_an_earlier_one(path: str) -> None:
    enroll = Enrolling(path, "home", Users())
    first, second = (invite(path, "home", "joe", None, 60.0) for _ in range(2))
    assert enroll("joe", first, KEYS[0]) is None
    assert enroll("joe", second, KEYS[0]) is not None
    assert pubkeys(path, "joe") == {KEYS[0]}


def test_a_ticket_holds_for_a_while(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, now = invite(path, "home", "joe", "sensor", 60.0), time.time()
    enroll = Enrolling(path, "home", Users())
    monkeypatch.setattr("wamplite.configuration.enrolling.time.time", lambda: now + 61)
    assert enroll("joe", ticket, KEYS[0]) is None
    monkeypatch.setattr("wamplite.configuration.enrolling.time.time", lambda: now + 50)
    assert enroll("joe", ticket, KEYS[0]) is not None


def test_a_key_of_somebody_else_is_refused_and_the_ticket_still_holds(path: str) -> None:
    enroll = Enrolling(path, "home", Users())
    assert enroll("joe", invite(path, "home", "joe", None, 60.0), KEYS[0]) is not None
    ticket = invite(path, "home", "lamp", "device", 60.0)
    with pytest.raises(UsageError):
        enroll("lamp", ticket, KEYS[0])
    assert enroll("lamp", ticket, KEYS[1]) is not None


def test_who_was_taken_off_the_file_meanwhile_is_nobody(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = invite(path, "home", "lamp", "device", 60.0)
    enroll = Enrolling(path, "home", Users())
    seen = enroll("joe", ticket, KEYS[0])  # the file is read
    monkeypatch.setattr("wamplite.configuration.enrolling.stamp", lambda path: seen)
    assert enroll("lamp", "another", KEYS[0]) is None  # and is taken for unchanged from now on
    write_users(Path(path), joe())
    assert enroll("lamp", ticket, KEYS[0]) is None
    assert [user.authid for user in read(path, "home")] == ["joe"]


@pytest.mark.parametrize(
    ("authid", "role", "text"),
    [
        ("lamp", None, "there is no 'lamp' of realm home: --role adds it"),
        ("joe", "king", "the role of 'joe' is sensor, not king"),
    ],
)
def test_who_cannot_be_invited_is_told(path: str, authid: str, role: str | None, text: str) -> None:
    before = Path(path).read_bytes()
    with pytest.raises(UsageError, match=text):
        invite(path, "home", authid, role, 60.0)
    assert Path(path).read_bytes() == before
    assert isinstance(read(path, "home")[0], User)
