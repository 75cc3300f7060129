"""A router that runs is what its file says now, or stays as it was: in this process."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import wamplite
from tests.configuration.examples import joe, write_users
from tests.waiting import until
from wamplite.auth import Ticket
from wamplite.configuration import files
from wamplite.configuration.build import Estate, cookies_of
from wamplite.configuration.reload import notice, reload
from wamplite.core.errors import UsageError

TEXT = """\
[router]
max_calls = 100
[[listener]]
url = "rs://127.0.0.1:0"
[[realm]]
name = "home"
users = "users.toml"
anonymous = "guest"
[[realm.role]]
name = "sensor"
[[realm.role.permission]]
uri = "home."
match = "prefix"
allow = ["publish"]
[[realm.role]]
name = "guest"
[[realm.role.permission]]
uri = "home."
match = "prefix"
allow = ["subscribe"]
"""
PUBLISH = 'match = "prefix"\nallow = ["publish"]'
OTHER = """\
[[realm]]
name = "other"
anonymous = "all"
features = ["basic"]
[[realm.role]]
name = "all"
[[realm.role.permission]]
uri = ""
match = "prefix"
allow = ["publish", "subscribe"]
"""


class House:
    """A router as a file says it."""

    def __init__(self, folder: Path, router: wamplite.Router) -> None:
        self.path, self.users = folder / "wamplite.toml", folder / "users.toml"
        self.joe = joe()
        write_users(self.users, self.joe, joe(authid="ann"))
        self.path.write_text(TEXT)
        self.router = router
        found = files.read(str(self.path))
        self.estate = Estate(router, found, cookies_of(found.router))
        (self.url,) = self.estate.listen()

    def change(self, *pairs: tuple[str, str], more: str = "") -> list[str]:
        """Change the file and have it read again; return what has changed."""
        text = self.path.read_text()
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after)
        self.path.write_text(text + more)
        return reload(self.estate, files.read(str(self.path)))

    def join(self, who: str = "", realm: str = "home") -> wamplite.Session:
        auth = Ticket(who, "s3cret") if who else None
        return wamplite.connect(self.url, realm=realm, auth=auth)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Return a router with one realm, users joe and ann, and one listener."""
    with wamplite.Router(realms=[], max_calls=100) as router:
        yield House(tmp_path, router)


def may(session: wamplite.Session, topic: str) -> bool:
    try:
        session.publish(topic, 1, options={"acknowledge": True})
    except wamplite.NotAuthorized:
        return False
    return True


def test_roles_are_those_of_the_file_and_who_has_joined_stays(house: House) -> None:
    with house.join("joe") as session:
        assert may(session, "home.a") and not may(session, "yard.a")
        told = house.change((f'uri = "home."\n{PUBLISH}', f'uri = "yard."\n{PUBLISH}'))
        assert told == ["realm home: roles changed"]
        assert may(session, "yard.a") and not may(session, "home.a")
    assert house.change() == ["nothing has changed"]


def test_who_could_not_join_any_more_is_sent_away(house: House) -> None:
    with house.join("joe") as stays, house.join("ann") as goes, house.join() as guest:
        write_users(house.users, joe(password="another"))
        assert house.change(('anonymous = "guest"\n', "")) == [
            "realm home: 1 users gone, 1 users changed, anonymous changed"
        ]
        for session in (goes, guest):
            assert session.lost.wait(10)
            assert "no_such_principal" in str(session.error)
        assert may(stays, "home.a")  # a new password is no reason
    for who in ("joe", "ann", ""):
        with pytest.raises(wamplite.AuthenticationFailed):
            house.join(who)


def test_a_realm_is_opened_and_closed(house: House) -> None:
    assert house.change(more=OTHER) == ["realm other: opened"]
    with house.join(realm="other") as session:
        assert may(session, "any.topic")
        assert house.change((OTHER, "")) == ["realm other: closed"]
        assert session.lost.wait(10)
        assert "close_realm" in str(session.error)
    assert [*house.router.realms] == ["home"]


def test_listeners_are_opened_changed_and_closed(house: House, tmp_path: Path) -> None:
    further = f'[[listener]]\nurl = "unix://{tmp_path}/socket"\n'
    first = house.url
    (told,) = house.change(more=further)
    assert told == f"listener unix://{tmp_path}/socket: opened"
    with wamplite.connect(f"unix://{tmp_path}/socket", realm="home") as session:
        (told,) = house.change((further, further + 'auth = ["anonymous"]\n'))
        assert told == f"listener unix://{tmp_path}/socket: changed"
        assert not may(session, "home.a")  # who came there stays
    (told,) = house.change((further + 'auth = ["anonymous"]\n', ""))
    assert told == f"listener unix://{tmp_path}/socket: closed"
    with pytest.raises(wamplite.TransportLost):
        wamplite.connect(f"unix://{tmp_path}/socket", realm="home")
    with house.join("joe"):
        assert house.estate.urls == {("rs://127.0.0.1:0", 0): first}


def test_what_waits_for_another_start_is_told_each_time(house: House) -> None:
    late = ("anonymous", 'features = ["all"]\nanonymous')
    told = house.change(("max_calls = 100", "max_calls = 7"), late)
    line = "realm home: features: needs a restart of the router"
    assert line in told and house.router.limits.max_calls == 7
    assert house.change() == [line]


def test_without_its_last_realm_a_file_is_for_the_next_start(house: House) -> None:
    with house.join("joe") as session:
        with pytest.raises(UsageError, match="without its last one, start anew"):
            house.change((TEXT[TEXT.index("[[realm]]") :], ""))
        assert may(session, "home.a")


def test_what_cannot_be_opened_leaves_all_as_it_was(house: House) -> None:
    before, urls = house.estate.configuration, house.estate.urls
    with socket.create_server(("127.0.0.1", 0)) as taken, house.join("joe") as session:
        url = f"rs://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"cannot listen on .* {taken.getsockname()[1]}"):
            house.change(("rs://127.0.0.1:0", url), more=OTHER)
        assert may(session, "home.a")
    assert (house.estate.configuration, house.estate.urls) == (before, urls)
    assert [*house.router.realms] == ["home"]
    with house.join("joe") as session:
        assert may(session, "home.a")


def test_a_file_of_users_that_has_changed_is_noticed(house: House) -> None:
    assert notice(house.estate) == []
    with house.join("ann") as session:
        write_users(house.users, house.joe)
        assert notice(house.estate) == ["realm home: 1 users gone"]
        assert session.lost.wait(10)
    write_users(house.users, house.joe, joe(authid="bob"))
    assert notice(house.estate) == ["realm home: 1 users added"]
    with house.join("bob"):
        until(lambda: house.router.sessions == 1, "bob has joined")
    write_users(house.users, *house.estate.households["home"].users)
    assert notice(house.estate) == ["realm home: the same users"]
    assert notice(house.estate) == []
