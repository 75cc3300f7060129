"""`wamplite router -c FILE`: real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wamplite
from tests.configuration.examples import furnish
from tests.processes import ROOT, RouterProcess, running_router
from wamplite.auth import Scram, Ticket
from wamplite.transports.tls import TlsOptions


@contextmanager
def configured(path: Path, *options: str) -> Iterator[RouterProcess]:
    with running_router("-c", str(path), *options, listen=(), realms=()) as router:
        yield router


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wamplite", *words],
        capture_output=True, text=True, timeout=40, check=False, cwd=ROOT,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.mark.parametrize("words", [("router", "-c"), ("check",)], ids=str)
def test_a_bridges_file_opens_no_router(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "bridge.toml"
    (tmp_path / "ports.toml").write_text('[[port]]\nname = "x"\ndevice = "/dev/ttyX"\n')
    path.write_text('include = "ports.toml"\n[session]\nrealm = "home"\n')
    done = run(*words, str(path))
    told = f"it is a bridge's file: wamplite bridge {path}"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"wamplite: {path} has [session] and [port] alone: {told}\n"


def test_the_example_lets_in_whom_it_says_for_what_it_says(tmp_path: Path) -> None:
    with configured(furnish(tmp_path)) as router:
        near, far = router.rs, router.urls[1].replace("tls://0.0.0.0", "rss://localhost")
        with (
            wamplite.connect(near, realm="home") as guest,
            wamplite.connect(near, realm="home", auth=Ticket("joe", "s3cret")) as joe,
        ):
            assert (guest.authrole, joe.authrole) == ("guest", "sensor")
            joe.publish("home.sensors.t", 21.5, options={"acknowledge": True, "retain": True})
            for session, topic in ((guest, "home.sensors.t"), (joe, "home.door")):
                with pytest.raises(wamplite.NotAuthorized):
                    session.publish(topic, 1, options={"acknowledge": True})
            with pytest.raises(wamplite.NotAuthorized):
                joe.subscribe("home.sensors.t", print)
        tls = TlsOptions(str(tmp_path / "router.pem"))
        with wamplite.connect(far, realm="home", auth=Scram("joe", "s3cret"), tls=tls) as joe:
            assert joe.authmethod in ("scram", "wamp-scram")
        for auth in (None, Ticket("joe", "s3cret")):
            with pytest.raises(wamplite.JoinRefused, match="offered here"):
                wamplite.connect(far, realm="home", auth=auth, tls=tls)
        with pytest.raises(wamplite.JoinRefused, match="there is no realm"):
            wamplite.connect(near)
    assert (tmp_path / "retained.db").exists()
    with configured(tmp_path / "wamplite.toml") as router:
        got: list[float] = []
        with wamplite.connect(router.rs, realm="home") as guest:
            guest.subscribe("home.sensors.t", got.append, options={"get_retained": True})
            guest.drain()
        assert got == [21.5]


def test_options_go_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wamplite.toml"
    path.write_text('[router]\nmax_message_size = "64 KiB"\n')

    def takes(size: int, *options: str) -> bool:
        with (
            configured(path, "--listen", "tcp://127.0.0.1:0", *options) as router,
            wamplite.connect(router.rs) as session,
        ):
            try:
                session.publish("com.app.t", "x" * size, options={"acknowledge": True})
            except wamplite.WampliteError:
                return False
            return True

    assert takes(60_000) and not takes(100_000)
    monkeypatch.setenv("WAMPLITE_MAX_MESSAGE_SIZE", "128 KiB")
    assert takes(100_000) and not takes(100_000, "--max-message-size", "65536")
    done = run("router", "-c", str(path), WAMPLITE_LINGER="3 parsecs")
    assert done.returncode == 2
    assert "WAMPLITE_LINGER: expected a time in seconds" in done.stderr


ONE = '[[realm]]\nname = "{0}"\nanonymous = "g"\n[[realm.role]]\nname = "g"\n{1}'
ALL = '[[realm.role.permission]]\nuri = ""\nmatch = "prefix"\n'
ALL += 'allow = ["publish", "subscribe", "call"]\n'
TWO = ONE.format("a", ALL) + ONE.format("b", ALL)


def test_options_of_realms_are_about_the_one_that_is_named_or_there(tmp_path: Path) -> None:
    path = tmp_path / "wamplite.toml"
    rules = '[[realm.history]]\nuri = "h.file"\n[[realm.history]]\nuri = "h.both"\nmax_events = 1\n'
    path.write_text(ONE.format("a", ALL + rules))
    words = ["--listen", "tcp://127.0.0.1:0", "--history", "h.both", "--history", "prefix:h.more"]
    words += ["--keep", str(tmp_path / "kept"), "--feature", "event_history", "--strict"]
    words += ["--feature", "pattern_based_subscription"]
    with configured(path, *words) as router, wamplite.connect(router.rs, realm="a") as session:
        roles = session.details["roles"]["broker"]["features"]
        assert set(roles) >= {"event_history", "event_retention", "pattern_based_subscription"}
        assert "session_meta_api" not in roles
        for topic in ("h.both", "h.both", "h.file", "h.more.x", "h.none"):
            session.publish(topic, topic, options={"acknowledge": True})
        subscription = session.subscribe("h.", print, options={"match": "prefix"})
        events = session.call_result("wamp.subscription.get_events", args=[subscription.id]).args
        assert [event["args"] for event in events] == [
            ["h.both"],
            ["h.both"],
            ["h.file"],
            ["h.more.x"],
        ]
    kept = sorted(each.name for each in (tmp_path / "kept").glob("*.db"))
    assert kept == ["history-2-a.db", "history-a.db", "retained-a.db"]
    path.write_text(TWO)
    words = ["--listen", "tcp://127.0.0.1:0", "--realm", "b", "--feature", "basic"]
    with configured(path, *words) as router:
        for realm, has in (("a", True), ("b", False)):
            with wamplite.connect(router.rs, realm=realm) as session:
                assert ("features" in session.details["roles"]["broker"]) is has


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("[rooter]\n", (), ":1: rooter: unknown key; did you mean"),
        (None, (), "No such file"),
        ('[[realm]]\nname = "a"\nanonymous = "g"\n[[realm.role]]\nname = "g"\n',
         ("--realm", "b"), "has no realm 'b'; it has: a"),
        (TWO, ("--strict",), "--strict: of which realm? --realm says which of a, b"),
        (TWO, ("--realm", "a", "--history", "a..b"), "--history: 'a..b' is no topic"),
        ('[[realm]]\nname = "a"\nanonymous = "g"\n[[realm.role]]\nname = "g"\n[[listener]]\n'
         'url = "tcp://0.0.0.0:0"\n', (), "nobody has to say who they are"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_ends_the_program(
    tmp_path: Path, text: str | None, options: tuple[str, ...], told: str
) -> None:
    path = tmp_path / "wamplite.toml"
    if text is not None:
        path.write_text(text)
    done = run("router", "-c", str(path), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr and "Traceback" not in done.stderr
