"""The file of users: what is read of it, how it is written, and what becomes of two writers."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import ROOT
from wamplite import UsageError
from wamplite.auth import User
from wamplite.configuration.users_file import HEADER, Listed, edit, read, read_all
from wamplite.whole_file import stamp

KEY = "1498b5467a63dff44f5b2d4a2dd2b0a4f2e9bbb0fb8dd4d8bbf1bfbb2d3f0d54"
USERS = [
    Listed("home", User.of_password("joe", "sensor", "s3cret", iterations=4096)),
    Listed("home", User.of_secret("plain", "sensor", '"pass" \\ \u00e9 = [[user]] #')),
    Listed("home", User.of_pubkeys("key\x7f\n\t", "owner", KEY)),
    Listed("home", User.of_certificates("cert", "owner", "cn:cert", "dns:pi")),
    Listed("away", User.of_password("joe", "guest", "other", iterations=4096)),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.toml"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_what_is_written_is_read_again_by_realm(path: Path) -> None:
    with edit(path) as listed:
        listed += USERS
    assert read_all(path) == USERS
    assert [user.authid for user in read(path, "home")] == ["joe", "plain", "key\x7f\n\t", "cert"]
    assert read(path, "nowhere") == []
    assert path.read_text().startswith(HEADER) and "s3cret" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(path.parent) == [path.name]


def test_a_user_of_argon2_is_written_too(path: Path) -> None:
    pytest.importorskip("argon2")
    user = User.of_password("ann", "owner", "s3cret", kdf="argon2id13", memory=16384)
    with edit(path) as listed:
        listed.append(Listed("home", user))
    assert read(path, "home") == [user]


def test_who_edits_sees_what_is_there_and_an_error_changes_nothing(path: Path) -> None:
    with edit(path) as listed:
        listed += USERS[:2]
    before, told = path.read_bytes(), stamp(path)
    with pytest.raises(LookupError), edit(path) as listed:
        assert listed == USERS[:2]
        listed.clear()
        raise LookupError
    assert path.read_bytes() == before and stamp(path) == told
    with edit(path) as listed:
        del listed[0]
    assert read_all(path) == USERS[1:2] and stamp(path) != told


def test_a_file_that_is_not_there_has_no_stamp(path: Path) -> None:
    assert stamp(path) == ()
    with pytest.raises(UsageError, match=f"users file {path}: No such file"):
        read(path, "home")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    write(path, "", mode)
    with pytest.raises(UsageError, match=f"users file {path}: others may read it: chmod 600"):
        read(path, "home")


GOOD = 'authid = "joe"\nrealm = "home"\nrole = "sensor"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[user]]\n" + GOOD + "rolle = 1\n", '5: user 1, rolle: unknown key; did you mean "role"'),
        ('[[users]]\nauthid = "joe"\n', '1: users: unknown key; did you mean "user"?'),
        ('[[user]]\nauthid = "joe"\n', '1: user 1: "realm" and "role" are missing'),
        ("[[user]]\n", '1: user 1: "authid", "realm" and "role" are missing'),
        ('[[user]]\nauthid = ""\nrealm = "home"\nrole = "a"\n', "2: user 1, authid: expected text"),
        ('[[user]]\nauthid = "j"\nrealm = "a b"\nrole = "a"\n', "3: user 1, realm: expected a URI"),
        ("[[user]]\n" + GOOD + 'pubkeys = ["12"]\n', "5: user 1, pubkeys: a public key is 64"),
        (
            "[[user]]\n" + GOOD + 'certificates = ["joe"]\n',
            "5: user 1, certificates: a cert",
        ),
        (
            "[[user]]\n" + GOOD + 'cra = { key = "k", salt = "s" }\n',
            "5: user 1, cra: salt and",
        ),
        (
            "[[user]]\n" + GOOD + 'cra = { key = "k", salt = "s", iterations = 0 }\n',
            "5: user 1, cra, iterations: expected a whole number from 1 to",
        ),
        (
            "[[user]]\n"
            + GOOD
            + 'scram = { salt = "?", iterations = 4096, stored = "", server = 1 }\n',
            "5: user 1, scram, salt: expected octets in base64",
        ),
        ("[[user]]\n" + GOOD + "\n[[user]]\n" + GOOD, "6: user 2: there are two users 'joe' of"),
        ("[[user", "1"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(path: Path, text: str, complaint: str) -> None:
    write(path, text)
    with pytest.raises(UsageError) as told:
        read(path, "home")
    lines = str(told.value).replace(": ", ", ").splitlines()
    wanted = complaint.replace(": ", ", ")
    assert any(line.startswith(f"{path}:{wanted}") for line in lines) or text == "[[user", lines


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"), edit(tmp_path / "no" / "u"):
        pass


def test_the_owner_of_a_file_stays(path: Path) -> None:
    write(path, "")
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    before = path.stat()
    with edit(path) as listed:
        listed += USERS[:1]
    after = path.stat()
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


ADD = """
import sys
from wamplite.auth import User
from wamplite.configuration.users_file import Listed, edit
for number in range(20):
    with edit(sys.argv[1]) as listed:
        listed.append(Listed("home", User.of_secret(f"{sys.argv[2]}-{number}", "a", "x")))
"""


def test_two_who_write_at_once_lose_nothing(path: Path) -> None:
    adding = [
        subprocess.Popen([sys.executable, "-c", ADD, str(path), name], cwd=ROOT) for name in "abc"
    ]
    assert [process.wait(50) for process in adding] == [0, 0, 0]
    assert len(read(path, "home")) == 60 and os.listdir(path.parent) == [path.name]


def test_a_writer_that_is_killed_leaves_a_whole_file(path: Path) -> None:
    for number in range(5):
        process = subprocess.Popen([sys.executable, "-c", ADD, str(path), f"k{number}"], cwd=ROOT)
        time.sleep(0.25 + number / 50)  # somewhere within its work: no moment is awaited
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        if path.exists():
            read(path, "home")
