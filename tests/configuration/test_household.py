"""One realm as its table says it: what it is made with, what is offered there, who may stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.configuration.examples import joe, write_users
from wamplite.auth import cryptosign
from wamplite.auth.cookie import Cookies
from wamplite.configuration import files
from wamplite.configuration.household import Household
from wamplite.core.errors import UsageError

TEXT = """\
[[realm]]
name = "home"
anonymous = "guest"
[[realm.role]]
name = "guest"
[[realm.role.permission]]
uri = "home."
match = "prefix"
allow = ["subscribe"]
"""
KEPT = """\
[[realm.retain]]
uri = "home."
match = "prefix"
max_topics = 5
[[realm.history]]
uri = "home.log"
max_events = 7
"""
USERS = 'anonymous = "guest"', 'anonymous = "guest"\nusers = "users.toml"'


def made(folder: Path, text: str = TEXT) -> Household:
    """Return the household of the one realm of a file."""
    write_users(folder / "users.toml", joe(role="guest"))
    path = folder / "wamplite.toml"
    path.write_text(text)
    (realm,) = files.read(str(path)).realms
    return Household(realm, Cookies(max_age=0))


def test_permissions_know_where_they_stand(tmp_path: Path) -> None:
    (role,) = made(tmp_path).roles
    (permission,) = role.permissions
    assert (role.name, permission.uri, permission.allow) == ("guest", "home.", {"subscribe"})
    assert permission.origin == f"{tmp_path}/wamplite.toml:6"


def test_what_is_kept_is_a_feature_of_the_realm(tmp_path: Path) -> None:
    plain, kept = made(tmp_path), made(tmp_path, TEXT + KEPT)
    assert len(kept.features()) == len(plain.features()) + 2
    retention, history, _ = [each() for each in kept.features()[-3:]]  # type: ignore[operator]
    assert (retention.name, history.name) == ("event_retention", "event_history")
    shelf, chronicle = retention.shelves[0], history.chronicles[0]
    assert (shelf.uri, shelf.max_topics) == ("home.", 5)
    assert (chronicle.patterns, chronicle.most) == ([("exact", "home.log")], 7)


def test_nobody_is_asked_who_it_is_where_there_are_no_users(tmp_path: Path) -> None:
    assert [*made(tmp_path).methods()] == ["anonymous"]
    offered = made(tmp_path, TEXT.replace(*USERS)).methods()
    assert {"anonymous", "ticket", "scram", "cryptosign", "pairing"} <= {*offered}


def test_without_a_library_its_method_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking() -> Any:
        raise UsageError("cryptosign needs a library")

    monkeypatch.setattr(cryptosign, "verifying", lacking)
    offered = made(tmp_path, TEXT.replace(*USERS)).methods()
    assert "scram" in offered and not {"cryptosign", "pairing"} & {*offered}


def test_a_file_of_users_is_noticed_once(tmp_path: Path) -> None:
    house = made(tmp_path, TEXT.replace(*USERS))
    assert not house.has_new_users()
    write_users(tmp_path / "users.toml", joe(role="guest"), joe(authid="ann"))
    assert house.has_new_users() and not house.has_new_users()


def test_what_has_to_wait_for_another_start_is_named(tmp_path: Path) -> None:
    house = made(tmp_path)
    assert house.late(house.realm) == []
    basic = TEXT.replace('anonymous = "guest"', 'anonymous = "guest"\nfeatures = ["basic"]')
    assert house.late(made(tmp_path, basic).realm) == ["features"]
    assert house.late(made(tmp_path, TEXT + KEPT).realm) == ["retain", "history"]
