"""`wamplite reload`, SIGHUP, and files of users that change: real processes."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import pytest

import wamplite
from tests.cli.test_configured import configured, run
from tests.configuration.examples import EXAMPLE, furnish, joe, write_users
from tests.processes import running, running_router
from tests.waiting import until
from wamplite import Session
from wamplite.auth import Ticket

TEXT = EXAMPLE.replace("[router]", '[router]\npid_file = "router.pid"')


def reload(path: Path) -> tuple[int, str]:
    done = run("reload", "-c", str(path))
    return done.returncode, done.stdout + done.stderr


def change(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


def ended(session: Session) -> None:
    until(lambda: session.lost.is_set(), "the session has ended")


def may_publish(session: Session, topic: str) -> bool:
    try:
        session.publish(topic, 1, options={"acknowledge": True})
    except wamplite.NotAuthorized:
        return False
    return True


def test_roles_users_realms_and_limits_are_what_the_file_says_now(tmp_path: Path) -> None:
    users = joe(), joe(authid="ann")
    path = furnish(tmp_path, TEXT, *users)
    with configured(path) as router:
        joe_, ann = [
            wamplite.connect(router.rs, realm="home", auth=Ticket(name, "s3cret"))
            for name in ("joe", "ann")
        ]
        guest = wamplite.connect(router.rs, realm="home")
        assert not may_publish(joe_, "home.door")
        write_users(tmp_path / "users.toml", users[0])
        change(
            path,
            ('uri = "home.sensors."\n    match = "prefix"\n    allow = ["publish"',
             'uri = "home."\n    match = "prefix"\n    allow = ["publish"'),
            ('anonymous = "guest"', 'anonymous = "sensor"'),
            ('max_message_size = "1 MiB"', "max_subscriptions = 1"),
        )  # fmt: skip
        path.write_text(path.read_text() + OTHER)
        code, told = reload(path)
        assert code == 0, told
        first, second, third = told.splitlines()
        assert (first, second) == ("realm other: opened", "limits: changed")
        assert third.endswith("anonymous changed, roles changed")  # the user may be gone before
        ended(ann)
        ended(guest)
        assert may_publish(joe_, "home.door")
        with wamplite.connect(router.rs, realm="other") as other:
            other.subscribe("a", print)
            with pytest.raises(wamplite.ApplicationError):
                other.subscribe("b", print)
            change(path, (OTHER, ""))
            assert reload(path) == (0, "realm other: closed\n")
            ended(other)
        assert reload(path) == (0, "nothing has changed\n")
        joe_.leave()
    assert not (tmp_path / "router.pid").exists()


OTHER = """
[[realm]]
name = "other"
anonymous = "all"
  [[realm.role]]
  name = "all"
    [[realm.role.permission]]
    uri = ""
    match = "prefix"
    allow = ["subscribe"]
"""


@pytest.mark.sampled
@pytest.mark.parametrize(
    "pairs",
    [
        [('anonymous = "guest"', 'anonymous = "nobody"')],
        [("[[realm]]", "[[relm]]")],
        [('name = "home"', 'name = "elsewhere"'), ("router.key", "router.pem")],
        [('auth = ["scram"', 'auth = ["tls"'), ("router.pem", "users.toml")],
    ],
)
def test_on_any_fault_all_stays_as_it_was(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    path = furnish(tmp_path, TEXT)
    with configured(path) as router:
        with wamplite.connect(router.rs, realm="home", auth=Ticket("joe", "s3cret")) as session:
            change(path, *pairs, ('allow = ["publish", "call"]', "allow = []"))
            code, told = reload(path)
            assert code == 1 and told.startswith("wamplite: nothing has changed: "), told
            assert may_publish(session, "home.sensors.x")
            with wamplite.connect(router.rs, realm="home") as guest:
                assert guest.authrole == "guest"
        router.await_stderr("nothing has changed")


def test_listeners_come_and_go_and_who_came_there_stays(tmp_path: Path) -> None:
    path = furnish(tmp_path, TEXT)
    with (
        configured(path) as router,
        wamplite.connect(router.rs, realm="home", auth=Ticket("joe", "s3cret")) as session,
    ):
        change(
            path,
            ('url = "tcp://127.0.0.1:0"', f'url = "unix://{tmp_path}/sock"'),
            ('auth = ["scram", "cryptosign"]', 'auth = ["ticket"]'),
        )
        code, told = reload(path)
        assert code == 0, told
        assert f"listener unix://{tmp_path}/sock: opened" in told
        assert may_publish(session, "home.sensors.x")
        with pytest.raises(wamplite.TransportLost):
            wamplite.connect(router.rs, realm="home")
        with wamplite.connect(f"unix://{tmp_path}/sock", realm="home") as guest:
            assert guest.authrole == "guest"


def test_sighup_reads_the_file_again_and_what_must_wait_is_told(tmp_path: Path) -> None:
    path = furnish(tmp_path, TEXT)
    with configured(path) as router:
        change(path, ('features = ["standard"]', 'features = ["basic"]'))
        router.process.send_signal(signal.SIGHUP)
        router.await_stderr("realm home: features: needs a restart of the router")


def test_a_file_of_users_that_changes_is_noticed(tmp_path: Path) -> None:
    path = furnish(tmp_path, TEXT, joe(), joe(authid="ann"))
    users = tmp_path / "users.toml"
    with configured(path) as router:
        sessions = [
            wamplite.connect(router.rs, realm="home", auth=Ticket(name, "s3cret"))
            for name in ("joe", "ann")
        ]
        users.chmod(0o644)
        router.await_stderr("the users stay as they are")
        write_users(tmp_path / "new.toml", joe("another"), joe(authid="bob"))
        (tmp_path / "new.toml").rename(users)
        ended(sessions[1])
        assert may_publish(sessions[0], "home.sensors.x")
        sessions[0].leave()
        for name, password in (("joe", "another"), ("bob", "s3cret")):
            with wamplite.connect(router.rs, realm="home", auth=Ticket(name, password)):
                pass


def test_which_router_is_meant_must_be_told(tmp_path: Path) -> None:
    path = furnish(tmp_path)
    for words, told in (
        (("-c", str(path)), "[router] has no pid_file"),
        (("--pid-file", str(tmp_path / "none")), "is not there: no router runs"),
        (("--pid", str(2**22 + 1)), "there is no process"),
    ):
        done = run("reload", *words)
        assert done.returncode == 2 and told in done.stderr, done.stderr


def test_the_pid_file_moves_or_nothing_changes(tmp_path: Path) -> None:
    path = furnish(tmp_path, TEXT)
    with configured(path) as router:
        change(path, ("router.pid", "none/router.pid"), ('anonymous = "guest"', ""))
        done = run("reload", "--pid", str(router.pid))
        assert done.returncode == 1 and "No such file" in done.stderr
        wamplite.connect(router.rs, realm="home").leave()
        change(path, ("none/router.pid", "other.pid"))
        done = run("reload", "--pid", str(router.pid))
        assert done.stdout.splitlines() == ["pid_file: changed", "realm home: anonymous changed"]
        assert not (tmp_path / "router.pid").exists()
        assert (tmp_path / "other.pid").read_text() == f"{router.pid}\n"
    assert not (tmp_path / "other.pid").exists()


def test_a_router_without_a_file_says_at_once_that_there_is_nothing_to_reload() -> None:
    with running_router() as router:
        begun = time.monotonic()
        done = run("reload", "--pid", str(router.pid))
        assert done.returncode == 1 and "this router has no file" in done.stderr, done.stderr
        assert time.monotonic() - begun < 15
        router.await_stderr("this router has no file")


def test_who_is_no_router_is_left_alone() -> None:
    with running("sleep", "60") as program:
        done = run("reload", "--pid", str(program.pid))
        assert done.returncode == 2 and "is no router" in done.stderr, done.stderr
        assert program.process.poll() is None


def test_systemd_is_told_that_the_file_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        path = furnish(tmp_path, TEXT)
        with configured(path):
            assert systemd.recv(4096) == b"READY=1"
            assert reload(path) == (0, "nothing has changed\n")
            first, second = systemd.recv(4096).split(b"\n")
            assert first == b"RELOADING=1" and second.startswith(b"MONOTONIC_USEC=")
            assert systemd.recv(4096) == b"READY=1"
