"""`wamplite user` and `wamplite keygen`, as they are typed."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from wamplite import Router, connect
from wamplite.auth import CryptoSign, Scram, Ticket, Users, WampCra, methods
from wamplite.configuration.users_file import read, read_all

SECONDS = 40
JOE = ("add", "joe", "--realm", "home", "--role", "sensor")


def typed(
    folder: Path, *words: str, stdin: str = "", verb: str = "user"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wamplite", verb, *words],
        input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_user_of_a_password_logs_in_by_each_method(tmp_path: Path) -> None:
    done = typed(tmp_path, *JOE, "--iterations", "4096", stdin="s3cret\n")
    told = "'joe' of realm home may log in as sensor by ticket, scram, wampcra\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")
    users = Users(read(tmp_path / "users.toml", "home"))
    with Router(["home"], authmethods=methods(users)) as router:
        url = router.listen("rs://127.0.0.1:0")
        for auth in (Ticket("joe", "s3cret"), Scram("joe", "s3cret"), WampCra("joe", "s3cret")):
            with connect(url, "home", auth=auth) as session:
                assert (session.authid, session.authrole) == ("joe", "sensor")


def test_a_plain_secret_is_kept_and_that_is_told(tmp_path: Path) -> None:
    done = typed(tmp_path, *JOE, "--plain", "--file", "plain.toml", stdin="s3cret")
    assert done.returncode == 0 and "(the password is in the file)" in done.stdout
    assert "plain.toml will hold the password itself" in done.stderr
    assert 'key = "s3cret"' in (tmp_path / "plain.toml").read_text()


def test_a_user_is_listed_changed_and_removed(tmp_path: Path) -> None:
    assert typed(tmp_path, *JOE, "--iterations", "4096", stdin="one\n").returncode == 0
    before = read_all(tmp_path / "users.toml")
    assert typed(tmp_path, "passwd", "joe", "--iterations", "4096", stdin="two\n").returncode == 0
    after = read_all(tmp_path / "users.toml")
    assert after[0].user.role == "sensor" and after[0].user.knows("two")
    assert not after[0].user.knows("one") and before != after
    done = typed(tmp_path, "list")
    assert done.stdout == "joe\thome\tsensor\tticket, scram, wampcra\n"
    assert typed(tmp_path, "list", "ann").stdout == ""
    assert typed(tmp_path, "del", "joe").stdout == "'joe' of realm home is removed\n"
    assert typed(tmp_path, "list").stdout == ""


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "stdin", "complaint"),
    [
        (("add",), "", "add: say who: wamplite user add AUTHID"),
        (("add", "ann", "--role", "a"), "x", "add: --realm NAME is needed"),
        (("add", "ann", "--realm", "home"), "x", "add: --role NAME is needed"),
        (("add", "ann"), "x", "add: --realm NAME and --role NAME are needed"),
        (("add", "ann", "--realm", "a b", "--role", "a"), "x", "'a b' is not a valid realm"),
        (JOE, "x", "'joe' of realm home is there already: passwd changes its password"),
        (("add", "ann", "--realm", "h", "--role", "a"), "", "a password is not empty"),
        (("add", "ann", "--realm", "h", "--role", "a"), "x" * 5000, "at most 4096 characters"),
        (("add", "ann", "--realm", "h", "--role", "a"), "a\0b\n", "the password of a user"),
        (("passwd", "ann"), "x", "users.toml: there is no 'ann'"),
        (("passwd", "joe", "--role", "a"), "x", "passwd changes the password alone"),
        (("passwd", "joe", "--iterations", "9"), "x", "from 4096 to 1000000, not 9"),
        (("del", "joe", "--realm", "away"), "", "there is no 'joe' of realm away"),
        (("add", "a", "--realm", "h", "--role", "a", "--pubkey", "12"), "", "key file 12: No such"),
        (
            ("add", "a", "--realm", "h", "--role", "a", "--pubkey", "ab" * 32, "--plain"),
            "",
            "--plain keeps a password",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_and_changes_nothing(
    tmp_path: Path, words: tuple[str, ...], stdin: str, complaint: str
) -> None:
    assert typed(tmp_path, *JOE, "--iterations", "4096", stdin="one\n").returncode == 0
    before = (tmp_path / "users.toml").read_bytes()
    done = typed(tmp_path, *words, stdin=stdin)
    assert done.returncode == 2 and complaint in done.stderr and not done.stdout
    assert "Traceback" not in done.stderr
    assert (tmp_path / "users.toml").read_bytes() == before


REALMS = """
[[realm]]
name = "home"
users = "users.toml"
  [[realm.role]]
  name = "sensor"
  [[realm.role]]
  name = "owner"
[[realm]]
name = "lab"
users = "lab.toml"
authorizer = "lab.authorize"
"""
UNKNOWN = {
    "all known": ("home", "sensor", ""),
    "role": ("home", "senser", "realm home of wamplite.toml has no role 'senser'; it has: sensor,"),
    "realm": ("hom", "sensor", "wamplite.toml has no realm 'hom'; it has: home, lab"),
    "another file": ("lab", "x", "realm lab of wamplite.toml has FOLDER/lab.toml, not users.toml"),
}


@pytest.mark.parametrize(("realm", "role", "doubt"), UNKNOWN.values(), ids=UNKNOWN)
def test_who_could_not_join_is_added_and_doubted(
    tmp_path: Path, realm: str, role: str, doubt: str
) -> None:
    (tmp_path / "wamplite.toml").write_text(REALMS)
    words = ("add", "joe", "--realm", realm, "--role", role, "--pubkey", "ab" * 32)
    done = typed(tmp_path, *words)
    assert done.returncode == 0 and len(read_all(tmp_path / "users.toml")) == 1
    if doubt:
        told = doubt.replace("FOLDER", str(tmp_path))
        assert f"wamplite: perhaps not meant: {told}" in done.stderr
    assert done.stderr.count("\n") == (1 if doubt else 0)


@pytest.mark.parametrize("text", ["", "not TOML", '[[realm]]\nname = "home"\nrolle = 1\n'])
def test_nobody_is_doubted_by_a_file_that_has_no_realms_or_is_broken(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "wamplite.toml").write_text(text)
    done = typed(tmp_path, *JOE, "--iterations", "4096", stdin="one\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_one_name_in_two_realms_is_asked_for_by_realm(tmp_path: Path) -> None:
    for realm in ("home", "away"):
        words = ("add", "joe", "--realm", realm, "--role", "a", "--iterations", "4096")
        assert typed(tmp_path, *words, stdin="x\n").returncode == 0
    done = typed(tmp_path, "del", "joe")
    assert done.returncode == 2 and "in several realms: add --realm: home, away" in done.stderr
    assert typed(tmp_path, "del", "joe", "--realm", "away").returncode == 0
    assert [one.realm for one in read_all(tmp_path / "users.toml")] == ["home"]


def at_a_terminal(folder: Path, *answers: str) -> tuple[int, str]:
    """Type answers at a terminal when they are asked for; return the exit code and the screen."""
    words = [sys.executable, "-m", "wamplite", "user", *JOE, "--iterations", "4096"]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(words[0], words, os.environ | {"PYTHONPATH": str(ROOT)})
    screen = b""
    for answer in answers:
        while not screen.endswith(b": "):
            screen += os.read(terminal, 1024)
        os.write(terminal, answer.encode() + b"\n")
        screen += os.read(terminal, 1024)
    try:
        while data := os.read(terminal, 1024):
            screen += data
    except OSError:  # EIO: the program has ended
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), screen.decode()


def test_a_terminal_is_asked_twice_and_shows_nothing(tmp_path: Path) -> None:
    code, screen = at_a_terminal(tmp_path, "s3cret", "s3cret")
    assert code == 0 and "s3cret" not in screen
    assert read_all(tmp_path / "users.toml")[0].user.knows("s3cret")
    (tmp_path / "users.toml").unlink()
    code, screen = at_a_terminal(tmp_path, "one", "two")
    assert code == 2 and "the two passwords differ: nothing was changed" in screen
    assert not (tmp_path / "users.toml").exists()


def test_a_key_is_made_shown_and_logs_in(tmp_path: Path) -> None:
    made = typed(tmp_path, "pi.key", verb="keygen")
    assert made.returncode == 0 and len(made.stdout) == 65
    assert stat.S_IMODE((tmp_path / "pi.key").stat().st_mode) == 0o600
    assert typed(tmp_path, "pi.key", "--show", verb="keygen").stdout == made.stdout
    again = typed(tmp_path, "pi.key", verb="keygen")
    assert again.returncode == 2 and "is not written over" in again.stderr
    words = ("add", "pi", "--realm", "home", "--role", "sensor", "--pubkey", made.stdout.strip())
    told = typed(tmp_path, *words)
    assert told.stdout == "'pi' of realm home may log in as sensor by cryptosign\n"
    users = Users(read(tmp_path / "users.toml", "home"))
    with Router(["home"], authmethods=methods(users)) as router:
        url = router.listen("rs://127.0.0.1:0")
        auth = CryptoSign.of_file("pi", tmp_path / "pi.key")
        with connect(url, "home", auth=auth) as session:
            assert session.authid == "pi"


def test_a_key_where_none_can_be_written_is_told(tmp_path: Path) -> None:
    done = typed(tmp_path, "no/pi.key", verb="keygen")
    assert done.returncode == 2 and "no/pi.key: No such file or directory" in done.stderr
