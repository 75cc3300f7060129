"""`wamplite pair`: a device gets in once by a ticket, and from then on by a key of its own."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

import wamplite
from tests.processes import ROOT, RouterProcess, running_router
from tests.waiting import PATIENCE
from wamplite.auth.ed25519 import InPython
from wamplite.auth.pairing import Pairing
from wamplite.auth.users import Users
from wamplite.cli import main, pairing_line
from wamplite.configuration.enrolling import Enrolling, invite
from wamplite.configuration.users_file import read, read_all
from wamplite.core.errors import UsageError

if shutil.which("openssl") is None:
    pytest.skip("the openssl command is not here", allow_module_level=True)
pytest.importorskip("cryptography")

FILE = """
[[listener]]
url = "tls://127.0.0.1:0"
cert = "router.pem"
key = "router.key"
[[listener]]
url = "tcp://127.0.0.1:0"
[[realm]]
name = "home"
users = "users.toml"
  [[realm.role]]
  name = "device"
    [[realm.role.permission]]
    uri = "home.{authid}."
    match = "prefix"
    allow = ["publish", "call"]
"""
KEYS = [InPython().pubkey(bytes([number]) * 32).hex() for number in range(8)]


class Done(NamedTuple):
    code: int
    stdout: str
    stderr: str


class Place:
    """Where the router's files are, and a device with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "device"
        self.home.mkdir()
        assert main(["cert", "--directory", str(folder)]) == 0
        (folder / "wamplite.toml").write_text(FILE)
        (folder / "users.toml").touch(mode=0o600)

    @property
    def users(self) -> str:
        return str(self.folder / "users.toml")

    def run(self, *words: str, stdin: str = "", **surroundings: str) -> Done:
        """Run a command of the device, or of the router's machine."""
        given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "wamplite", *words], cwd=self.folder, env=given | surroundings,
            input=stdin, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def invite(self, router: RouterProcess, authid: str, *words: str) -> str:
        url = f"tls://localhost:{router.port}"
        done = self.run("pair", authid, "--realm", "home", "--url", url, *words)
        assert done.code == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def router(place: Place) -> Iterator[RouterProcess]:
    with running_router("-c", str(place.folder / "wamplite.toml"), listen=[], realms=[]) as router:
        yield router


def test_a_device_pairs_once_and_the_verbs_work_from_then_on(
    place: Place, router: RouterProcess
) -> None:
    line = place.invite(router, "lamp", "--role", "device")
    assert place.run("user", "list").stdout.split("\t") == [
        "lamp",
        "home",
        "device",
        "nothing, pairing\n",
    ]
    said = pairing_line.parse(line)
    assert said.ticket not in Path(place.users).read_text()
    paired = place.run("pair", "--accept", line)
    assert paired.code == 0, paired.stderr
    assert place.run("user", "list").stdout.strip().endswith("cryptosign")
    stored = place.home / ".config" / "wamplite"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in stored.iterdir()}
    assert modes == {0o600} and len(list(stored.iterdir())) == 2
    sent = place.run("call", "home.lamp.missing")
    assert sent.code == 1 and "no_such_procedure" in sent.stderr
    refused = place.run("call", "home.other")
    assert refused.code == 1 and "not_authorized" in refused.stderr
    again = place.run("pair", "--accept", line, "--force")
    assert again.code == 1 and "no such user, or a wrong secret" in again.stderr
    assert len(list(stored.iterdir())) == 2
    assert place.run("call", "home.lamp.missing").code == 1  # by the profile from before


def test_a_line_may_come_by_stdin_and_a_profile_is_not_written_over(
    place: Place, router: RouterProcess
) -> None:
    line = place.invite(router, "lamp", "--role", "device")
    assert place.run("pair", "--accept", "-", stdin=line + "\n").code == 0
    second = place.invite(router, "lamp")  # a user that is there: another key
    refused = place.run("pair", "--accept", second)
    assert refused.code == 2 and "--force" in refused.stderr
    assert place.run("pair", "--accept", second, "--force").code == 0
    [lamp] = read(place.users, "home")
    assert len(lamp.pubkeys) == 2


def test_a_router_with_another_key_gets_no_ticket(place: Place, router: RouterProcess) -> None:
    said = pairing_line.parse(place.invite(router, "lamp", "--role", "device"))
    other = place.run("pair", "--accept", str(said._replace(fingerprint="0" * 64)))
    assert other.code == 3 and "expected 0000" in other.stderr
    assert not list((place.home / ".config" / "wamplite").iterdir())
    assert place.run("pair", "--accept", str(said)).code == 0  # it holds as before


def test_what_is_said_goes_before_the_profile(place: Place, router: RouterProcess) -> None:
    assert place.run("pair", "--accept", place.invite(router, "lamp", "--role", "device")).code == 0
    plain = f"rs://localhost:{router.urls[1].rpartition(':')[2]}"
    elsewhere = place.run("call", "home.lamp.x", "--url", plain, "--realm", "home")
    assert elsewhere.code == 1 and "no_matching_auth_method" in elsewhere.stderr  # as nobody
    said = place.run("call", "home.lamp.x", WAMPLITE_URL=plain)
    assert said.code == 1 and "no_such_realm" in said.stderr  # realm1, as ever
    other = place.run("call", "home.lamp.x", "--realm", "other")
    assert other.code == 1 and "no_such_realm" in other.stderr


def test_the_ticket_goes_to_nobody_on_the_way(place: Place, router: RouterProcess) -> None:
    """Within TLS alone it is offered beyond loopback; the line promises it."""
    line = place.invite(router, "lamp", "--role", "device")
    for scheme in ("rs", "ws", "tcp"):
        refused = place.run("pair", "--accept", line.replace("tls://", f"{scheme}://"))
        assert refused.code == 2 and "within TLS" in refused.stderr


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["lamp", "--realm", "home"], '"url" is missing'),
        (["--realm", "home"], '"authid" and "url" are missing'),
        ([], '"authid", "realm" and "url" are missing'),
        (["--realm", "home", "--url", "tls://x:1"], '"authid" is missing'),
        (["lamp", "--realm", "home", "--url", "tls://x:1"], "--role adds it"),
        (["joe", "--realm", "home", "--role", "x", "--url", "tls://x:1"], "is device, not x"),
        (["joe", "--realm", "home", "--url", "rs://x:1"], "within TLS"),
        (["joe", "--realm", "home", "--url", "tls://x:1", "--cert", "no.pem"], "no.pem: No such"),
        (
            ["--accept", "tls://x:1?realm=home"],
            "within quotes; this one lacks authid, fingerprint, ticket",
        ),
        (["--accept", "x"], "expected the line of `wamplite pair`"),
    ],
)
def test_what_cannot_be_is_refused(place: Place, words: list[str], text: str) -> None:
    add = ["user", "add", "joe", "--realm", "home", "--role", "device"]
    assert place.run(*add, "--pubkey", KEYS[0]).code == 0
    before = Path(place.users).read_bytes()
    done = place.run("pair", *words)
    assert done.code == 2 and text in done.stderr
    assert Path(place.users).read_bytes() == before


def test_a_role_that_the_router_does_not_know_is_doubted(place: Place) -> None:
    words = ("lamp", "--realm", "home", "--role", "lamp", "--url", "tls://localhost:1")
    done = place.run("pair", *words)
    assert done.code == 0 and done.stdout.startswith("tls://localhost:1?")
    told = "realm home of wamplite.toml has no role 'lamp'; it has: device\n"
    assert f"wamplite: perhaps not meant: {told}" in done.stderr


# The router's side


@pytest.fixture
def users(tmp_path: Path) -> str:
    return str(tmp_path / "users.toml")


def test_of_many_who_show_one_ticket_one_gets_in(users: str) -> None:
    ticket = invite(users, "home", "lamp", "device", 60.0)
    enrolling = [Enrolling(users, "home", Users()) for _ in KEYS]
    with ThreadPoolExecutor(len(KEYS)) as pool:
        found = list(pool.map(lambda one, key: one("lamp", ticket, key), enrolling, KEYS))
    [let_in] = [user for user in found if user is not None]
    [listed] = read_all(users)
    assert listed.user == let_in and len(let_in.pubkeys) == 1 and listed.invitation is None


def test_a_ticket_ends_in_time_and_is_of_one_user_and_realm(users: str) -> None:
    late = invite(users, "home", "late", "device", -1.0)
    lamp = invite(users, "home", "lamp", "device", 60.0)
    before = Path(users).read_bytes()
    enroll = Enrolling(users, "home", Users())
    for authid, ticket in (
        ("late", late), ("late", lamp), ("nobody", lamp), ("lamp", late), ("lamp", ""),
        ("lamp", "\ud800"),
    ):  # fmt: skip
        assert enroll(authid, ticket, KEYS[0]) is None
    assert Enrolling(users, "garden", Users())("lamp", lamp, KEYS[0]) is None
    assert Path(users).read_bytes() == before
    assert enroll("lamp", lamp, KEYS[0]) is not None


def test_a_second_invitation_takes_the_place_of_the_first(users: str) -> None:
    first = invite(users, "home", "lamp", "device", 60.0)
    enroll = Enrolling(users, "home", Users())
    assert enroll("lamp", "wrong", KEYS[0]) is None
    second = invite(users, "home", "lamp", None, 60.0)
    assert enroll("lamp", first, KEYS[0]) is None
    assert enroll("lamp", second, KEYS[0]) is not None


def test_the_key_of_somebody_else_is_refused_and_the_ticket_still_holds(users: str) -> None:
    first = invite(users, "home", "lamp", "device", 60.0)
    second = invite(users, "home", "lock", "device", 60.0)
    known = Users()
    enroll = Enrolling(users, "home", known)
    assert enroll("lamp", first, KEYS[0]) is not None
    assert [user.authid for user in known] == ["lamp", "lock"]
    with pytest.raises(UsageError, match="have the same public key"):
        enroll("lock", second, KEYS[0])
    assert enroll("lock", second, KEYS[1]) is not None


@pytest.mark.sampled
@pytest.mark.parametrize("pubkey", ["", "00" * 32, "AB" * 32, "x", "01" + "00" * 31])
def test_what_is_no_key_is_refused(place: Place, router: RouterProcess, pubkey: str) -> None:
    said = pairing_line.parse(place.invite(router, "lamp", "--role", "device"))
    with pytest.raises(wamplite.WampliteError, match="is an Ed25519 key"):
        wamplite.connect(
            said.url,
            "home",
            fingerprint=said.fingerprint,
            auth=Pairing("lamp", said.ticket, pubkey),
        )


def test_the_lines_of_a_qr_code_hold_it(place: Place) -> None:
    pytest.importorskip("segno")
    from wamplite.cli import qr

    drawn = qr.code("tls://pi.local:8443?realm=home")
    assert drawn is not None and len(drawn.splitlines()) > 10
