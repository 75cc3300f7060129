"""Who may do what by a file, without a router."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.configuration.examples import joe, write_users
from wamplite.configuration import files
from wamplite.configuration.verdict import judge
from wamplite.core.errors import UsageError

TEXT = """\
[[realm]]
name = "home"
users = "users.toml"
[[realm.role]]
name = "sensor"
[[realm.role.permission]]
uri = "home.{authid}."
match = "prefix"
allow = ["publish"]
"""
GUESTS = """\
[[realm]]
name = "park"
anonymous = "guest"
authorizer = "park.may"
"""


@pytest.fixture
def found(tmp_path: Path) -> files.Configuration:
    """Return what a file of two realms says."""
    write_users(tmp_path / "users.toml", joe())
    path = tmp_path / "wamplite.toml"
    path.write_text(TEXT + GUESTS)
    return files.read(str(path))


@pytest.mark.parametrize(
    ("realm", "who", "role", "asked", "allowed", "text"),
    [
        ("home", "joe", None, ("publish", "home.joe.x"), True,
         "yes: joe, sensor may publish 'home.joe.x', by prefix 'home.joe.' in "),
        ("home", "joe", None, ("call", "home.joe.x"), False,
         "no: joe, sensor may not call 'home.joe.x', by prefix 'home.joe.' in "),
        ("home", "joe", None, ("publish", "home.ann.x"), False,
         "no: joe, sensor may not publish 'home.ann.x', no permission speaks of it"),
        ("home", "ann", "sensor", ("publish", "home.ann.", "prefix"), True,
         "yes: ann, sensor may publish 'home.ann.' (prefix), by prefix 'home.ann.' in "),
        ("home", None, "king", ("call", "a"), False,
         "no: there is no role 'king' in realm home"),
        ("park", None, None, ("call", "a"), False,
         "no: role guest may not call 'a', unless park.may says so: no permission speaks of it"),
        ("park", "anonymous", None, ("call", "a"), False, "no: anonymous, guest may not call 'a',"),
    ],
)  # fmt: skip
def test_the_answer_tells_why(
    found: files.Configuration,
    realm: str,
    who: str | None,
    role: str | None,
    asked: tuple[str, ...],
    allowed: bool,
    text: str,
) -> None:
    judgement = judge(found, realm, who, role, *asked)
    assert judgement.allowed is allowed
    assert judgement.text.startswith(text)


@pytest.mark.parametrize(
    ("realm", "who", "asked", "text"),
    [
        (None, "joe", ("call", "a"), "which realm\\? --realm says which: home, park"),
        ("away", "joe", ("call", "a"), "there is no realm 'away'; there are: home, park"),
        ("home", "ann", ("call", "a"), "realm home has no user 'ann': --role says what"),
        ("home", None, ("call", "a"), "realm home lets in nobody who does not say who it is"),
        ("home", "joe", ("call", "a..b"), "'a..b' is no URI for match exact: a dot at an end"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    found: files.Configuration, realm: str | None, who: str, asked: tuple[str, str], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        judge(found, realm, who, None, *asked)


def test_a_file_of_one_realm_or_of_none_needs_no_choice(tmp_path: Path) -> None:
    path = tmp_path / "wamplite.toml"
    path.write_text(GUESTS)
    assert judge(files.read(str(path)), None, None, None, "call", "a").text.startswith("no: role")
    path.write_text("")
    with pytest.raises(UsageError, match="no realm: whoever reaches realm1 may do everything"):
        judge(files.read(str(path)), None, None, None, "call", "a")
